#include "mime/encode.h"

#include "base/ascii.h"

size_t
qp_stream_step(struct qp_stream *q, const char *in, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = in[i];

		if (q->n_held == 0) {
			size_t run = span_find(span_of(in + i, len - i), '=');

			memcpy(out + n, in + i, run);
			n += run;
			i += run;
			if (i < len)
				q->held[q->n_held++] = '=';
			continue;
		}
		q->held[q->n_held++] = c;
		if (q->n_held == 2) {
			if (c == '\n') /* a soft line break without CR */
				q->n_held = 0;
			else if (c != '\r' && ascii_hex_value(c) < 0)
				goto bad;
			continue;
		}
		if (q->held[1] == '\r' && c == '\n') {
			q->n_held = 0; /* RFC 2045 6.7 (5) */
			continue;
		}
		if (q->held[1] != '\r' && ascii_hex_value(c) >= 0) {
			out[n++] = (char)(ascii_hex_value(q->held[1]) << 4 |
			                  ascii_hex_value(c));
			q->n_held = 0;
			continue;
		}
	bad:
		/* Not an escape: it stays. The last may begin another. */
		for (size_t k = 0; k + 1 < q->n_held; k++)
			out[n++] = q->held[k];
		q->n_held = 0;
		i--;
	}
	return n;
}
