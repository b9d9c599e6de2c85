/* line.h - the lines of a backup: a word, then KEY=VALUE fields, separated by
 * tabs (backup.h). Room-private.
 */
#ifndef TINPOST_STORE_LINE_H
#define TINPOST_STORE_LINE_H

#include "base/buf.h"

/* A line at most: a body's with its summary in base64. */
#define MAX_LINE_BYTES  (96 * 1024)
#define MAX_LINE_FIELDS 24

/* Append parts of a line; line_end after the last. */
void line_begin(struct buf *b, const char *word);
void line_text(struct buf *b, const char *key, struct span value);
void line_u64(struct buf *b, const char *key, uint64_t value);
void line_i64(struct buf *b, const char *key, int64_t value);
void line_hex(struct buf *b, const char *key, struct span bytes);
void line_hex64(struct buf *b, const char *key, uint64_t value);
void line_end(struct buf *b);

struct line_field {
	struct span key;
	struct span value; /* as it stands, with its %XX */
};

/* A line that was read; spans into it. */
struct line {
	struct span word;
	struct line_field fields[MAX_LINE_FIELDS];
	size_t n_fields;
	int rc; /* sticky: the first error of a line_get */
};

/* Split a line without its end. Fields past MAX_LINE_FIELDS are dropped.
 * ERR_SYNTAX: a field without "=". */
MUST_USE int line_parse(struct span text, struct line *out);

/* Is there a field of this name? Those that came with a later version may not
 * be. */
bool line_has(const struct line *l, const char *key);

/* The value of a field; 0 or empty and l->rc = ERR_SYNTAX when it is missing
 * or malformed, or over max. */
uint64_t line_get_u64(struct line *l, const char *key, uint64_t max);
int64_t line_get_i64(struct line *l, const char *key);
uint64_t line_get_hex64(struct line *l, const char *key);
/* Exactly len bytes. */
void line_get_hex(struct line *l, const char *key, void *out, size_t len);
/* Append the decoded text to out; l->rc = ERR_LIMIT when it does not fit. */
void line_get_text(struct line *l, const char *key, struct buf *out);
/* The value as it stands. */
struct span line_get(struct line *l, const char *key);

#endif
