/* header.h - header blocks in pieces, and what stands inside field values.
 *
 * Ownership  a struct field points into its parser, until the next call.
 */
#ifndef TINPOST_MIME_HEADER_H
#define TINPOST_MIME_HEADER_H

#include "base/buf.h"
#include "base/cursor.h"
#include "base/limits.h"

/* The longest name, obsolete space before the colon included, that is
 * compared with anything: a longer one is a field nobody looks at. */
#define MAX_FIELD_NAME_BYTES 80

enum header_event {
	HEADER_MORE,  /* the piece is used up */
	HEADER_FIELD, /* a field is complete */
	HEADER_END    /* the blank line is consumed; the body begins */
};

struct field {
	struct span name;  /* empty: a line that is no field */
	struct span value; /* raw, folds included, without the last CRLF */
	uint64_t start;    /* offset of the name */
	uint64_t end;      /* offset behind the last CRLF */
	bool is_cut;       /* the value was longer than the parser's maximum */
};

struct header_parser {
	struct buf value;
	const char *const *wanted;
	uint64_t offset;
	uint64_t start;       /* of this field */
	uint64_t block_start; /* of the header */
	uint32_t n_lines;
	uint8_t state;
	uint8_t n_name;
	bool is_cut, is_open, is_wanted, has_cr;
	bool has_failed; /* no memory: some value is not whole; it stays set */
	char name[MAX_FIELD_NAME_BYTES];
};

/* Begin at offset. wanted: a NULL-ended list of names whose values are kept
 * (NULL: all); other fields are skipped. max_value_bytes bounds one value.
 * Beyond MAX_HEADER_BYTES and MAX_HEADER_LINES nothing is a field, but the
 * end is still found. */
void header_parser_init(struct header_parser *h, uint64_t offset,
    const char *const *wanted, size_t max_value_bytes);
void header_parser_deinit(struct header_parser *h);

/* Go on for the next header block, keeping the memory. */
void header_parser_again(struct header_parser *h, uint64_t offset);

/* Consume from c up to the next event. A line that is no field is part of
 * the header and skipped (its text is no field). */
enum header_event header_parser_step(
    struct header_parser *h, struct cur *c, struct field *out);

/* The input ended inside the header: HEADER_FIELD for the last field, if one
 * was open, else HEADER_END. */
enum header_event header_parser_finish(
    struct header_parser *h, struct field *out);

/* Append a value unfolded (RFC 5322 2.2.3), trimmed, without CR, LF, NUL. */
void header_put_unfolded(struct buf *b, struct span raw);

/* Append an unfolded value with its encoded words decoded to UTF-8 (RFC 2047
 * 6.2). What cannot be decoded stays as it is; what is not UTF-8 becomes
 * U+FFFD, and a control a space. */
void header_put_decoded(struct buf *b, struct span value);

/* A parameter of Content-Type or Content-Disposition. */
struct param {
	struct span name;  /* without "*" and section number */
	struct span value; /* raw: inside the quotes, escapes still there */
	int section;       /* RFC 2231 3; -1: none */
	bool is_extended;  /* RFC 2231 4: percent-encoded */
	bool is_quoted;
	bool is_used; /* for params_next */
};

struct params {
	struct param list[MAX_MIME_PARAMS];
	size_t n;
	size_t at;
};

/* Read ";" name "=" value ... from c up to the end; at most MAX_MIME_PARAMS,
 * the rest is ignored. */
void params_parse(struct params *ps, struct cur *c);

/* The next parameter with its RFC 2231 continuations put together, into
 * value (reset first). Its name is *name_out, and *is_extended_out says that
 * the value is of the form charset'language'percent-encoded. ERR_NONE. */
MUST_USE int params_next(struct params *ps, struct span *name_out,
    bool *is_extended_out, struct buf *value);

/* Append an extended value (RFC 2231 4) as UTF-8. */
void params_put_decoded(struct buf *b, struct span extended);

/* Content-Type's type and subtype, or one word of another field, with
 * comments around them skipped; c stands at the parameters then.
 * ERR_SYNTAX: none there. */
MUST_USE int header_get_type(
    struct cur *c, struct span *type_out, struct span *subtype_out);
MUST_USE int header_get_word(struct cur *c, struct span *word_out);

/* The next <message-id> of References or In-Reply-To, without its brackets.
 * ERR_NONE: no more. */
MUST_USE int header_next_id(struct cur *c, struct span *id_out);

#endif
