#include "net/der.h"

#include "base/clock.h"

/* X.690 10.1: definite form, in the fewest bytes; at most 3 here. */
static int
take_length(struct cur *c, size_t *out)
{
	uint8_t first, more;

	if (cur_u8(c, &first) != PARSE_OK)
		return ERR_SYNTAX;
	*out = first;
	if (first < 0x80)
		return 0;
	if (first < 0x81 || first > 0x83)
		return ERR_SYNTAX;
	*out = 0;
	for (int i = 0; i < first - 0x80; i++) {
		if (cur_u8(c, &more) != PARSE_OK)
			return ERR_SYNTAX;
		*out = *out << 8 | more;
	}
	return *out < 0x80 ? ERR_SYNTAX : 0;
}

int
der_next(
    struct cur *c, uint8_t *tag_out, struct span *content, struct span *whole)
{
	struct cur at = *c;
	struct span body;
	uint8_t tag;
	size_t len;

	/* Tags past 30 take more bytes: X.509 has none. */
	if (cur_u8(&at, &tag) != PARSE_OK || (tag & 0x1f) == 0x1f ||
	    take_length(&at, &len) < 0 || cur_take(&at, len, &body) != PARSE_OK)
		return ERR_SYNTAX;
	if (tag_out != NULL)
		*tag_out = tag;
	if (content != NULL)
		*content = body;
	if (whole != NULL)
		*whole = span_of(c->p, (size_t)(at.p - c->p));
	*c = at;
	return 0;
}

int
der_expect(struct cur *c, uint8_t tag, struct span *content)
{
	struct cur at = *c;
	uint8_t got;

	if (der_next(&at, &got, content, NULL) < 0 || got != tag)
		return ERR_SYNTAX;
	*c = at;
	return 0;
}

/* n decimal digits from s. */
static int
take_digits(struct span *s, size_t n, int *out)
{
	uint64_t v;

	if (s->len < n || span_to_u64(span_sub(*s, 0, n), 9999, &v) < 0)
		return ERR_SYNTAX;
	*s = span_sub(*s, n, s->len);
	*out = (int)v;
	return 0;
}

int
der_time(struct cur *c, int64_t *wall_s)
{
	struct cur at = *c;
	struct civil t = { 0 };
	struct span s;
	uint8_t tag;

	if (der_next(&at, &tag, &s, NULL) < 0)
		return ERR_SYNTAX;
	if (tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME)
		return ERR_SYNTAX;
	if (take_digits(&s, tag == DER_UTC_TIME ? 2 : 4, &t.year) < 0 ||
	    take_digits(&s, 2, &t.month) < 0 ||
	    take_digits(&s, 2, &t.day) < 0 || take_digits(&s, 2, &t.hour) < 0 ||
	    take_digits(&s, 2, &t.minute) < 0 ||
	    take_digits(&s, 2, &t.second) < 0 || !span_is(s, SPAN("Z")) ||
	    t.month < 1 || t.month > 12)
		return ERR_SYNTAX;
	/* RFC 5280 4.1.2.5.1 */
	if (tag == DER_UTC_TIME)
		t.year += t.year >= 50 ? 1900 : 2000;
	*wall_s = clock_from_civil(&t);
	*c = at;
	return 0;
}

void
der_put(struct buf *b, uint8_t tag, struct span content)
{
	buf_put_char(b, (char)tag);
	if (content.len >= 0x100) {
		buf_put_char(b, (char)0x82);
		buf_put_be16(b, (uint16_t)content.len);
	} else {
		if (content.len >= 0x80)
			buf_put_char(b, (char)0x81);
		buf_put_char(b, (char)content.len);
	}
	buf_put(b, content);
}
