/* from_line.h - the line that begins a message of an mbox file:
 * "From kim@example.test Mon Nov 23 11:00:00 2026" (RFC 4155 appendix A), in
 * the forms that are met. Pure.
 */
#ifndef TINPOST_CMD_FROM_LINE_H
#define TINPOST_CMD_FROM_LINE_H

#include "base/buf.h"

struct from_line {
	bool has_date;
	/* The date is not of the message's arrival (Thunderbird writes its own
	 * local time there): prefer the Date field. */
	bool is_weak;
	bool is_ours; /* from_line_put wrote it */
	int64_t date_s;
	int zone_minutes;
};

/* Is this line, its end included or not, the start of a message? "From ", and
 * behind it a time of day, or "-" or nothing as Thunderbird writes it: a
 * sentence that begins so is none. */
bool from_line_parse(struct span line, struct from_line *out);

/* Append a line of ours with a date, UTC, and LF. */
void from_line_put(struct buf *b, int64_t date_s);

#endif
