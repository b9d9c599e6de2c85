/* charset.h - text of any character set to UTF-8, in pieces.
 *
 * The sets are those of the C library's iconv (musl's in a release: every
 * 8-bit set, the Japanese, Chinese and Korean ones, UTF-16), by the names that
 * mail gives them, wrong ones too. A subset that is used for its superset is
 * read as that: ISO-8859-1 as windows-1252, GB2312 as GB18030, EUC-KR and
 * ks_c_5601-1987 as CP949. UTF-7 (RFC 2152) is built in.
 *
 * What is not well formed becomes U+FFFD, one for a byte. Nothing is kept from
 * one text to the next.
 */
#ifndef TINPOST_MIME_CHARSET_H
#define TINPOST_MIME_CHARSET_H

#include "base/buf.h"

enum charset_kind {
	CHARSET_UTF8, /* and ASCII */
	CHARSET_LATIN1,
	CHARSET_WINDOWS1252,
	CHARSET_UTF7,
	CHARSET_ICONV
};

struct charset {
	void *iconv;
	enum charset_kind kind;
	bool is_ascii_based; /* an ASCII byte between characters is ASCII */
	bool is_in_base64;   /* UTF-7 */
	uint8_t n_bits;      /* UTF-7: at the low end of bits */
	uint8_t n_held;      /* of a character that is not whole yet */
	char held[8];
	uint32_t bits;
	uint16_t surrogate; /* UTF-7: the first of a pair; 0: none */
};

/* Begin to convert from the named set (any case). ERR_UNSUPPORTED: unknown;
 * then c converts as UTF-8, whose 8-bit bytes most often become U+FFFD. */
MUST_USE int charset_open(struct charset *c, struct span name);
void charset_close(struct charset *c);

/* Is this next piece its own conversion, so that charset_step need not be
 * called for it? */
bool charset_is_same(const struct charset *c, struct span piece);
/* Would it convert to the same ASCII in the same places, whatever comes? */
bool charset_keeps_ascii(const struct charset *c);

/* Append the conversion of a piece to out as UTF-8, whole characters only: at
 * most 4 bytes for each byte of the piece, and 16. */
void charset_step(struct charset *c, struct span in, struct buf *out);

/* The input is over: what is held becomes U+FFFD. */
void charset_finish(struct charset *c, struct buf *out);

#endif
