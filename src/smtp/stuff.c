#include "smtp/stuff.h"

static void
end_line(struct stuff *s, struct buf *out)
{
	buf_put_str(out, "\r\n");
	s->is_mid = false;
	s->has_cr = false;
}

void
stuff_put(struct stuff *s, struct span piece, struct buf *out)
{
	while (piece.len > 0) {
		size_t n = 0;

		if (s->has_cr) { /* CR */
			if (piece.p[0] == '\n')
				piece = span_sub(piece, 1, piece.len);
			end_line(s, out);
			continue;
		}
		while (
		    n < piece.len && piece.p[n] != '\r' && piece.p[n] != '\n')
			n++;
		if (n > 0) {
			if (s->has_dots && !s->is_mid && piece.p[0] == '.')
				buf_put_char(out, '.');
			buf_put(out, span_sub(piece, 0, n));
			s->is_mid = true;
			piece = span_sub(piece, n, piece.len);
			continue;
		}
		if (piece.p[0] == '\n') /* LF alone */
			end_line(s, out);
		else
			s->has_cr = true;
		piece = span_sub(piece, 1, piece.len);
	}
}

void
stuff_end(struct stuff *s, struct buf *out)
{
	if (s->has_cr || s->is_mid)
		end_line(s, out);
	if (s->has_dots)
		buf_put_str(out, ".\r\n");
}
