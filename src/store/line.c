#include "store/line.h"

#include "base/cursor.h"

void
line_begin(struct buf *b, const char *word)
{
	buf_put_str(b, word);
}

static void
put_key(struct buf *b, const char *key)
{
	buf_put_char(b, '\t');
	buf_put_str(b, key);
	buf_put_char(b, '=');
}

void
line_text(struct buf *b, const char *key, struct span value)
{
	put_key(b, key);
	for (size_t i = 0; i < value.len; i++) {
		char c = value.p[i];

		if ((unsigned char)c >= 0x20 && c != 0x7f && c != '%') {
			buf_put_char(b, c);
			continue;
		}
		buf_put_char(b, '%');
		buf_put_hex(b, span_of(&c, 1));
	}
}

void
line_u64(struct buf *b, const char *key, uint64_t value)
{
	put_key(b, key);
	buf_put_u64(b, value);
}

void
line_i64(struct buf *b, const char *key, int64_t value)
{
	put_key(b, key);
	buf_put_i64(b, value);
}

void
line_hex(struct buf *b, const char *key, struct span bytes)
{
	put_key(b, key);
	buf_put_hex(b, bytes);
}

void
line_hex64(struct buf *b, const char *key, uint64_t value)
{
	char storage[8];
	struct buf be;

	buf_init_fixed(&be, storage, sizeof(storage));
	buf_put_be64(&be, value);
	line_hex(b, key, buf_span(&be));
}

void
line_end(struct buf *b)
{
	buf_put_char(b, '\n');
}

int
line_parse(struct span text, struct line *out)
{
	out->n_fields = 0;
	out->rc = 0;
	out->word = span_split(&text, '\t');
	while (text.len > 0) {
		struct span field = span_split(&text, '\t');
		size_t eq = span_find(field, '=');

		if (eq == field.len)
			return ERR_SYNTAX;
		if (out->n_fields == MAX_LINE_FIELDS)
			break;
		out->fields[out->n_fields++] = (struct line_field){
			span_sub(field, 0, eq),
			span_sub(field, eq + 1, field.len),
		};
	}
	return 0;
}

static void
fail(struct line *l, int rc)
{
	if (l->rc == 0)
		l->rc = rc;
}

struct span
line_get(struct line *l, const char *key)
{
	for (size_t i = 0; i < l->n_fields; i++)
		if (span_is(l->fields[i].key, span_str(key)))
			return l->fields[i].value;
	fail(l, ERR_SYNTAX);
	return SPAN("");
}

bool
line_has(const struct line *l, const char *key)
{
	for (size_t i = 0; i < l->n_fields; i++)
		if (span_is(l->fields[i].key, span_str(key)))
			return true;
	return false;
}

uint64_t
line_get_u64(struct line *l, const char *key, uint64_t max)
{
	uint64_t v = 0;

	if (span_to_u64(line_get(l, key), max, &v) < 0)
		fail(l, ERR_SYNTAX);
	return v;
}

int64_t
line_get_i64(struct line *l, const char *key)
{
	struct span s = line_get(l, key);
	bool is_negative = span_starts(s, SPAN("-"));
	uint64_t v = 0;

	if (is_negative)
		s = span_sub(s, 1, s.len);
	if (span_to_u64(s, INT64_MAX, &v) < 0)
		fail(l, ERR_SYNTAX);
	return is_negative ? -(int64_t)v : (int64_t)v;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Two digits at s.p[at]; -1: they are not. */
static int
hex_byte(struct span s, size_t at)
{
	int high, low;

	if (s.len < 2 || at > s.len - 2)
		return -1;
	high = hex_digit(s.p[at]);
	low = hex_digit(s.p[at + 1]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

void
line_get_hex(struct line *l, const char *key, void *out, size_t len)
{
	struct span s = line_get(l, key);
	unsigned char *p = out;

	if (s.len != 2 * len)
		fail(l, ERR_SYNTAX);
	for (size_t i = 0; i < len && l->rc == 0; i++) {
		int v = hex_byte(s, 2 * i);

		if (v < 0)
			fail(l, ERR_SYNTAX);
		p[i] = (unsigned char)v;
	}
}

uint64_t
line_get_hex64(struct line *l, const char *key)
{
	unsigned char b[8] = { 0 };
	uint64_t v = 0;

	line_get_hex(l, key, b, sizeof(b));
	for (int i = 0; i < 8; i++)
		v = v << 8 | b[i];
	return v;
}

void
line_get_text(struct line *l, const char *key, struct buf *out)
{
	struct span s = line_get(l, key);

	for (size_t i = 0; i < s.len; i++) {
		int c = (unsigned char)s.p[i];

		if (c == '%') {
			c = hex_byte(s, i + 1);
			i += 2;
		}
		if (c < 0) {
			fail(l, ERR_SYNTAX);
			return;
		}
		buf_put_char(out, (char)c);
	}
	if (buf_failed(out))
		fail(l, ERR_LIMIT);
}
