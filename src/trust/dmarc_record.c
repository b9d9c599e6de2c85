#include "trust/dmarc_record.h"

#include "base/cursor.h"

/* The next "name = value" between semicolons. ERR_NONE; an item that is none
 * has an empty name. */
static int
next(struct cur *c, struct span *name, struct span *value)
{
	struct span item = cur_rest(c);

	if (item.len == 0)
		return ERR_NONE;
	item.len = span_find(item, ';');
	c->p += item.len;
	(void)cur_skip(c, ';');
	*value = item;
	*name = span_trim(span_split(value, '='));
	*value = span_trim(*value);
	return 0;
}

/* RFC 9989 4.8: "v" *WSP "=" *WSP %s"DMARC1", the first. */
bool
dmarc_record_is(struct span txt)
{
	struct cur c = cur_of(txt);
	struct span name, value;

	if (txt.len == 0 || !(txt.p[0] == 'v' || txt.p[0] == 'V'))
		return false;
	return next(&c, &name, &value) == 0 &&
	       span_is_nocase(name, SPAN("v")) &&
	       span_is(value, SPAN("DMARC1"));
}

static int
parse_policy(struct span s, enum dmarc_policy *out)
{
	if (span_is_nocase(s, SPAN("none")))
		*out = DMARC_P_NONE;
	else if (span_is_nocase(s, SPAN("quarantine")))
		*out = DMARC_P_QUARANTINE;
	else if (span_is_nocase(s, SPAN("reject")))
		*out = DMARC_P_REJECT;
	else
		return ERR_SYNTAX;
	return 0;
}

/* Values as they stand; p NULL: not there. */
struct values {
	struct span p, sp, np, psd, adkim, aspf, t, rua;
};

static struct span *
value_of(struct values *v, struct span name)
{
	const struct {
		const char *name;
		struct span *value;
	} rows[] = {
		{ "p", &v->p },
		{ "sp", &v->sp },
		{ "np", &v->np },
		{ "psd", &v->psd },
		{ "adkim", &v->adkim },
		{ "aspf", &v->aspf },
		{ "t", &v->t },
		{ "rua", &v->rua },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_is_nocase(name, span_str(rows[i].name)))
			return rows[i].value;
	return NULL;
}

/* RFC 9989 4.10.1: at least one URI, of any scheme. */
static bool
has_uri(struct span list)
{
	while (list.len > 0) {
		struct span uri = span_trim(span_split(&list, ','));
		size_t colon = span_find(uri, ':');

		if (colon > 0 && colon + 1 < uri.len)
			return true;
	}
	return false;
}

/* RFC 9989 4.10.1: without a valid p=, a record that asks for reports means none,
 * and another is no record. */
static int
set_policies(const struct values *v, struct dmarc_record *out)
{
	bool is_bad = parse_policy(v->p, &out->p) < 0;

	out->sp = out->p;
	if (v->sp.p != NULL && parse_policy(v->sp, &out->sp) < 0)
		is_bad = true;
	out->np = out->sp;
	if (v->np.p != NULL && parse_policy(v->np, &out->np) < 0)
		is_bad = true;
	if (!is_bad)
		return 0;
	out->p = out->sp = out->np = DMARC_P_NONE;
	if (has_uri(v->rua))
		return 0;
	/* A public suffix may say psd=y alone: it is asked for the tree. */
	return v->p.p == NULL && out->psd != DMARC_PSD_UNKNOWN ? 0 : ERR_SYNTAX;
}

struct span
dmarc_record_value(struct span txt, struct span name)
{
	struct cur c = cur_of(txt);
	struct span tag, value;

	while (next(&c, &tag, &value) == 0)
		if (span_is_nocase(tag, name))
			return value;
	return span_of(NULL, 0);
}

int
dmarc_record_parse(struct span txt, struct dmarc_record *out)
{
	struct cur c = cur_of(txt);
	struct values v = { .p = span_of(NULL, 0) };
	struct span name, value, *place;

	*out = (struct dmarc_record){ .p = DMARC_P_NONE };
	if (!dmarc_record_is(txt))
		return ERR_SYNTAX;
	while (next(&c, &name, &value) == 0) {
		place = value_of(&v, name);
		if (place != NULL && place->p == NULL)
			*place = value;
	}
	if (span_is_nocase(v.psd, SPAN("y")))
		out->psd = DMARC_PSD_YES;
	else if (span_is_nocase(v.psd, SPAN("n")))
		out->psd = DMARC_PSD_NO;
	out->is_strict_dkim = span_is_nocase(v.adkim, SPAN("s"));
	out->is_strict_spf = span_is_nocase(v.aspf, SPAN("s"));
	out->is_testing = span_is_nocase(v.t, SPAN("y"));
	out->has_rua = v.rua.len > 0;
	return set_policies(&v, out);
}
