/* The dates of imap_parse.h. */
#include "base/ascii.h"
#include "base/clock.h"
#include "imap/imap_parse.h"

/* min to max digits, as many as there are. */
static enum parse
parse_digits(struct cur *c, size_t min, size_t max, int *out)
{
	struct cur at = *c;
	struct span digits;
	uint64_t v;

	digits = cur_while(&at, ascii_is_digit);
	if (digits.len < min)
		return cur_is_end(&at) ? PARSE_MORE : PARSE_BAD;
	if (digits.len > max || span_to_u64(digits, 9999, &v) < 0)
		return PARSE_BAD;
	*out = (int)v;
	*c = at;
	return PARSE_OK;
}

/* RFC 9051 9: date-month */
static enum parse
parse_month(struct cur *c, int *out)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int m = 0; m < 12; m++) {
		if (cur_skip_nocase(c, span_of(names + 3 * m, 3))) {
			*out = m + 1;
			return PARSE_OK;
		}
	}
	return cur_left(c) < 3 ? PARSE_MORE : PARSE_BAD;
}

/* "-" date-month "-" date-year */
static enum parse
parse_month_year(struct cur *c, struct civil *t)
{
	enum parse r = cur_expect(c, SPAN("-"));

	if (r == PARSE_OK)
		r = parse_month(c, &t->month);
	if (r == PARSE_OK)
		r = cur_expect(c, SPAN("-"));
	if (r == PARSE_OK)
		r = parse_digits(c, 4, 4, &t->year);
	return r;
}

/* Is it in the calendar? */
static bool
is_day(const struct civil *t)
{
	struct civil day = {
		.year = t->year, .month = t->month, .day = t->day
	};
	struct civil same;

	if (t->year < 1)
		return false;
	same = clock_civil(clock_from_civil(&day));
	return same.year == t->year && same.month == t->month &&
	       same.day == t->day;
}

/* RFC 9051 9: date-text */
static enum parse
parse_date_text(struct cur *c, int64_t *days_out)
{
	struct civil t = { 0 };
	enum parse r = parse_digits(c, 1, 2, &t.day);

	if (r == PARSE_OK)
		r = parse_month_year(c, &t);
	if (r == PARSE_OK && !is_day(&t))
		r = PARSE_BAD;
	if (r == PARSE_OK)
		*days_out = clock_from_civil(&t) / (24 * 60 * 60);
	return r;
}

enum parse
imap_parse_date(struct cur *c, int64_t *days_out)
{
	struct cur at = *c;
	bool is_quoted = cur_skip(&at, '"');
	int64_t days = 0;
	enum parse r = parse_date_text(&at, &days);

	if (r == PARSE_OK && is_quoted)
		r = cur_expect(&at, SPAN("\""));
	if (r != PARSE_OK)
		return r;
	*days_out = days;
	*c = at;
	return PARSE_OK;
}

/* RFC 9051 9: time = 2DIGIT ":" 2DIGIT ":" 2DIGIT; second 60 is a leap
 * second. */
static enum parse
parse_time(struct cur *c, struct civil *t)
{
	enum parse r = parse_digits(c, 2, 2, &t->hour);

	if (r == PARSE_OK)
		r = cur_expect(c, SPAN(":"));
	if (r == PARSE_OK)
		r = parse_digits(c, 2, 2, &t->minute);
	if (r == PARSE_OK)
		r = cur_expect(c, SPAN(":"));
	if (r == PARSE_OK)
		r = parse_digits(c, 2, 2, &t->second);
	if (r == PARSE_OK && (t->hour > 23 || t->minute > 59 || t->second > 60))
		r = PARSE_BAD;
	return r;
}

/* RFC 9051 9: zone = ("+" / "-") 4DIGIT */
static enum parse
parse_zone(struct cur *c, int *minutes_out)
{
	int ch = cur_peek(c);
	int hhmm = 0;
	enum parse r;

	if (ch != '+' && ch != '-')
		return ch < 0 ? PARSE_MORE : PARSE_BAD;
	c->p++;
	r = parse_digits(c, 4, 4, &hhmm);
	if (r == PARSE_OK && (hhmm / 100 > 23 || hhmm % 100 > 59))
		r = PARSE_BAD;
	if (r == PARSE_OK)
		*minutes_out =
		    (hhmm / 100 * 60 + hhmm % 100) * (ch == '-' ? -1 : 1);
	return r;
}

/* RFC 9051 9: date-day-fixed = (SP DIGIT) / 2DIGIT.
 * Deviation: ImapFlow leaves the space away: one DIGIT will do. */
static enum parse
parse_day_fixed(struct cur *c, int *out)
{
	return parse_digits(c, 1, cur_skip(c, ' ') ? 1 : 2, out);
}

enum parse
imap_parse_date_time(
    struct cur *c, int64_t *unix_s_out, int16_t *zone_minutes_out)
{
	struct cur at = *c;
	struct civil t = { 0 };
	int zone = 0;
	enum parse r = cur_expect(&at, SPAN("\""));

	if (r == PARSE_OK)
		r = parse_day_fixed(&at, &t.day);
	if (r == PARSE_OK)
		r = parse_month_year(&at, &t);
	if (r == PARSE_OK)
		r = imap_parse_sp(&at);
	if (r == PARSE_OK)
		r = parse_time(&at, &t);
	if (r == PARSE_OK)
		r = imap_parse_sp(&at);
	if (r == PARSE_OK)
		r = parse_zone(&at, &zone);
	if (r == PARSE_OK)
		r = cur_expect(&at, SPAN("\""));
	if (r == PARSE_OK && !is_day(&t))
		r = PARSE_BAD;
	if (r != PARSE_OK)
		return r;
	*unix_s_out = clock_from_civil(&t) - (int64_t)zone * 60;
	*zone_minutes_out = (int16_t)zone;
	*c = at;
	return PARSE_OK;
}
