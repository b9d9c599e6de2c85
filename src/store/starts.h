/* starts.h - the file DATA/starts: starts that did not come to their end
 * (rule 10). Room-private. */
#ifndef TINPOST_STORE_STARTS_H
#define TINPOST_STORE_STARTS_H

#include "base/buf.h"

/* So many failed starts within STARTS_WINDOW_S, and the next is read-only. */
#define STARTS_MAX      3
#define STARTS_WINDOW_S 60

/* Note that a start begins. Returns 1 when too many failed before: then `why`
 * gets a sentence that names the operation at which the last one stood, and
 * nothing is noted. 0, ERR_IO, ERR_FULL. */
MUST_USE int starts_begin(const char *folder, struct buf *why);

/* Note the operation about to be replayed, without a flush: this survives a
 * crash of the process. */
void starts_note(int fd, uint64_t sequence, unsigned kind);

/* Open the file for starts_note; -1 when that fails. */
int starts_open(const char *folder);

/* The start came to its end. */
void starts_end(const char *folder);

#endif
