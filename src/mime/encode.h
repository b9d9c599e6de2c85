/* encode.h - content-transfer-encodings, in pieces. */
#ifndef TINPOST_MIME_ENCODE_H
#define TINPOST_MIME_ENCODE_H

#include "base/base64.h"
#include "base/buf.h"

/* Quoted-printable (RFC 2045 6.7). Zero it to start. */
struct qp_stream {
	char held[3]; /* "=", "=X" or "= CR" */
	uint8_t n_held;
};

/* Decode len bytes into out, which has room for len + 3. Returns the number
 * written. Bad escapes pass as they are. */
size_t qp_stream_step(
    struct qp_stream *q, const char *in, size_t len, char *out);

#endif
