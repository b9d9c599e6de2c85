#include "imap/imap_reply.h"

#include <assert.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/mutf7.h"
#include "base/utf8.h"
#include "imap/imap_parse.h"
#include "imap/imap_recent.h"
#include "store/mailbox.h"
#include "store/message.h"

/* A quoted string longer than this is a trial for clients' line buffers. */
#define MAX_QUOTED_BYTES 1000

/* What there is in a string. */
enum { HAS_CTL = 1, HAS_8BIT = 2, HAS_SPECIAL = 4 };

#define EACH_BYTE(b) (0x0101010101010101u * (b))

/* Of the bytes in v that are zero, the highest bits; perhaps of others, too,
 * if any is. */
static uint64_t
zeros(uint64_t v)
{
	return (v - EACH_BYTE(0x01)) & ~v & EACH_BYTE(0x80);
}

/* Eight bytes that stand for themselves in a quoted string? */
static bool
is_plain_word(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return ((v | ((v - EACH_BYTE(0x20)) & ~v)) & EACH_BYTE(0x80)) == 0 &&
	       (zeros(v ^ EACH_BYTE('"')) | zeros(v ^ EACH_BYTE('\\')) |
	           zeros(v ^ EACH_BYTE(0x7f))) == 0;
}

static unsigned
kinds_in(struct span s)
{
	unsigned all = 0;

	for (size_t i = 0; i < s.len; i++) {
		char ch;

		while (s.len - i >= 8 && is_plain_word(s.p + i))
			i += 8;
		if (i == s.len)
			break;
		ch = s.p[i];
		all |= ascii_is_ctl(ch) && ch != '\t' ? HAS_CTL : 0u;
		all |= ascii_is_8bit(ch) ? HAS_8BIT : 0u;
		all |= ch == '"' || ch == '\\' ? HAS_SPECIAL : 0u;
	}
	return all;
}

/* RFC 9051 9: quoted holds TEXT-CHAR: 7 bit but CR and LF; UTF-8 in sessions
 * that have it. Other control characters are allowed and safer elsewhere. */
static bool
can_be_quoted(struct span s, unsigned kinds, bool is_utf8)
{
	if (s.len > MAX_QUOTED_BYTES || (kinds & HAS_CTL))
		return false;
	return !(kinds & HAS_8BIT) || (is_utf8 && utf8_is_valid(s));
}

static void
put_quoted(struct buf *out, struct span s, unsigned kinds)
{
	size_t from = 0;

	if (buf_reserve(out, s.len + 2) < 0)
		return;
	buf_put_char(out, '"');
	if (!(kinds & HAS_SPECIAL)) {
		buf_put(out, s);
		buf_put_char(out, '"');
		return;
	}
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] != '"' && s.p[i] != '\\')
			continue;
		buf_put(out, span_sub(s, from, i - from));
		buf_put_char(out, '\\');
		from = i;
	}
	buf_put(out, span_sub(s, from, s.len));
	buf_put_char(out, '"');
}

static void
put_literal(struct buf *out, struct span s)
{
	buf_put_char(out, '{');
	buf_put_u64(out, s.len);
	buf_put_str(out, "}\r\n");
	while (s.len > 0) {
		size_t n = span_find(s, '\0');

		buf_put(out, span_sub(s, 0, n));
		if (n < s.len) /* RFC 9051 4.3: no NUL in a literal */
			buf_put_char(out, (char)0x80);
		s = span_sub(s, n + 1, s.len);
	}
}

void
imap_put_string(struct buf *out, struct span s, bool is_utf8)
{
	unsigned kinds = kinds_in(s);

	if (can_be_quoted(s, kinds, is_utf8))
		put_quoted(out, s, kinds);
	else
		put_literal(out, s);
}

void
imap_put_nstring(struct buf *out, struct span s, bool is_utf8)
{
	if (s.p == NULL)
		buf_put_str(out, "NIL");
	else
		imap_put_string(out, s, is_utf8);
}

static bool
is_astring_atom(struct span s)
{
	struct cur c = cur_of(s);

	if (s.len == 0 || s.len > MAX_QUOTED_BYTES ||
	    span_is_nocase(s, SPAN("NIL")))
		return false;
	(void)cur_while(&c, imap_is_astring_char);
	return cur_is_end(&c);
}

void
imap_put_astring(struct buf *out, struct span s, bool is_utf8)
{
	if (is_astring_atom(s))
		buf_put(out, s);
	else
		imap_put_string(out, s, is_utf8);
}

void
imap_put_mailbox(struct buf *out, struct span path, bool is_utf8)
{
	struct buf name;

	/* Most names are atoms, and the same in both forms. */
	if (is_utf8 ||
	    (is_astring_atom(path) && span_find(path, '&') == path.len)) {
		imap_put_astring(out, path, is_utf8);
		return;
	}
	buf_init(&name, MUTF7_ROOM(path.len));
	mutf7_put(&name, path);
	if (buf_failed(&name))
		out->has_failed = true;
	imap_put_astring(out, buf_span(&name), false);
	buf_deinit(&name);
}

void
imap_put_flags(struct buf *out, struct store *s, uint32_t mailbox,
    uint16_t flags, uint64_t keywords)
{
	static const struct {
		uint16_t flag;
		const char *name;
	} names[] = {
		{ MESSAGE_ANSWERED, "\\Answered" },
		{ MESSAGE_FLAGGED, "\\Flagged" },
		{ MESSAGE_DELETED, "\\Deleted" },
		{ MESSAGE_SEEN, "\\Seen" },
		{ MESSAGE_DRAFT, "\\Draft" },
		{ IMAP_FLAG_RECENT, "\\Recent" },
	};
	const char *space = "";

	buf_put_char(out, '(');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((flags & names[i].flag) == 0)
			continue;
		buf_put_str(out, space);
		buf_put_str(out, names[i].name);
		space = " ";
	}
	for (unsigned bit = 0; keywords != 0; bit++, keywords >>= 1) {
		size_t before = out->len;

		if ((keywords & 1) == 0)
			continue;
		buf_put_str(out, space);
		if (mailbox_keyword(s, mailbox, bit, out) < 0)
			buf_truncate(out, before);
		else
			space = " ";
	}
	buf_put_char(out, ')');
}

void
imap_put_set(struct buf *out, const struct rangeset *set)
{
	for (size_t i = 0; i < set->n; i++) {
		if (i > 0)
			buf_put_char(out, ',');
		buf_put_u64(out, set->r[i].first);
		if (set->r[i].last == set->r[i].first)
			continue;
		buf_put_char(out, ':');
		buf_put_u64(out, set->r[i].last);
	}
}

void
imap_put_date_time(struct buf *out, int64_t unix_s, int16_t zone_minutes)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct civil t = clock_civil(unix_s + (int64_t)zone_minutes * 60);
	unsigned zone =
	    (unsigned)(zone_minutes < 0 ? -zone_minutes : zone_minutes);

	assert(t.month >= 1 && t.month <= 12);
	buf_put_char(out, '"');
	if (t.day < 10) /* date-day-fixed */
		buf_put_char(out, ' ');
	buf_put_u64(out, (uint64_t)t.day);
	buf_put_char(out, '-');
	buf_put(out, span_of(months + 3 * (t.month - 1), 3));
	buf_put_char(out, '-');
	buf_put_padded(out, (uint64_t)t.year, 4);
	buf_put_char(out, ' ');
	buf_put_padded(out, (uint64_t)t.hour, 2);
	buf_put_char(out, ':');
	buf_put_padded(out, (uint64_t)t.minute, 2);
	buf_put_char(out, ':');
	buf_put_padded(out, (uint64_t)t.second, 2);
	buf_put_str(out, zone_minutes < 0 ? " -" : " +");
	buf_put_padded(out, zone / 60 % 100, 2);
	buf_put_padded(out, zone % 60, 2);
	buf_put_char(out, '"');
}

void
imap_put_object_id(struct buf *out, char kind, uint64_t id)
{
	char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(id >> (56 - 8 * i) & 0xff);
	buf_put_char(out, kind);
	buf_put_hex(out, span_of(bytes, sizeof(bytes)));
}
