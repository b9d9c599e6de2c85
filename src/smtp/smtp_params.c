#include "smtp/smtp_params.h"

#include "base/ascii.h"
#include "base/utf8.h"

typedef int (*param_set)(void *params, struct span value);

struct param_row {
	const char *name;
	unsigned bit;
	param_set set;
};

bool
smtp_params_is_xtext(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		int high, low;

		if (!ascii_is_vchar(c) || c == '=')
			return false;
		if (c != '+')
			continue;
		if (s.len - i < 3)
			return false;
		high = ascii_hex_value(s.p[i + 1]);
		low = ascii_hex_value(s.p[i + 2]);
		/* A line end in here has become a header field elsewhere. */
		if (high < 0 || low < 0 ||
		    ascii_is_ctl((char)(high * 16 + low)))
			return false;
		i += 2;
	}
	return true;
}

static int
set_size(void *params, struct span v)
{
	struct smtp_mail_params *m = params;

	if (v.len > 20) /* RFC 1870 3 */
		return ERR_INVALID;
	return span_to_u64(v, INT64_MAX, &m->size_bytes);
}

static int
set_body(void *params, struct span v)
{
	struct smtp_mail_params *m = params;

	if (span_is_nocase(v, SPAN("7BIT")))
		m->body = SMTP_BODY_7BIT;
	else if (span_is_nocase(v, SPAN("8BITMIME")))
		m->body = SMTP_BODY_8BITMIME;
	else if (span_is_nocase(v, SPAN("BINARYMIME")))
		return ERR_UNSUPPORTED; /* RFC 3030 3: not offered */
	else
		return ERR_INVALID;
	return 0;
}

static int
set_utf8(void *params, struct span v)
{
	struct smtp_mail_params *m = params;

	if (v.p != NULL) /* RFC 6531 3.4: it takes no value */
		return ERR_INVALID;
	m->is_utf8 = true;
	return 0;
}

static int
set_requiretls(void *params, struct span v)
{
	struct smtp_mail_params *m = params;

	if (v.p != NULL) /* RFC 8689 2: it takes no value */
		return ERR_INVALID;
	m->requires_tls = true;
	return 0;
}

static int
set_auth(void *params, struct span v)
{
	struct smtp_mail_params *m = params;

	/* RFC 4954 5 */
	if (v.len == 0 || !smtp_params_is_xtext(v))
		return ERR_INVALID;
	m->auth = v;
	return 0;
}

static int
set_ret(void *params, struct span v)
{
	struct smtp_mail_params *m = params;

	if (span_is_nocase(v, SPAN("FULL")))
		m->ret = SMTP_RET_FULL;
	else if (span_is_nocase(v, SPAN("HDRS")))
		m->ret = SMTP_RET_HDRS;
	else
		return ERR_INVALID;
	return 0;
}

static int
set_envid(void *params, struct span v)
{
	struct smtp_mail_params *m = params;

	if (v.len == 0 || v.len > MAX_ENVID_BYTES || !smtp_params_is_xtext(v))
		return ERR_INVALID;
	m->envid = v;
	return 0;
}

static int
set_notify(void *params, struct span v)
{
	static const struct {
		struct span word;
		unsigned bit;
	} words[] = {
		{ SPAN("NEVER"), SMTP_NOTIFY_NEVER },
		{ SPAN("SUCCESS"), SMTP_NOTIFY_SUCCESS },
		{ SPAN("FAILURE"), SMTP_NOTIFY_FAILURE },
		{ SPAN("DELAY"), SMTP_NOTIFY_DELAY },
	};
	struct smtp_rcpt_params *r = params;

	if (v.len == 0 || v.p[v.len - 1] == ',')
		return ERR_INVALID;
	while (v.len > 0) {
		struct span word = span_split(&v, ',');
		unsigned bit = 0;

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (span_is_nocase(word, words[i].word))
				bit = words[i].bit;
		if (bit == 0)
			return ERR_INVALID;
		r->notify |= bit;
	}
	/* RFC 3461 4.1: NEVER stands alone. */
	if ((r->notify & SMTP_NOTIFY_NEVER) && r->notify != SMTP_NOTIFY_NEVER)
		return ERR_INVALID;
	return 0;
}

static int
set_orcpt(void *params, struct span v)
{
	struct smtp_rcpt_params *r = params;
	struct span rest = v;
	struct span type = span_split(&rest, ';');

	if (v.len > MAX_ORCPT_BYTES || type.len == 0 || rest.len == 0)
		return ERR_INVALID;
	for (size_t i = 0; i < type.len; i++)
		if (!ascii_is_alnum(type.p[i]) && type.p[i] != '-')
			return ERR_INVALID;
	/* RFC 6533 3: utf-8 addresses may come as they are. */
	if (span_is_nocase(type, SPAN("utf-8"))) {
		if (!utf8_is_valid(rest))
			return ERR_INVALID;
	} else if (!smtp_params_is_xtext(rest)) {
		return ERR_INVALID;
	}
	r->orcpt = v;
	return 0;
}

static const struct param_row mail_rows[] = {
	{ "SIZE", 1, set_size },              /* RFC 1870 3 */
	{ "BODY", 2, set_body },              /* RFC 6152 2 */
	{ "SMTPUTF8", 4, set_utf8 },          /* RFC 6531 3.4 */
	{ "AUTH", 8, set_auth },              /* RFC 4954 5 */
	{ "RET", 16, set_ret },               /* RFC 3461 4.3 */
	{ "ENVID", 32, set_envid },           /* RFC 3461 4.4 */
	{ "REQUIRETLS", 64, set_requiretls }, /* RFC 8689 2 */
	{ NULL, 0, NULL },
};

static const struct param_row rcpt_rows[] = {
	{ "NOTIFY", 1, set_notify }, /* RFC 3461 4.1 */
	{ "ORCPT", 2, set_orcpt },   /* RFC 3461 4.2 */
	{ NULL, 0, NULL },
};

/* RFC 5321 4.1.2: esmtp-keyword. */
static bool
is_keyword(struct span s)
{
	if (s.len == 0 || s.p[0] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

/* RFC 5321 4.1.2: esmtp-value, with UTF-8 (RFC 6531 3.3). */
static bool
is_value(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '=' ||
		    !(ascii_is_vchar(s.p[i]) || ascii_is_8bit(s.p[i])))
			return false;
	return s.len > 0;
}

static int
parse_one(struct span word, const struct param_row *rows, unsigned *seen,
    void *params)
{
	size_t at = span_find(word, '=');
	struct span name = span_sub(word, 0, at);
	struct span value = span_of(NULL, 0);

	if (!is_keyword(name))
		return ERR_SYNTAX;
	if (at < word.len) {
		value = span_sub(word, at + 1, word.len);
		/* AUTH=<> has no "=" in it; xtext neither. */
		if (!is_value(value))
			return ERR_SYNTAX;
	}
	for (; rows->name != NULL; rows++)
		if (span_is_nocase(name, span_str(rows->name)))
			break;
	if (rows->name == NULL)
		return ERR_UNSUPPORTED;
	if (*seen & rows->bit)
		return ERR_EXISTS;
	*seen |= rows->bit;
	return rows->set(params, value);
}

static int
parse_all(
    struct span s, const struct param_row *rows, unsigned *seen, void *params)
{
	while (s.len > 0) {
		struct span word = span_split(&s, ' ');
		int rc;

		if (word.len == 0)
			continue; /* Deviation: any number of spaces is taken. */
		rc = parse_one(word, rows, seen, params);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
smtp_params_mail(struct span s, struct smtp_mail_params *out)
{
	*out = (struct smtp_mail_params){ 0 };
	if (s.len > 0 && s.p[0] != ' ')
		return ERR_SYNTAX;
	return parse_all(s, mail_rows, &out->seen, out);
}

int
smtp_params_rcpt(struct span s, struct smtp_rcpt_params *out)
{
	*out = (struct smtp_rcpt_params){ 0 };
	if (s.len > 0 && s.p[0] != ' ')
		return ERR_SYNTAX;
	return parse_all(s, rcpt_rows, &out->seen, out);
}

int
smtp_params_bdat(struct span s, uint64_t *size_out, bool *is_last_out)
{
	struct span rest = s;
	struct span number = span_split(&rest, ' ');

	rest = span_trim(rest);
	*is_last_out = rest.len > 0;
	if (rest.len > 0 && !span_is_nocase(rest, SPAN("LAST")))
		return ERR_SYNTAX;
	return span_to_u64(number, INT64_MAX, size_out);
}

void
smtp_params_put_xtext(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c > ' ' && c < 0x7f && c != '+' && c != '=')
			buf_put_char(out, c);
		else
			buf_putf(out, "+%02X", (unsigned char)c);
	}
}
