/* smtp_reply.h - replies of another server, line by line (RFC 5321 4.2). Pure.
 *
 * What comes from outside is bounded here, and made harmless: the text that is
 * kept holds printable ASCII only.
 */
#ifndef TINPOST_SMTP_SMTP_REPLY_H
#define TINPOST_SMTP_SMTP_REPLY_H

#include "base/cursor.h"

/* RFC 5321 4.5.3.1.5: 512 bytes at least. */
#define MAX_REPLY_LINE_BYTES 2048
/* Of one reply. */
#define MAX_REPLY_LINES 128
#define MAX_REPLY_BYTES (16 * 1024)
#define MAX_REPLY_TEXT  500
#define MAX_ENHANCED    12 /* "5.123.123" and a NUL */

struct smtp_reply_line {
	uint16_t code; /* 200 to 599 */
	bool is_last;
	struct span text; /* raw, without the line's end */
};

/* The next line, which may end in LF alone (Deviation: some do). PARSE_BAD: it
 * is no reply, or longer than MAX_REPLY_LINE_BYTES. */
enum parse smtp_reply_line(struct cur *c, struct smtp_reply_line *out);

struct smtp_reply {
	uint16_t code;    /* of the last line */
	uint16_t n_lines; /* 0: nothing of it has come yet */
	uint16_t text_len;
	uint32_t n_bytes;
	bool is_whole;
	char enhanced[MAX_ENHANCED]; /* "" : none (RFC 2034 4) */
	char text[MAX_REPLY_TEXT];   /* lines joined, without enhanced codes */
};

/* Take lines from c up to the end of one reply; a whole one before is
 * forgotten. each (may be NULL) sees every line. PARSE_BAD: as above, or over
 * one of the maxima. */
enum parse smtp_reply_take(struct smtp_reply *r, struct cur *c,
    void (*each)(void *arg, struct span text), void *arg);

static inline struct span
smtp_reply_text(const struct smtp_reply *r)
{
	return span_of(r->text, r->text_len);
}

#endif
