/* clock.h - two clocks: one that only goes forward, for deadlines, and the
 * wall clock, for dates. Tests may set both. */
#ifndef TINPOST_BASE_CLOCK_H
#define TINPOST_BASE_CLOCK_H

#include "base/buf.h"

/* Milliseconds since some start; never goes back. */
int64_t clock_mono_ms(void);

/* Microseconds of CPU that this process has used. */
int64_t clock_cpu_us(void);

/* The same without asking the kernel each time, for slices: at most half a
 * millisecond too much, since what passes by the clock is the most that can be
 * used. Never goes back. */
int64_t clock_slice_us(void);

/* Microseconds since some start, for measuring. */
int64_t clock_mono_us(void);

/* Seconds since 1970 (UTC). On a board without a clock this may be far off:
 * never the only source of an identifier. */
int64_t clock_wall_s(void);
int64_t clock_wall_ms(void);

/* For tests: from now on both clocks stand still at these values. */
void clock_fake(int64_t mono_ms, int64_t wall_s);

/* A broken-down UTC time. */
struct civil {
	int year;  /* 1 to 9999 */
	int month; /* 1 to 12 */
	int day;   /* 1 to 31 */
	int hour, minute, second;
	int weekday; /* 0: Sunday */
};

struct civil clock_civil(int64_t wall_s);

/* Seconds since 1970 of a date that may be out of range in day and time
 * (day 0 is the last of the month before). */
int64_t clock_from_civil(const struct civil *c);

/* Append RFC 3339 5.6, UTC, as 2026-11-23T09:48:00Z. */
void clock_put_iso(struct buf *b, int64_t wall_s);

/* Append RFC 5322 3.3, as "Mon, 23 Nov 2026 09:48:00 +0000". zone_minutes is
 * east of UTC. */
void clock_put_rfc5322(struct buf *b, int64_t wall_s, int zone_minutes);

/* Minutes east of UTC of the local time zone at that time. */
int clock_zone_minutes(int64_t wall_s);

#endif
