/* import_mbox.c - mbox files (RFC 4155), with mboxrd quoting. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cmd/import.h"
#include "store/store.h"

struct mbox {
	struct import_to *to;
	FILE *file;
	uint64_t offset; /* of the line's start */
	bool is_open;    /* a message is being sent */
	bool is_header;
	bool is_after_blank; /* a From line may come */
	bool has_held_blank; /* it belongs to the message if text follows */
	bool was_crlf;       /* the held one's line end */
	uint16_t flags;
	int64_t date_s;
};

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* The month that a word names, 1 to 12; 0: none. */
static int
month_of(struct span word)
{
	for (int i = 0; word.len == 3 && i < 12; i++)
		if (memcmp(word.p, months + 3 * i, 3) == 0)
			return i + 1;
	return 0;
}

static int
small(struct span s, uint64_t max, int *out)
{
	uint64_t v;
	int rc = span_to_u64(s, max, &v);

	*out = rc < 0 ? 0 : (int)v;
	return rc;
}

/* "From sender Mon Nov 23 11:00:00 2026", as asctime() gives it, UTC. */
static int64_t
date_of(struct span line)
{
	struct civil c = { 0 };

	while (line.len > 0) {
		struct span word = span_split(&line, ' ');
		struct span time, day;

		c.month = month_of(word);
		if (c.month == 0)
			continue;
		line = span_trim(line);
		day = span_split(&line, ' ');
		line = span_trim(line);
		time = span_split(&line, ' ');
		if (small(day, 31, &c.day) == 0 &&
		    small(span_split(&time, ':'), 23, &c.hour) == 0 &&
		    small(span_split(&time, ':'), 59, &c.minute) == 0 &&
		    small(time, 60, &c.second) == 0) {
			/* A zone may stand before the year. */
			while (line.len > 0)
				if (small(span_trim(span_split(&line, ' ')),
				        9999, &c.year) == 0 &&
				    c.year >= 1970)
					return clock_from_civil(&c);
		}
		return clock_wall_s();
	}
	return clock_wall_s();
}

static void
take_status(struct mbox *m, struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.p[i];

		if (c == 'R')
			m->flags |= MESSAGE_SEEN;
		else if (c == 'A')
			m->flags |= MESSAGE_ANSWERED;
		else if (c == 'F')
			m->flags |= MESSAGE_FLAGGED;
		else if (c == 'D')
			m->flags |= MESSAGE_DELETED;
		else if (c == 'T')
			m->flags |= MESSAGE_DRAFT;
	}
}

static int
end_message(struct mbox *m)
{
	char storage[32];
	struct buf position;

	if (!m->is_open)
		return 0;
	m->is_open = m->has_held_blank = false;
	buf_init_fixed(&position, storage, sizeof(storage));
	buf_put_u64(&position, m->offset);
	return import_end(m->to, m->flags, m->date_s, buf_span(&position));
}

static int
begin_message(struct mbox *m, struct span line)
{
	int rc = end_message(m);

	m->is_open = m->is_header = true;
	m->flags = 0;
	m->date_s = date_of(span_trim(line));
	return rc < 0 ? rc : import_begin(m->to);
}

static int
give_held_blank(struct mbox *m)
{
	if (!m->has_held_blank)
		return 0;
	m->has_held_blank = false;
	return import_data(m->to, m->was_crlf ? SPAN("\r\n") : SPAN("\n"));
}

/* ">From ", with any number of ">": one goes. */
static struct span
unquote(struct span line)
{
	size_t i = 0;

	while (i < line.len && line.p[i] == '>')
		i++;
	if (i > 0 && span_starts(span_sub(line, i, line.len), SPAN("From ")))
		return span_sub(line, 1, line.len);
	return line;
}

static int
take_line(struct mbox *m, struct span line)
{
	bool is_blank = span_trim(line).len == 0 && line.len <= 2;
	int rc;

	if (span_starts(line, SPAN("From ")) &&
	    (!m->is_open || (m->is_after_blank && !m->is_header)))
		return begin_message(m, line);
	if (!m->is_open)
		return 0; /* blank lines before the first */
	if (m->is_header && (span_starts_nocase(line, SPAN("Status:")) ||
	                        span_starts_nocase(line, SPAN("X-Status:")))) {
		take_status(
		    m, span_sub(line, span_find(line, ':') + 1, line.len));
		return 0;
	}
	rc = give_held_blank(m);
	if (rc < 0)
		return rc;
	if (is_blank && !m->is_header) {
		m->has_held_blank = true;
		m->was_crlf = line.len == 2;
		return 0;
	}
	if (is_blank)
		m->is_header = false;
	return import_data(m->to, unquote(line));
}

/* A line longer than this is passed on in parts. */
#define LINE_BYTES 8192

static int
read_lines(struct mbox *m)
{
	char line[LINE_BYTES];
	bool is_mid_line = false;
	int rc = 0;

	while (rc == 0 && fgets(line, sizeof(line), m->file)) {
		/* fgets tells no length: a NUL in the text would cut it. */
		off_t after = ftello(m->file);
		size_t len = after < 0 ? strlen(line)
		                       : (size_t)after - (size_t)m->offset;
		struct span s = span_of(line, len);
		bool is_blank = span_trim(s).len == 0 && !is_mid_line;

		if (is_mid_line)
			rc = import_data(m->to, s);
		else
			rc = take_line(m, s);
		is_mid_line = len > 0 && line[len - 1] != '\n';
		m->is_after_blank = is_blank;
		m->offset += len;
	}
	return rc;
}

int
import_mbox(struct import_to *to, const char *path)
{
	struct mbox m = {
		.to = to, .file = fopen(path, "r"), .is_after_blank = true
	};
	struct buf position;
	int rc;

	if (!m.file) {
		fprintf(stderr, "tinpost: %s cannot be read: %s.\n", path,
		    strerror(errno));
		return ERR_IO;
	}
	buf_init(&position, 64);
	rc = import_ask(to, path, &position);
	if (rc == 0 && position.len > 0 &&
	    span_to_u64(buf_span(&position), INT64_MAX, &m.offset) < 0)
		m.offset = 0;
	if (rc == 0 && fseeko(m.file, (off_t)m.offset, SEEK_SET) < 0)
		rc = ERR_IO;
	if (rc == 0)
		rc = read_lines(&m);
	if (rc == 0 && ferror(m.file)) {
		fprintf(stderr, "tinpost: %s cannot be read: %s.\n", path,
		    strerror(errno));
		rc = ERR_IO;
	}
	if (rc == 0)
		rc = end_message(&m);
	buf_deinit(&position);
	fclose(m.file);
	return rc;
}
