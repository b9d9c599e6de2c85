#include "imap/fetch_structure.h"

#include "base/utf8.h"
#include "imap/downgrade.h"
#include "imap/imap_reply.h"

/* Walks the flat list of parts; next is the one in front of it. */
struct walk {
	struct fetch_writer *w;
	struct cur parts;
	struct summary_part next;
	bool has_next, is_extensible;
};

static int
advance(struct walk *k)
{
	int rc = summary_part_next(&k->parts, &k->next);

	k->has_next = rc == 0;
	return rc == ERR_NONE ? 0 : rc;
}

static bool
has_child(const struct walk *k, unsigned depth)
{
	return k->has_next && k->next.depth == depth + 1;
}

/* --- fields --- */

static void
put_string(struct walk *k, struct span s)
{
	fetch_put_text(k->w, s.len > 0 ? s : SPAN(""));
}

static void
put_param(struct walk *k, struct span name, struct span value)
{
	struct buf *out = k->w->out;
	struct buf text;

	/* RFC 6858 2.2; both are of the form that RFC 2231 gives them. */
	buf_init(&text, name.len + 9 * value.len + 64);
	buf_put(&text, name);
	buf_put_char(&text, '*');
	imap_put_string(out, buf_span(&text), false);
	buf_reset(&text);
	downgrade_put_extended(&text, value);
	buf_put_char(out, ' ');
	imap_put_string(out, buf_span(&text), false);
	if (buf_failed(&text))
		out->has_failed = true;
	buf_deinit(&text);
}

/* body-fld-param = "(" string SP string *(SP string SP string) ")" / nil */
static int
put_params(struct walk *k, struct span params)
{
	struct buf *out = k->w->out;
	struct cur c = cur_of(params);
	struct span name, value;
	char before = '(';
	int rc;

	for (;;) {
		rc = summary_param_next(&c, &name, &value);
		if (rc < 0)
			break;
		if (!k->w->is_utf8 && utf8_has_8bit(name))
			continue;
		buf_put_char(out, before);
		before = ' ';
		if (!k->w->is_utf8 && utf8_has_8bit(value)) {
			put_param(k, name, value);
			continue;
		}
		put_string(k, name);
		buf_put_char(out, ' ');
		put_string(k, value);
	}
	buf_put_str(out, before == '(' ? "NIL" : ")");
	return rc == ERR_NONE ? 0 : rc;
}

/* body-fld-dsp = "(" string SP body-fld-param ")" / nil */
static int
put_disposition(struct walk *k, const struct summary_part *p)
{
	struct buf *out = k->w->out;
	int rc;

	if (p->disposition.p == NULL) {
		buf_put_str(out, "NIL");
		return 0;
	}
	buf_put_char(out, '(');
	put_string(k, p->disposition);
	buf_put_char(out, ' ');
	rc = put_params(k, p->disposition_params);
	buf_put_char(out, ')');
	return rc;
}

/* body-fld-lang = nstring / "(" string *(SP string) ")": the tags of RFC 3282
 * are parted by commas. */
static void
put_languages(struct walk *k, struct span s)
{
	struct buf *out = k->w->out;
	char before = '(';

	if (span_find(s, ',') == s.len) {
		fetch_put_id(k->w, s);
		return;
	}
	while (s.len > 0) {
		struct span tag = span_trim(span_split(&s, ','));

		if (tag.len == 0 || utf8_has_8bit(tag))
			continue;
		buf_put_char(out, before);
		put_string(k, tag);
		before = ' ';
	}
	buf_put_str(out, before == '(' ? "NIL" : ")");
}

/* What stands last in body-ext-1part and body-ext-mpart. */
static int
put_extension(struct walk *k, const struct summary_part *p)
{
	struct buf *out = k->w->out;
	int rc;

	buf_put_char(out, ' ');
	rc = put_disposition(k, p);
	buf_put_char(out, ' ');
	put_languages(k, p->language);
	buf_put_char(out, ' ');
	fetch_put_id(k->w, p->location);
	return rc;
}

/* --- parts --- */

static int put_body(struct walk *k, bool is_message);

/* What a part is called: its own type, or that of the leaf it is shown as. */
static void
put_type(struct walk *k, const struct summary_part *p)
{
	struct buf *out = k->w->out;
	bool is_message = span_is(p->type, SPAN("message")) &&
	                  (span_is(p->subtype, SPAN("rfc822")) ||
	                      span_is(p->subtype, SPAN("global")));

	if (p->flags & PART_IS_MESSAGE) {
		/* RFC 6858 2: downgraded, it is the other. */
		bool is_global =
		    k->w->is_utf8 && span_is(p->subtype, SPAN("global"));

		buf_put_str(out, is_global ? "\"message\" \"global\""
		                           : "\"message\" \"rfc822\"");
	} else if (span_is(p->type, SPAN("multipart"))) {
		/* Without parts it is what RFC 2046 5.1.1 calls preamble. */
		buf_put_str(out, "\"text\" \"plain\"");
	} else if (is_message) {
		buf_put_str(out, "\"application\" \"octet-stream\"");
	} else {
		put_string(k, p->type);
		buf_put_char(out, ' ');
		put_string(k, p->subtype);
	}
}

static bool
has_lines(const struct summary_part *p)
{
	return (p->flags & PART_IS_MESSAGE) || span_is(p->type, SPAN("text")) ||
	       span_is(p->type, SPAN("multipart"));
}

/* body-fields */
static int
put_fields(struct walk *k, const struct summary_part *p)
{
	struct buf *out = k->w->out;
	int rc;

	put_type(k, p);
	buf_put_char(out, ' ');
	rc = put_params(k, p->params);
	buf_put_char(out, ' ');
	fetch_put_id(k->w, p->id);
	buf_put_char(out, ' ');
	fetch_put_text(k->w, p->description);
	buf_put_char(out, ' ');
	put_string(k, p->encoding);
	buf_put_char(out, ' ');
	buf_put_u64(out, p->body_end - p->body_start);
	return rc;
}

/* body-type-1part: basic, text, or a message with its envelope and body. */
static int
put_single(struct walk *k, const struct summary_part *p)
{
	struct buf *out = k->w->out;
	int rc = put_fields(k, p);

	if (rc == 0 && (p->flags & PART_IS_MESSAGE)) {
		if (!has_child(k, p->depth))
			return ERR_DAMAGED;
		buf_put_char(out, ' ');
		rc = put_body(k, true);
	}
	if (has_lines(p)) {
		buf_put_char(out, ' ');
		buf_put_u64(out, p->n_lines);
	}
	if (rc < 0 || !k->is_extensible)
		return rc;
	buf_put_char(out, ' ');
	fetch_put_id(k->w, p->md5);
	return put_extension(k, p);
}

/* body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart] */
static int
put_multipart(struct walk *k, const struct summary_part *p)
{
	struct buf *out = k->w->out;
	int rc = has_child(k, p->depth) ? 0 : ERR_DAMAGED;

	while (rc == 0 && has_child(k, p->depth))
		rc = put_body(k, false);
	if (rc < 0)
		return rc;
	buf_put_char(out, ' ');
	put_string(k, p->subtype);
	if (!k->is_extensible)
		return 0;
	buf_put_char(out, ' ');
	rc = put_params(k, p->params);
	return rc == 0 ? put_extension(k, p) : rc;
}

/* body; in front of it the envelope of a message's root. Recursion is bounded
 * by MAX_MIME_DEPTH. */
static int
put_body(struct walk *k, bool is_message)
{
	struct summary_part p = k->next;
	int rc = p.depth <= MAX_MIME_DEPTH ? advance(k) : ERR_DAMAGED;

	if (rc < 0)
		return rc;
	if (is_message) {
		fetch_put_envelope(k->w, &p.envelope);
		buf_put_char(k->w->out, ' ');
	}
	buf_put_char(k->w->out, '(');
	rc = p.flags & PART_IS_MULTIPART ? put_multipart(k, &p)
	                                 : put_single(k, &p);
	buf_put_char(k->w->out, ')');
	return rc;
}

int
fetch_put_structure(
    struct fetch_writer *w, const struct summary *s, bool is_extensible)
{
	struct walk k = { .w = w,
		.parts = summary_parts(s),
		.is_extensible = is_extensible };
	int rc = advance(&k);

	if (rc == 0 && !k.has_next)
		rc = ERR_DAMAGED;
	return rc == 0 ? put_body(&k, false) : rc;
}
