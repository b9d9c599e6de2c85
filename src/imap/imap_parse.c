#include "imap/imap_parse.h"

#include "base/ascii.h"
#include "base/mutf7.h"
#include "base/utf8.h"

/* --- words --- */

enum parse
imap_parse_sp(struct cur *c)
{
	return cur_expect(c, SPAN(" "));
}

enum parse
imap_parse_end(struct cur *c)
{
	return cur_is_end(c) ? PARSE_OK : PARSE_BAD;
}

enum parse
imap_parse_word(struct cur *c, struct span word)
{
	struct cur at = *c;

	if (!cur_skip_nocase(&at, word)) {
		bool is_prefix = cur_left(c) < word.len &&
		                 span_starts_nocase(word, cur_rest(c));

		return is_prefix ? PARSE_MORE : PARSE_BAD;
	}
	if (!cur_is_end(&at) && imap_is_atom_char(*at.p))
		return PARSE_BAD;
	*c = at;
	return PARSE_OK;
}

/* RFC 9051 9: any CHAR but atom-specials: "(" ")" "{" SP CTL "%" "*" DQUOTE
 * "\" "]". */
bool
imap_is_atom_char(char ch)
{
	return ascii_is_vchar(ch) && span_find(SPAN("(){%*\"\\]"), ch) == 8;
}

bool
imap_is_astring_char(char ch)
{
	return imap_is_atom_char(ch) || ch == ']';
}

/* RFC 9051 9: 1*<any ASTRING-CHAR except "+"> */
static bool
is_tag_char(char ch)
{
	return imap_is_astring_char(ch) && ch != '+';
}

static enum parse
take_run(struct cur *c, bool (*is_member)(char), struct span *out)
{
	struct span run = cur_while(c, is_member);

	if (run.len == 0)
		return cur_is_end(c) ? PARSE_MORE : PARSE_BAD;
	*out = run;
	return PARSE_OK;
}

enum parse
imap_parse_tag(struct cur *c, struct span *out)
{
	return take_run(c, is_tag_char, out);
}

enum parse
imap_parse_atom(struct cur *c, struct span *out)
{
	return take_run(c, imap_is_atom_char, out);
}

/* --- strings --- */

/* Without the backslashes of quoted-specials, in the arena. */
static enum parse
unescape(struct span raw, struct arena *a, struct span *out)
{
	char *p = arena_alloc(a, raw.len);
	size_t n = 0;

	if (p == NULL)
		return PARSE_BAD;
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.p[i] == '\\')
			i++;
		p[n++] = raw.p[i];
	}
	*out = span_of(p, n);
	return PARSE_OK;
}

/* RFC 9051 9: DQUOTE *QUOTED-CHAR DQUOTE. 8 bit is let through in any session:
 * who takes the text says what it may be. */
static enum parse
parse_quoted(struct cur *c, struct arena *a, struct span *out)
{
	struct cur at = *c;
	bool is_escaped = false;
	const char *start;
	struct span raw;

	if (!cur_skip(&at, '"'))
		return PARSE_BAD;
	start = at.p;
	for (; !cur_is_end(&at) && *at.p != '"'; at.p++) {
		if (*at.p == '\\') {
			is_escaped = true;
			at.p++;
			if (cur_is_end(&at))
				return PARSE_MORE;
			if (*at.p != '"' && *at.p != '\\')
				return PARSE_BAD;
		}
		if (*at.p == '\0' || *at.p == '\r' || *at.p == '\n')
			return PARSE_BAD;
	}
	raw = span_of(start, (size_t)(at.p - start));
	if (!cur_skip(&at, '"'))
		return PARSE_MORE;
	if (is_escaped && unescape(raw, a, &raw) != PARSE_OK)
		return PARSE_BAD;
	*out = raw;
	*c = at;
	return PARSE_OK;
}

/* RFC 9051 9: "{" number64 ["+"] "}" CRLF *CHAR8 */
static enum parse
parse_literal(struct cur *c, struct span *out)
{
	struct cur at = *c;
	uint64_t len;
	struct span text;
	enum parse r;

	if (!cur_skip(&at, '{'))
		return PARSE_BAD;
	r = imap_parse_number64(&at, &len);
	if (r != PARSE_OK)
		return r;
	(void)cur_skip(&at, '+');
	r = cur_expect(&at, SPAN("}\r\n"));
	if (r == PARSE_OK && len > cur_left(&at))
		r = PARSE_MORE;
	if (r == PARSE_OK)
		r = cur_take(&at, (size_t)len, &text);
	if (r != PARSE_OK)
		return r;
	if (span_find(text, '\0') < text.len)
		return PARSE_BAD; /* CHAR8: %x01-ff */
	*out = text;
	*c = at;
	return PARSE_OK;
}

enum parse
imap_parse_string(struct cur *c, struct arena *a, struct span *out)
{
	switch (cur_peek(c)) {
	case -1:
		return PARSE_MORE;
	case '{':
		return parse_literal(c, out);
	default:
		return parse_quoted(c, a, out);
	}
}

enum parse
imap_parse_astring(struct cur *c, struct arena *a, struct span *out)
{
	if (cur_peek(c) == '"' || cur_peek(c) == '{')
		return imap_parse_string(c, a, out);
	return take_run(c, imap_is_astring_char, out);
}

enum parse
imap_parse_nstring(struct cur *c, struct arena *a, struct span *out)
{
	enum parse r = imap_parse_word(c, SPAN("NIL"));

	if (r == PARSE_BAD)
		return imap_parse_string(c, a, out);
	if (r == PARSE_OK)
		*out = span_of(NULL, 0);
	return r;
}

/* --- numbers --- */

static enum parse
take_number(struct cur *c, uint64_t max, uint64_t *out)
{
	struct cur at = *c;
	struct span digits = cur_while(&at, ascii_is_digit);

	if (digits.len == 0)
		return cur_is_end(c) ? PARSE_MORE : PARSE_BAD;
	if (span_to_u64(digits, max, out) < 0)
		return PARSE_BAD;
	*c = at;
	return PARSE_OK;
}

enum parse
imap_parse_number(struct cur *c, uint32_t *out)
{
	uint64_t v;
	enum parse r = take_number(c, UINT32_MAX, &v);

	if (r == PARSE_OK)
		*out = (uint32_t)v;
	return r;
}

enum parse
imap_parse_nz_number(struct cur *c, uint32_t *out)
{
	if (cur_peek(c) == '0')
		return PARSE_BAD;
	return imap_parse_number(c, out);
}

enum parse
imap_parse_number64(struct cur *c, uint64_t *out)
{
	return take_number(c, INT64_MAX, out);
}

/* --- mailboxes --- */

/* RFC 9051 5.1: INBOX at the top is INBOX in any case, also with levels below
 * it. */
static enum parse
fold_inbox(struct span path, struct arena *a, struct span *out)
{
	struct span top = span_sub(path, 0, span_find(path, '/'));

	*out = path;
	if (!span_is_nocase(top, SPAN("INBOX")) || span_is(top, SPAN("INBOX")))
		return PARSE_OK;
	if (top.len == path.len) {
		*out = SPAN("INBOX");
		return PARSE_OK;
	}
	if (arena_copy(a, path, out) < 0)
		return PARSE_BAD;
	memcpy((char *)(uintptr_t)out->p, "INBOX", 5);
	return PARSE_OK;
}

/* From UTF-8, or from modified UTF-7. Raw UTF-8 before ENABLE is no name (RFC 3501 5.1.3):
 * LIST would have to tell it in another form, and the client would not know it
 * again. Dovecot and Cyrus refuse it too. */
static enum parse
decode_name(struct span raw, struct arena *a, bool is_utf8, struct span *out,
    bool *is_valid)
{
	struct buf b;
	char *p;

	if (is_utf8) {
		*is_valid = utf8_is_valid(raw);
		*out = raw;
		return PARSE_OK;
	}
	if (span_find(raw, '&') == raw.len && !utf8_has_8bit(raw)) {
		*out = raw;
		for (size_t i = 0; i < raw.len; i++)
			*is_valid = *is_valid && !ascii_is_ctl(raw.p[i]);
		return PARSE_OK;
	}
	p = arena_alloc(a, raw.len);
	if (p == NULL)
		return PARSE_BAD;
	buf_init_fixed(&b, p, raw.len);
	*is_valid = mutf7_get(&b, raw) == 0;
	*out = *is_valid ? buf_span(&b) : raw;
	return PARSE_OK;
}

enum parse
imap_parse_mailbox(struct cur *c, struct arena *a, bool is_utf8,
    struct span *out, bool *is_valid_out)
{
	struct cur at = *c;
	struct span name;
	bool is_valid = true;
	enum parse r = imap_parse_astring(&at, a, &name);

	if (r == PARSE_OK)
		r = decode_name(name, a, is_utf8, &name, &is_valid);
	if (r == PARSE_OK && is_valid)
		r = fold_inbox(name, a, &name);
	if (r != PARSE_OK)
		return r;
	*out = name;
	*is_valid_out = is_valid;
	*c = at;
	return PARSE_OK;
}

/* RFC 9051 9: list-char = ATOM-CHAR / list-wildcards / resp-specials */
static bool
is_list_char(char ch)
{
	return imap_is_astring_char(ch) || ch == '%' || ch == '*';
}

enum parse
imap_parse_list_mailbox(struct cur *c, struct arena *a, bool is_utf8,
    struct span *out, bool *is_valid_out)
{
	struct cur at = *c;
	bool is_string = cur_peek(&at) == '"' || cur_peek(&at) == '{';
	struct span name;
	bool is_valid = true;
	enum parse r = is_string ? imap_parse_string(&at, a, &name)
	                         : take_run(&at, is_list_char, &name);

	if (r == PARSE_OK)
		r = decode_name(name, a, is_utf8, &name, &is_valid);
	if (r != PARSE_OK)
		return r;
	*out = name;
	*is_valid_out = is_valid;
	*c = at;
	return PARSE_OK;
}

/* --- the reader of commands --- */

bool
imap_ends_in_literal(struct span line, struct imap_literal *out)
{
	struct imap_literal l = { .is_synchronizing = true };
	size_t open = span_rfind(line, '{');
	struct span inside = span_sub(line, open + 1, line.len);
	size_t n = inside.len;

	if (n < 2 || inside.p[n - 1] != '}')
		return false;
	n--;
	if (inside.p[n - 1] == '+') { /* RFC 7888 3 */
		l.is_synchronizing = false;
		n--;
	}
	switch (span_to_u64(span_sub(inside, 0, n), INT64_MAX, &l.bytes)) {
	case 0:
		break;
	case ERR_LIMIT:
		l.bytes = UINT64_MAX; /* still one, and too long for anyone */
		break;
	default:
		return false;
	}
	l.is_binary = open > 0 && line.p[open - 1] == '~';
	*out = l;
	return true;
}
