#include "smtp/smtp_reply.h"

#include "base/ascii.h"

/* RFC 5321 4.2: Reply-code = %x32-35 %x30-35 %x30-39. Deviation: any second
 * digit; the first is what one acts by. */
static bool
get_code(struct span line, uint16_t *out)
{
	if (line.len < 3 || line.p[0] < '2' || line.p[0] > '5' ||
	    !ascii_is_digit(line.p[1]) || !ascii_is_digit(line.p[2]))
		return false;
	*out = (uint16_t)((line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 +
	                  (line.p[2] - '0'));
	return true;
}

/* Can these bytes be the beginning of a reply? No need to wait for an end that
 * may never come. */
static bool
may_begin(struct span s)
{
	if (s.len > 0 && (s.p[0] < '2' || s.p[0] > '5'))
		return false;
	for (size_t i = 1; i < 3 && i < s.len; i++)
		if (!ascii_is_digit(s.p[i]))
			return false;
	return s.len < 4 || s.p[3] == ' ' || s.p[3] == '-' || s.p[3] == '\r' ||
	       s.p[3] == '\n';
}

enum parse
smtp_reply_line(struct cur *c, struct smtp_reply_line *out)
{
	struct span rest = cur_rest(c);
	size_t len = span_find(rest, '\n');
	struct span line = span_sub(rest, 0, len);

	if (len > MAX_REPLY_LINE_BYTES || (len == rest.len && !may_begin(rest)))
		return PARSE_BAD;
	if (len == rest.len)
		return PARSE_MORE;
	if (len > 0 && line.p[len - 1] == '\r')
		line.len--;
	if (!get_code(line, &out->code))
		return PARSE_BAD;
	if (line.len > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return PARSE_BAD;
	out->is_last = line.len == 3 || line.p[3] == ' ';
	out->text = span_sub(line, 4, line.len);
	c->p += len + 1;
	return PARSE_OK;
}

/* RFC 3463 2: class "." subject "." detail. Takes it off the text. */
static bool
take_enhanced(struct span *text, uint16_t code, char out[MAX_ENHANCED])
{
	size_t n = 0, n_dots = 0, n_digits = 0;

	if (text->len < 5 || text->p[0] != (char)('0' + code / 100))
		return false;
	for (; n < text->len && n < MAX_ENHANCED; n++) {
		char ch = text->p[n];

		if (ch == '.' && n_digits > 0 && n_dots < 2) {
			n_dots++;
			n_digits = 0;
		} else if (ascii_is_digit(ch) && n_digits < 3) {
			n_digits++;
		} else {
			break;
		}
	}
	if (n_dots != 2 || n_digits == 0 || n >= MAX_ENHANCED ||
	    (n < text->len && text->p[n] != ' '))
		return false;
	memcpy(out, text->p, n);
	out[n] = '\0';
	*text = span_trim(span_sub(*text, n, text->len));
	return true;
}

static void
keep_char(struct smtp_reply *r, char ch)
{
	if (r->text_len < MAX_REPLY_TEXT)
		r->text[r->text_len++] = ch;
}

static void
keep_text(struct smtp_reply *r, struct span text)
{
	char enhanced[MAX_ENHANCED];

	text = span_trim(text);
	if (take_enhanced(&text, r->code, enhanced) && r->enhanced[0] == '\0')
		memcpy(r->enhanced, enhanced, sizeof(enhanced));
	if (text.len > 0 && r->text_len > 0)
		keep_char(r, ' ');
	for (size_t i = 0; i < text.len; i++) {
		char ch = text.p[i];

		keep_char(r, ch == '\t'                        ? ' '
		             : ch == ' ' || ascii_is_vchar(ch) ? ch
		                                               : '?');
	}
}

enum parse
smtp_reply_take(struct smtp_reply *r, struct cur *c,
    void (*each)(void *arg, struct span text), void *arg)
{
	if (r->is_whole)
		*r = (struct smtp_reply){ 0 };
	for (;;) {
		struct smtp_reply_line line;
		const char *from = c->p;
		enum parse p = smtp_reply_line(c, &line);

		if (p != PARSE_OK)
			return p;
		r->n_bytes += (uint32_t)(c->p - from);
		if (++r->n_lines > MAX_REPLY_LINES ||
		    r->n_bytes > MAX_REPLY_BYTES)
			return PARSE_BAD;
		r->code = line.code;
		keep_text(r, line.text);
		if (each != NULL)
			each(arg, line.text);
		r->is_whole = line.is_last;
		if (line.is_last)
			return PARSE_OK;
	}
}
