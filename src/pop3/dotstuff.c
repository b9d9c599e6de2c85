#include "pop3/dotstuff.h"

void
dotstuff_init(struct dotstuff *d, uint32_t n_lines)
{
	*d = (struct dotstuff){
		.is_line_start = true,
		.is_header = true,
		.n_lines_left = n_lines,
	};
}

/* A line's end was put; the line was empty? */
static void
end_line(struct dotstuff *d, bool is_empty)
{
	if (d->n_lines_left == DOTSTUFF_ALL_LINES)
		return;
	if (!d->is_header)
		d->n_lines_left--;
	else if (is_empty)
		d->is_header = false;
	d->is_done = !d->is_header && d->n_lines_left == 0;
}

void
dotstuff_put(struct dotstuff *d, struct span piece, struct buf *out)
{
	while (piece.len > 0 && !d->is_done) {
		size_t end = span_find(piece, '\n');
		bool has_end = end < piece.len;
		struct span line = span_sub(piece, 0, end + has_end);
		/* CR LF at the start of a line, perhaps cut between them */
		bool is_empty = (d->is_line_start && line.p[0] == '\r') ||
		                (d->has_cr && line.p[0] == '\n');

		if (d->is_line_start && line.p[0] == '.')
			buf_put_char(out, '.');
		buf_put(out, line);
		piece = span_sub(piece, line.len, piece.len);
		d->has_cr = is_empty && line.len == 1 && !has_end;
		d->is_line_start = has_end;
		if (has_end)
			end_line(d, is_empty && line.len <= 2);
	}
}

void
dotstuff_end(struct dotstuff *d, struct buf *out)
{
	if (!d->is_line_start)
		buf_put_str(out, "\r\n");
	buf_put_str(out, ".\r\n");
}
