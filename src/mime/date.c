#include "mime/date.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "mime/token.h"

/* RFC 5322 4.3: zones by name. Military letters and unknown names: UTC. */
static const struct {
	const char *name;
	int minutes;
} zones[] = {
	{ "EDT", -4 * 60 },
	{ "EST", -5 * 60 },
	{ "CDT", -5 * 60 },
	{ "CST", -6 * 60 },
	{ "MDT", -6 * 60 },
	{ "MST", -7 * 60 },
	{ "PDT", -7 * 60 },
	{ "PST", -8 * 60 },
};

/* 1 to 12 by the first three letters, or 0. */
static int
month_of(struct span s)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int m = 0; m < 12 && s.len >= 3; m++)
		if (span_is_nocase(
		        span_sub(s, 0, 3), span_of(names + 3 * m, 3)))
			return m + 1;
	return 0;
}

static bool
get_number(struct span s, size_t max_digits, int *out)
{
	uint64_t v;

	if (s.len > max_digits || span_to_u64(s, 9999, &v) < 0)
		return false;
	*out = (int)v;
	return true;
}

/* RFC 5322 3.3: ("+" / "-") 4DIGIT, or a name (RFC 5322 4.3). */
static int
zone_of(struct span s)
{
	int hhmm;

	if (s.len == 5 && (s.p[0] == '+' || s.p[0] == '-') &&
	    get_number(span_sub(s, 1, 4), 4, &hhmm)) {
		int minutes = hhmm / 100 * 60 + hhmm % 100;

		if (minutes > 24 * 60)
			return 0;
		return s.p[0] == '-' ? -minutes : minutes;
	}
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (span_is_nocase(s, span_str(zones[i].name)))
			return zones[i].minutes;
	return 0;
}

static bool
take_special(struct cur *c, char ch)
{
	struct cur at = *c;
	struct token t = token_next(&at, TOKEN_DATE_SPECIALS);

	if (t.kind != TOKEN_SPECIAL || t.text.p[0] != ch)
		return false;
	*c = at;
	return true;
}

static struct span
take_atom(struct cur *c)
{
	struct token t = token_next(c, TOKEN_DATE_SPECIALS);

	return t.kind == TOKEN_ATOM ? t.text : span_of(NULL, 0);
}

/* RFC 5322 3.3, 4.3: day month year. "23-Nov-2026" is seen too. */
static int
parse_day(struct cur *c, struct civil *out)
{
	struct span word = take_atom(c);
	struct span rest = word;
	struct span year;

	if (word.len > 0 && ascii_is_alpha(word.p[0])) {
		take_special(c, ',');
		take_special(c, '.');
		rest = take_atom(c);
	}
	word = span_split(&rest, '-');
	if (!get_number(word, 2, &out->day))
		return ERR_SYNTAX;
	if (rest.len == 0)
		rest = take_atom(c);
	out->month = month_of(span_split(&rest, '-'));
	take_special(c, '.');
	year = rest.len > 0 ? rest : take_atom(c);
	if (out->month == 0 || !get_number(year, 4, &out->year))
		return ERR_SYNTAX;
	if (year.len == 2)
		out->year += out->year < 50 ? 2000 : 1900;
	else if (year.len == 3)
		out->year += 1900;
	return 0;
}

/* RFC 5322 3.3: hour ":" minute [":" second]. */
static int
parse_time(struct cur *c, struct civil *out)
{
	if (!get_number(take_atom(c), 2, &out->hour) ||
	    !(take_special(c, ':') || take_special(c, '.')) ||
	    !get_number(take_atom(c), 2, &out->minute))
		return ERR_SYNTAX;
	out->second = 0;
	if ((take_special(c, ':') || take_special(c, '.')) &&
	    !get_number(take_atom(c), 2, &out->second))
		return ERR_SYNTAX;
	return 0;
}

static bool
is_real(const struct civil *c)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool is_leap =
	    c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);

	if (c->month == 2 && c->day == 29 && !is_leap)
		return false;
	/* Second 60 is a leap second. */
	return c->year >= 1 && c->day >= 1 && c->day <= days[c->month - 1] &&
	       c->hour < 24 && c->minute < 60 && c->second <= 60;
}

int
date_parse(struct span value, int64_t *wall_s_out, int *zone_minutes_out)
{
	struct cur c = cur_of(value);
	struct civil t = { 0 };
	int zone;
	int rc = parse_day(&c, &t);

	if (rc == 0)
		rc = parse_time(&c, &t);
	if (rc < 0)
		return rc;
	if (!is_real(&t))
		return ERR_INVALID;
	zone = zone_of(take_atom(&c));
	*wall_s_out = clock_from_civil(&t) - (int64_t)zone * 60;
	*zone_minutes_out = zone;
	return 0;
}
