/* text_search.h - look for strings in the texts of a message: decoded from
 * their transfer-encoding, converted from their character set, in pieces.
 *
 * The bytes of HTML are searched as they are, tags and all, as other servers
 * do.
 *
 * Memory  about 5 times the longest piece for a text that must be converted;
 *         kept from text to text until text_search_deinit.
 * Bugs    combining marks and their composed forms differ; words parted by a
 *         tag or a line end are not one.
 */
#ifndef TINPOST_MIME_TEXT_SEARCH_H
#define TINPOST_MIME_TEXT_SEARCH_H

#include "mime/charset.h"
#include "mime/encode.h"
#include "mime/needle.h"

/* The most that may be fed at once. */
#define TEXT_SEARCH_PIECE 8192

struct text_search {
	struct charset charset;
	struct base64_stream base64;
	struct qp_stream qp;
	bool is_base64, is_qp;
	bool is_open;
	bool has_failed; /* no memory: something was not looked at */
	struct buf decoded;
	struct buf text;
};

void text_search_init(struct text_search *t);
void text_search_deinit(struct text_search *t);

/* A text begins, with the names of its transfer-encoding and its charset (of
 * any case; empty: none). Unknown encodings are none, and unknown charsets
 * ASCII. */
void text_search_begin(struct text_search *t, const struct needle_set *set,
    struct span encoding, struct span charset);

/* Returns true when a needle was found that was not found before. */
bool text_search_feed(
    struct text_search *t, const struct needle_set *set, struct span piece);

/* The text is over. */
bool text_search_end(struct text_search *t, const struct needle_set *set);

/* A whole header field's value, unfolded: its encoded words are decoded
 * (RFC 2047). Raw 8-bit bytes are UTF-8 where they can be, else windows-1252.
 */
bool text_search_value(
    struct text_search *t, const struct needle_set *set, struct span value);

/* Append raw text as UTF-8: as it is, or else read as windows-1252. */
void text_search_put_utf8(struct buf *b, struct span raw);

#endif
