#include "cmd/mboxread.h"

#include <errno.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"

#define IN_BYTES    (32 * 1024)
#define PIECE_BYTES (16 * 1024)

struct mboxread {
	int fd;
	uint64_t offset; /* in the file, of in[at] */
	size_t at, len;  /* of in: what is read and not used */
	bool is_eof;
	bool is_in_message;
	bool is_mid_line;    /* of a line longer than in */
	bool is_after_blank; /* a From line may come */
	bool has_held_blank; /* it belongs to the message if text follows */
	bool was_crlf;       /* the held one's line end */
	bool has_length;     /* Content-Length is followed: */
	bool keeps_quotes;   /* mboxcl2 */
	uint64_t length_end; /* the message's end in the file */
	struct buf head;
	struct buf piece;
	struct mboxread_message message;
	char in[IN_BYTES];
};

int
mboxread_open(int fd, uint64_t offset, struct mboxread **out)
{
	struct mboxread *m = mem_alloc(sizeof(*m));

	if (!m)
		return ERR_NOMEM;
	m->fd = fd;
	m->offset = offset;
	m->is_after_blank = true;
	buf_init(&m->head, MAX_HEADER_BYTES + IN_BYTES);
	/* A piece, a line, and the header that stands before them. */
	buf_init(&m->piece, MAX_HEADER_BYTES + 3 * IN_BYTES);
	mbox_meta_init(&m->message.meta);
	*out = m;
	return 0;
}

void
mboxread_close(struct mboxread *m)
{
	if (!m)
		return;
	buf_deinit(&m->head);
	buf_deinit(&m->piece);
	mbox_meta_deinit(&m->message.meta);
	mem_free(m);
}

uint64_t
mboxread_offset(const struct mboxread *m)
{
	return m->offset;
}

/* --- lines --- */

static ssize_t
read_at(int fd, char *p, size_t len, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(fd, p, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n;
}

static int
fill(struct mboxread *m)
{
	memmove(m->in, m->in + m->at, m->len);
	m->at = 0;
	while (m->len < IN_BYTES && !m->is_eof) {
		ssize_t n = read_at(m->fd, m->in + m->len, IN_BYTES - m->len,
		    m->offset + m->len);

		if (n < 0)
			return ERR_IO;
		m->is_eof = n == 0;
		m->len += (size_t)n;
	}
	return 0;
}

/* The line at the place where reading stands, its end included, or as much of
 * it as fits. ERR_NONE: the file ends. */
static int
peek_line(struct mboxread *m, struct span *line)
{
	size_t n = span_find(span_of(m->in + m->at, m->len), '\n');

	if (n == m->len && !m->is_eof) {
		int rc = fill(m);

		if (rc < 0)
			return rc;
		n = span_find(span_of(m->in, m->len), '\n');
	}
	if (m->len == 0)
		return ERR_NONE;
	*line = span_of(m->in + m->at, n < m->len ? n + 1 : n);
	return 0;
}

static void
use(struct mboxread *m, size_t n)
{
	m->is_mid_line = n > 0 && m->in[m->at + n - 1] != '\n';
	m->at += n;
	m->len -= n;
	m->offset += n;
}

static bool
is_blank(struct span line)
{
	return span_is(line, SPAN("\n")) || span_is(line, SPAN("\r\n"));
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

/* --- the length that a header gives --- */

/* Does a message end there? *is_clean: no line begins with "From " before. */
static int
check_length(struct mboxread *m, uint64_t end, bool *ends, bool *is_clean)
{
	char text[8192];
	struct from_line from;
	struct span s;
	ssize_t n = read_at(m->fd, text, sizeof(text), end);

	if (n < 0)
		return ERR_IO;
	s = span_of(text, (size_t)n);
	for (int i = 0; i < 2; i++)
		s = span_sub(s,
		    span_starts(s, SPAN("\r\n")) ? 2
		    : span_starts(s, SPAN("\n")) ? 1
		                                 : 0,
		    s.len);
	*ends = from_line_parse(span_sub(s, 0, span_find(s, '\n')), &from);
	if (s.len == 0) { /* the file's end: not past it */
		n = end > 0 ? read_at(m->fd, text, 1, end - 1) : 0;
		if (n < 0)
			return ERR_IO;
		*ends = n == 1 || end == m->offset;
	}
	*is_clean = true;
	for (uint64_t at = m->offset; *ends && *is_clean && at < end;) {
		/* Each begins with the end of the line before. */
		n = read_at(m->fd, text, sizeof(text), at - 1);
		if (n < 0)
			return ERR_IO;
		if (n < 7)
			break;
		for (size_t i = 0; i + 6 <= (size_t)n && at + i + 5 <= end; i++)
			if (memcmp(text + i, "\nFrom ", 6) == 0)
				*is_clean = false;
		at += (uint64_t)n - 6;
	}
	return 0;
}

static int
use_length(struct mboxread *m)
{
	const struct mbox_meta *meta = &m->message.meta;
	bool ends = false, is_clean = true;
	int rc;

	m->has_length = m->keeps_quotes = false;
	if (!meta->has_length || m->message.from.is_ours ||
	    meta->length > INT64_MAX - m->offset)
		return 0;
	rc = check_length(m, m->offset + meta->length, &ends, &is_clean);
	if (rc < 0 || !ends)
		return rc;
	m->has_length = true;
	m->keeps_quotes = !is_clean;
	m->length_end = m->offset + meta->length;
	return 0;
}

/* --- a message begins --- */

/* Read header lines, the blank one included, into head. A From line with a
 * date cannot be a field: the next message begins, this one has no body. */
static int
read_head(struct mboxread *m)
{
	struct from_line from;
	struct span line;
	int rc;

	buf_reset(&m->head);
	while (m->head.len < MAX_HEADER_BYTES) {
		rc = peek_line(m, &line);
		if (rc < 0)
			return rc == ERR_NONE ? 0 : rc;
		if (!m->is_mid_line && from_line_parse(line, &from) &&
		    from.has_date) {
			m->is_after_blank = true;
			break;
		}
		buf_put(&m->head, line);
		m->is_after_blank = !m->is_mid_line && is_blank(line);
		use(m, line.len);
		if (m->is_after_blank)
			break;
	}
	return buf_failed(&m->head) ? ERR_NOMEM : 0;
}

/* Blank lines, and a byte order mark, stand before the first From line. */
static int
find_from(struct mboxread *m, struct span *line)
{
	for (;;) {
		int rc = peek_line(m, line);

		if (rc < 0)
			return rc;
		if (m->offset == 0 && span_starts(*line, SPAN("\xef\xbb\xbf")))
			use(m, 3);
		else if (is_blank(*line))
			use(m, line->len);
		else
			return 0;
	}
}

static int
begin_message(struct mboxread *m)
{
	struct mboxread_message *msg = &m->message;
	struct span line;
	int rc = find_from(m, &line);

	if (rc < 0)
		return rc;
	if (!from_line_parse(line, &msg->from))
		return ERR_SYNTAX;
	mbox_meta_deinit(&msg->meta);
	mbox_meta_init(&msg->meta);
	do { /* a line of any length */
		use(m, line.len);
		rc = m->is_mid_line ? peek_line(m, &line) : 0;
	} while (rc == 0 && m->is_mid_line);
	if (rc == 0)
		rc = read_head(m);
	if (rc < 0 && rc != ERR_NONE)
		return rc;
	mbox_head_read(buf_span(&m->head), msg->from.is_ours, &msg->meta);
	rc = use_length(m);
	if (rc < 0)
		return rc;
	buf_reset(&m->piece);
	mbox_head_clean(
	    buf_span(&m->head), msg->from.is_ours, m->has_length, &m->piece);
	m->has_held_blank = false;
	m->is_in_message = true;
	return buf_failed(&m->piece) ? ERR_NOMEM : 0;
}

int
mboxread_next(struct mboxread *m, const struct mboxread_message **out)
{
	struct span rest;
	int rc;

	while (m->is_in_message) {
		rc = mboxread_piece(m, &rest);
		if (rc < 0)
			return rc;
	}
	rc = begin_message(m);
	*out = &m->message;
	return rc;
}

/* --- its text --- */

/* A line at the end of the message's text so far. False: it is the next
 * message's. */
static bool
take_line(struct mboxread *m, struct span line)
{
	struct from_line from;

	if (m->is_mid_line) {
		buf_put(&m->piece, line);
		return true;
	}
	if (m->is_after_blank && from_line_parse(line, &from))
		return false;
	if (m->has_held_blank)
		buf_put(&m->piece, m->was_crlf ? SPAN("\r\n") : SPAN("\n"));
	m->has_held_blank = m->is_after_blank = is_blank(line);
	m->was_crlf = line.len == 2;
	if (!m->has_held_blank)
		buf_put(&m->piece, unquote(line));
	return true;
}

static int
read_text(struct mboxread *m)
{
	struct span line;

	while (m->piece.len < PIECE_BYTES) {
		int rc = peek_line(m, &line);

		if (rc == ERR_NONE || (rc == 0 && !take_line(m, line)))
			m->is_in_message = false;
		if (rc < 0 || !m->is_in_message)
			return rc == ERR_NONE ? 0 : rc;
		use(m, line.len);
	}
	return 0;
}

/* The same where the length is known. */
static int
read_counted(struct mboxread *m)
{
	struct span line;

	while (m->piece.len < PIECE_BYTES && m->offset < m->length_end) {
		int rc = peek_line(m, &line);

		if (rc == ERR_NONE)
			break; /* the file was cut meanwhile */
		if (rc < 0)
			return rc;
		if (line.len > m->length_end - m->offset)
			line.len = (size_t)(m->length_end - m->offset);
		buf_put(&m->piece,
		    m->keeps_quotes || m->is_mid_line ? line : unquote(line));
		use(m, line.len);
	}
	if (m->piece.len < PIECE_BYTES) {
		m->is_in_message = m->is_mid_line = false;
		m->is_after_blank = true;
	}
	return 0;
}

int
mboxread_piece(struct mboxread *m, struct span *out)
{
	bool has_head = m->piece.len > 0 && m->is_in_message && m->head.len > 0;
	int rc = 0;

	if (!has_head)
		buf_reset(&m->piece);
	buf_reset(&m->head); /* given now */
	if (m->is_in_message)
		rc = m->has_length ? read_counted(m) : read_text(m);
	if (rc == 0 && buf_failed(&m->piece))
		rc = ERR_NOMEM;
	*out = buf_span(&m->piece);
	return rc;
}
