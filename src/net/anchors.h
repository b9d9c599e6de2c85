/* anchors.h - the certification authorities that we trust as a client: what
 * is needed of each certificate of a CA bundle (PEM).
 *
 * Memory     a name and a key for each, about 65 KB for a whole web bundle.
 * Blocking   anchors_load reads and decodes a file: at start and on reload.
 */
#ifndef TINPOST_NET_ANCHORS_H
#define TINPOST_NET_ANCHORS_H

#include "base/buf.h"

#define ANCHORS_DEFAULT_PATH "/etc/ssl/certs/ca-certificates.crt"
#define MAX_ANCHORS          512
#define MAX_ANCHORS_FILE     (1024 * 1024)

struct anchors;

/* Read a bundle. Certificates that cannot be used are passed over (another
 * kind of key, damaged) and counted. why: a few words for the log, NULL to do
 * without. ERR_NONE: no such file; ERR_IO; ERR_LIMIT: too large; ERR_SYNTAX:
 * not one usable certificate in it; ERR_NOMEM. */
MUST_USE int anchors_load(
    const char *path, struct anchors **out, struct buf *why);

/* The same from PEM text. */
MUST_USE int anchors_parse(struct span pem, struct anchors **out);

/* Reference counted: handshakes keep what they began with. NULL is fine. */
struct anchors *anchors_ref(struct anchors *a);
void anchors_free(struct anchors *a);

size_t anchors_count(const struct anchors *a);   /* NULL: 0 */
size_t anchors_skipped(const struct anchors *a); /* unusable ones */

/* Whole days since the file was last changed; 0 for text. Authorities come and
 * go: a bundle of several years misses some. */
uint32_t anchors_age_days(const struct anchors *a);

#endif
