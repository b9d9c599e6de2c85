/* base64.h - RFC 4648 4, with padding. */
#ifndef TINPOST_BASE_BASE64_H
#define TINPOST_BASE_BASE64_H

#include "base/buf.h"

/* Append the encoding, without line breaks. */
void base64_encode(struct buf *out, struct span bytes);

/* Append the decoding of exactly s, strict: the alphabet, right padding, no
 * stray bits, nothing else (RFC 4648 3.3, 3.5). ERR_SYNTAX: out may have
 * grown. ERR_LIMIT: out is full. ERR_NOMEM. */
MUST_USE int base64_decode(struct buf *out, struct span s);

/* A streaming decoder for mail bodies, which skips what is not of the
 * alphabet (RFC 2045 6.8). Zero it to start. */
struct base64_stream {
	uint32_t bits;
	uint8_t n_chars; /* of the current group of four */
	bool is_ended;   /* padding was seen */
};

/* Decode len bytes into out, which must have room for 3/4 of len, plus 3.
 * Returns the number of bytes written. */
size_t base64_stream_step(
    struct base64_stream *b, const char *in, size_t len, char *out);

#endif
