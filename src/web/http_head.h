/* http_head.h - the head of a request (RFC 9112 2 to 6), pure.
 *
 * Strict where leniency lets two programs read one request in two ways
 * (RFC 9112 11.2): no folded lines, no space before a colon, no bare CR, one
 * Host, one length.
 */
#ifndef TINPOST_WEB_HTTP_HEAD_H
#define TINPOST_WEB_HTTP_HEAD_H

#include "base/cursor.h"

#define HTTP_MAX_HEAD   8192
#define HTTP_MAX_TARGET 2048
#define HTTP_MAX_FIELDS 64

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_OTHER };

struct http_field {
	struct span name, value;
};

struct http_head {
	enum http_method method;
	struct span path; /* begins with "/", not decoded */
	struct span query;
	struct span host; /* without port and brackets; may be empty in 1.0 */
	bool is_1_0;
	bool is_last;        /* the client, or its version, asks to close */
	bool wants_continue; /* RFC 9110 10.1.1 */
	bool is_chunked;
	uint64_t length_bytes; /* of the body, unless it is chunked */
	struct http_field fields[HTTP_MAX_FIELDS];
	size_t n_fields;
};

/* Parse a head that begins at in (empty lines before it are skipped: RFC 9112
 * 2.2). PARSE_OK: out has spans into in, *n_out bytes were the head.
 * PARSE_BAD: *status_out is what to answer: 400, 413, 414, 431, 501 or 505. */
enum parse http_head_parse(
    struct span in, struct http_head *out, size_t *n_out, int *status_out);

/* The value of the first field of that name; p is NULL when there is none. */
struct span http_head_get(const struct http_head *h, struct span name);

/* Is word one of the comma-separated ones of a field's value, whatever its
 * case? */
bool http_list_has(struct span value, struct span word);

#endif
