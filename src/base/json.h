/* json.h - a string of JSON: the one way in. */
#ifndef TINPOST_BASE_JSON_H
#define TINPOST_BASE_JSON_H

#include "base/buf.h"

/* Append s in quotation marks (RFC 8259 7). Bytes that are not UTF-8 become
 * U+FFFD. At most JSON_MAX_TEXT bytes of s. */
void json_put_string(struct buf *b, struct span s);

#define JSON_MAX_TEXT 1024

#endif
