/* json_read.h - reads one object of JSON (RFC 8259) member by member. What is
 * nested in it is stepped over whole.
 *
 * Pure. Spans point into the text.
 */
#ifndef TINPOST_BASE_JSON_READ_H
#define TINPOST_BASE_JSON_READ_H

#include "base/buf.h"
#include "base/cursor.h"

#define JSON_MAX_DEPTH 16

enum json_kind { JSON_STRING, JSON_NUMBER, JSON_WORD, JSON_NESTED };

struct json_reader {
	struct cur c;
	bool is_begun, is_over;
};

struct json_member {
	struct span key; /* as it stands, without the quotation marks */
	enum json_kind kind;
	struct span value; /* the same; of JSON_WORD: true, false, null */
};

/* Read an object that is the whole text. */
void json_init(struct json_reader *r, struct span text);

/* The next member. ERR_NONE: that was all, and nothing follows the object;
 * ERR_SYNTAX: it is no object; ERR_LIMIT: nested too deep. */
MUST_USE int json_next(struct json_reader *r, struct json_member *out);

/* Append the text of a JSON_STRING in UTF-8. ERR_SYNTAX: an escape that is none,
 * a lone surrogate, not UTF-8; ERR_LIMIT, ERR_NOMEM: of out. */
MUST_USE int json_text(struct span value, struct buf *out);

#endif
