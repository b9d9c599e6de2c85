/* log.h - one line an event: `event key=value ...`, to stderr or syslog.
 *
 * No message text, no secrets. Values are escaped here and nowhere else:
 * what is not a plain word is quoted, controls and 8-bit bytes that are not
 * UTF-8 become \xNN, and nothing can start a second line.
 *
 *	struct log l;
 *
 *	log_begin(&l, LOG_NOTE, "smtp.accepted");
 *	log_str(&l, "id", id);
 *	log_num(&l, "size_bytes", size);
 *	log_end(&l);
 */
#ifndef TINPOST_BASE_LOG_H
#define TINPOST_BASE_LOG_H

#include "base/buf.h"

enum log_level { LOG_FAULT, LOG_WARN, LOG_NOTE, LOG_TRACE };

#define LOG_LINE_BYTES 1024

struct log {
	struct buf line;
	enum log_level level;
	char storage[LOG_LINE_BYTES];
};

/* Where lines go: the default is stderr. */
enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_NOTHING };

/* Set the target and the least important level that is written. */
void log_open(enum log_target target, enum log_level least);

void log_begin(struct log *l, enum log_level level, const char *event);
void log_str(struct log *l, const char *key, struct span value);
void log_num(struct log *l, const char *key, int64_t value);
/* key=<text of the code> */
void log_err(struct log *l, const char *key, int code);
/* errno as text, key error= */
void log_errno(struct log *l);
/* Write the line. A line that is too long is cut. */
void log_end(struct log *l);

/* Append value as log_str writes it: the one escaping writer. */
void log_put_value(struct buf *b, struct span value);

#endif
