#include "cmd/from_line.h"

#include "base/ascii.h"
#include "base/clock.h"

/* In the sender's place. What an export of ours put before the message is
 * known by it, so that header fields of the same names, which a message may
 * have itself, stay. */
#define OUR_SENDER "tinpost-export"

#define MAX_WORDS 24

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "SunMonTueWedThuFriSat";

/* 1 to 12; 0: none. */
static int
month_of(struct span word)
{
	for (int i = 0; word.len == 3 && i < 12; i++)
		if (span_is_nocase(word, span_of(months + 3 * i, 3)))
			return i + 1;
	return 0;
}

static bool
number(struct span s, uint64_t max, int *out)
{
	uint64_t v = 0;

	if (s.len == 0 || span_to_u64(s, max, &v) < 0)
		return false;
	*out = (int)v;
	return true;
}

/* 11:00 or 11:00:59 */
static bool
take_time(struct span word, struct civil *c)
{
	struct span hour = span_split(&word, ':');
	struct span minute = span_split(&word, ':');

	c->second = 0;
	return number(hour, 23, &c->hour) && number(minute, 59, &c->minute) &&
	       (word.len == 0 || number(word, 60, &c->second));
}

/* +0130 */
static bool
take_zone(struct span word, int *minutes)
{
	int v;

	if (word.len != 5 || (word.p[0] != '+' && word.p[0] != '-') ||
	    !number(span_sub(word, 1, 4), 1459, &v))
		return false;
	v = v / 100 * 60 + v % 100;
	*minutes = word.p[0] == '-' ? -v : v;
	return true;
}

/* What stands around the time: a day and a month before it, a year before or
 * behind it, perhaps a zone. */
static void
take_date(const struct span *words, size_t n, size_t at, struct from_line *out)
{
	struct civil c = { 0 };
	size_t i = at > 4 ? at - 4 : 0;

	if (!take_time(words[at], &c))
		return;
	for (; i < n && i < at + 4; i++) {
		struct span w = words[i];

		if (w.len == 4 && number(w, 9999, &c.year))
			continue;
		if (i < at && w.len <= 2 && number(w, 31, &c.day))
			continue;
		if (i < at && month_of(w) > 0)
			c.month = month_of(w);
		if (i > at)
			(void)take_zone(w, &out->zone_minutes);
	}
	if (c.year < 1970 || c.month == 0 || c.day == 0)
		return;
	out->has_date = true;
	out->date_s = clock_from_civil(&c) - out->zone_minutes * 60;
}

static size_t
split_words(struct span line, struct span *words)
{
	size_t n = 0;

	while (line.len > 0 && n < MAX_WORDS) {
		struct span word = span_trim(span_split(&line, ' '));

		if (word.len > 0)
			words[n++] = word;
	}
	return n;
}

bool
from_line_parse(struct span line, struct from_line *out)
{
	struct span words[MAX_WORDS];
	bool is_one = false;
	struct civil unused;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (!span_starts(line, SPAN("From ")))
		return false;
	n = split_words(span_trim(span_sub(line, 5, line.len)), words);
	if (n == 0 || span_is(words[0], SPAN("-")))
		is_one = out->is_weak = true;
	if (n > 0)
		out->is_ours = span_is(words[0], SPAN(OUR_SENDER));
	for (size_t i = n; i > 0 && !out->has_date; i--) {
		if (!take_time(words[i - 1], &unused))
			continue;
		is_one = true;
		take_date(words, n, i - 1, out);
	}
	return is_one;
}

void
from_line_put(struct buf *b, int64_t date_s)
{
	struct civil c = clock_civil(date_s);

	/* RFC 4155 appendix A: asctime, UTC. */
	buf_putf(b, "From %s %.3s %.3s %2d %02d:%02d:%02d %d\n", OUR_SENDER,
	    days + 3 * c.weekday, months + 3 * (c.month - 1), c.day, c.hour,
	    c.minute, c.second, c.year);
}
