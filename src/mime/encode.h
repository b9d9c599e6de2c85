/* encode.h - content-transfer-encodings and character sets, in pieces. */
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

enum charset_kind {
	CHARSET_UTF8,
	CHARSET_LATIN1,
	CHARSET_WINDOWS1252,
	CHARSET_ICONV
};

struct charset {
	void *iconv;
	enum charset_kind kind;
	uint8_t n_held; /* of a character that is not whole yet */
	char held[8];
};

/* Begin to convert from the named set (any case). ERR_UNSUPPORTED: unknown;
 * then c converts as UTF-8. */
MUST_USE int charset_open(struct charset *c, struct span name);
void charset_close(struct charset *c);

/* Append the conversion of a piece to out as UTF-8; what is not well formed
 * becomes U+FFFD. */
void charset_step(struct charset *c, struct span in, struct buf *out);

/* The input is over: what is held becomes U+FFFD. */
void charset_finish(struct charset *c, struct buf *out);

#endif
