/* preview.h - the first characters of a message as plain text (RFC 8970 3),
 * private to this room.
 */
#ifndef TINPOST_MIME_PREVIEW_H
#define TINPOST_MIME_PREVIEW_H

#include "mime/charset.h"
#include "mime/encode.h"

#define PREVIEW_CHARS     200
#define MAX_PREVIEW_BYTES (PREVIEW_CHARS * 4)

enum encoding { ENCODING_NONE, ENCODING_QP, ENCODING_BASE64 };

struct preview {
	struct buf text;
	struct charset charset;
	struct base64_stream base64;
	struct qp_stream qp;
	enum encoding encoding;
	bool is_html, is_on, is_done;
	bool has_gap;   /* space is due before the next character */
	uint8_t place;  /* in HTML: text, tag, entity */
	bool is_hidden; /* in <style>, <script> or <head> */
	bool is_word_over;
	uint8_t n_word;
	char word[12]; /* of the tag or entity */
	uint16_t n_chars;
};

void preview_init(struct preview *p);
void preview_deinit(struct preview *p);

/* Begin with the body of a part. Does nothing when the text is complete, or
 * a part before this one gave some. */
void preview_begin(struct preview *p, enum encoding encoding,
    struct span charset, bool is_html);
void preview_feed(struct preview *p, struct span piece);
void preview_end(struct preview *p);

#endif
