/* date.h - the date-time of RFC 5322 3.3 with the obsolete forms of 4.3. */
#ifndef TINPOST_MIME_DATE_H
#define TINPOST_MIME_DATE_H

#include "base/span.h"

/* Parse an unfolded Date value: optional weekday, comments, years of two and
 * three digits, named zones; an unknown or missing zone is UTC. Seconds since
 * 1970 and the zone in minutes east of UTC (its wall time is their sum).
 * ERR_SYNTAX: no date. ERR_INVALID: a day or time that does not exist. */
MUST_USE int date_parse(
    struct span value, int64_t *wall_s_out, int *zone_minutes_out);

#endif
