#include "base/log.h"

#include <errno.h>
#include <syslog.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/utf8.h"

#define MAX_VALUE_BYTES 256

static enum log_target target;
static enum log_level least = LOG_NOTE;

void
log_open(enum log_target to, enum log_level least_level)
{
	if (to == LOG_TO_SYSLOG && target != LOG_TO_SYSLOG)
		openlog("tinpost", LOG_PID, LOG_MAIL);
	target = to;
	least = least_level;
}

void
log_begin(struct log *l, enum log_level level, const char *event)
{
	l->level = level;
	buf_init_fixed(&l->line, l->storage, sizeof(l->storage) - 1);
	if (target == LOG_TO_STDERR) {
		clock_put_iso(&l->line, clock_wall_s());
		buf_put_char(&l->line, ' ');
	}
	if (level == LOG_FAULT)
		buf_put_str(&l->line, "fault: ");
	else if (level == LOG_WARN)
		buf_put_str(&l->line, "warning: ");
	buf_put_str(&l->line, event);
}

static bool
is_plain(char c)
{
	return ascii_is_vchar(c) && c != '"' && c != '\\' && c != '=';
}

void
log_put_value(struct buf *b, struct span value)
{
	struct span s = utf8_cut(value, MAX_VALUE_BYTES);
	bool is_quoted = s.len == 0;

	for (size_t i = 0; i < s.len; i++)
		is_quoted = is_quoted || !is_plain(s.p[i]);
	if (is_quoted)
		buf_put_char(b, '"');
	while (s.len > 0) {
		uint32_t code;
		int n = utf8_next(s, &code);
		/* C1 controls and the direction marks would act on a
		 * terminal as controls do. */
		bool is_bad = n < 0 || code < 0x20 ||
		              (code >= 0x7f && code < 0xa0) ||
		              (code >= 0x200e && code <= 0x200f) ||
		              (code >= 0x2028 && code <= 0x202e) ||
		              (code >= 0x2066 && code <= 0x2069);

		if (n < 0)
			n = 1;
		for (int i = 0; is_bad && i < n; i++) {
			buf_put_str(b, "\\x");
			buf_put_hex(b, span_of(s.p + i, 1));
		}
		if (!is_bad) {
			if (*s.p == '"' || *s.p == '\\')
				buf_put_char(b, '\\');
			buf_put(b, span_of(s.p, (size_t)n));
		}
		s = span_sub(s, (size_t)n, s.len);
	}
	if (is_quoted)
		buf_put_char(b, '"');
}

static void
put_key(struct log *l, const char *key)
{
	buf_put_char(&l->line, ' ');
	buf_put_str(&l->line, key);
	buf_put_char(&l->line, '=');
}

void
log_str(struct log *l, const char *key, struct span value)
{
	put_key(l, key);
	log_put_value(&l->line, value);
}

void
log_num(struct log *l, const char *key, int64_t value)
{
	put_key(l, key);
	buf_put_i64(&l->line, value);
}

void
log_err(struct log *l, const char *key, int code)
{
	log_str(l, key, span_str(err_text(code)));
}

void
log_errno(struct log *l)
{
	log_str(l, "error", span_str(strerror(errno)));
}

void
log_end(struct log *l)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO,
		LOG_DEBUG };
	size_t n = l->line.len;

	if (l->level > least || target == LOG_TO_NOTHING)
		return;
	if (target == LOG_TO_SYSLOG) {
		l->storage[n] = 0;
		syslog(priorities[l->level], "%s", l->storage);
		return;
	}
	l->storage[n] = '\n';
	/* A log that cannot be written must not stop the mail. */
	if (write(STDERR_FILENO, l->storage, n + 1) < 0)
		return;
}
