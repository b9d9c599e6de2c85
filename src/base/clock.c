#include "base/clock.h"

#include <time.h>

/* So long is passed time taken for CPU time. */
#define CPU_STALE_US 500

static bool is_fake;
static int64_t fake_mono_ms, fake_wall_s;

static int64_t
read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_mono_ms(void)
{
	return is_fake ? fake_mono_ms : read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t
clock_cpu_us(void)
{
	return read_us(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t
clock_slice_us(void)
{
	static int64_t cpu_us, asked_us, last_us;
	int64_t now_us = clock_mono_us();

	if (asked_us == 0 || now_us - asked_us >= CPU_STALE_US) {
		cpu_us = clock_cpu_us();
		asked_us = now_us;
	}
	if (cpu_us + (now_us - asked_us) > last_us)
		last_us = cpu_us + (now_us - asked_us);
	return last_us;
}

int64_t
clock_wall_ms(void)
{
	return is_fake ? fake_wall_s * 1000 : read_us(CLOCK_REALTIME) / 1000;
}

int64_t
clock_wall_s(void)
{
	return clock_wall_ms() / 1000;
}

void
clock_fake(int64_t mono_ms, int64_t wall_s)
{
	is_fake = true;
	fake_mono_ms = mono_ms;
	fake_wall_s = wall_s;
}

/* Days since 1970-01-01 of a day in the Gregorian calendar: years counted
 * from 1 March, so that the leap day is a year's last. */
static int64_t
days_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t month_from_march = (month + 9) % 12;
	int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 -
	                     year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

int64_t
clock_from_civil(const struct civil *c)
{
	return days_of(c->year, c->month, c->day) * 86400 +
	       (int64_t)c->hour * 3600 + (int64_t)c->minute * 60 + c->second;
}

struct civil
clock_civil(int64_t wall_s)
{
	int64_t days = wall_s / 86400;
	int64_t second = wall_s % 86400;
	int64_t z, era, day_of_era, year_of_era, day_of_year, m;
	struct civil c;

	if (second < 0) {
		second += 86400;
		days--;
	}
	z = days + 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	day_of_era = z - era * 146097;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
	                  day_of_era / 146096) /
	              365;
	day_of_year = day_of_era -
	              (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	m = (5 * day_of_year + 2) / 153;
	c.day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
	c.month = (int)(m < 10 ? m + 3 : m - 9);
	c.year = (int)(year_of_era + era * 400 + (c.month <= 2));
	c.hour = (int)(second / 3600);
	c.minute = (int)(second / 60 % 60);
	c.second = (int)(second % 60);
	c.weekday = (int)(((days % 7) + 11) % 7);
	return c;
}

void
clock_put_iso(struct buf *b, int64_t wall_s)
{
	struct civil c = clock_civil(wall_s);

	buf_putf(b, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day,
	    c.hour, c.minute, c.second);
}

void
clock_put_rfc5322(struct buf *b, int64_t wall_s, int zone_minutes)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct civil c = clock_civil(wall_s + (int64_t)zone_minutes * 60);
	int z = zone_minutes < 0 ? -zone_minutes : zone_minutes;

	buf_putf(b, "%.3s, %d %.3s %04d %02d:%02d:%02d %c%02d%02d",
	    days + 3 * c.weekday, c.day, months + 3 * (c.month - 1), c.year,
	    c.hour, c.minute, c.second, zone_minutes < 0 ? '-' : '+', z / 60,
	    z % 60);
}

int
clock_zone_minutes(int64_t wall_s)
{
	time_t t = (time_t)wall_s;
	struct tm local;
	struct civil c;

	if (localtime_r(&t, &local) == NULL)
		return 0;
	c = (struct civil){ .year = local.tm_year + 1900,
		.month = local.tm_mon + 1,
		.day = local.tm_mday,
		.hour = local.tm_hour,
		.minute = local.tm_min,
		.second = local.tm_sec };
	return (int)((clock_from_civil(&c) - wall_s) / 60);
}
