/* needle.h - find a string in a text that comes in pieces, whatever the case.
 *
 * Text and string are UTF-8; both are compared as casemap.h folds them. A
 * match may begin in one piece and end in another.
 *
 * Time    linear in the text, whatever both are: fast skips (Horspool), and
 *         Knuth-Morris-Pratt over the ends of pieces, and where the skips do
 *         not pay.
 * Memory  what needle_init takes from the arena: 3 bytes for each of the
 *         string and 256. Nothing is allocated while searching.
 */
#ifndef TINPOST_MIME_NEEDLE_H
#define TINPOST_MIME_NEEDLE_H

#include "base/arena.h"

#define MAX_NEEDLE_BYTES (24 * 1024)

struct needle {
	const unsigned char *p; /* folded */
	size_t len;
	uint16_t *fail;   /* the longest border of each prefix */
	uint8_t *skip;    /* for each byte; 0: the last of the needle */
	uint8_t again;    /* how far behind a candidate */
	bool is_ascii;    /* and so is all that folds to it */
	bool is_found;    /* since needle_reset */
	size_t n_matched; /* of the text so far, at its end */
};

/* Prepare for a string of UTF-8. ERR_SYNTAX: it is not. ERR_LIMIT: too long.
 * ERR_NOMEM. */
MUST_USE int needle_init(struct needle *n, struct arena *a, struct span text);

/* Forget what was found. */
void needle_reset(struct needle *n);

/* Another text begins: no match spans both. An empty string is found in
 * any. */
void needle_begin(struct needle *n);

/* Several at once; those that are found already are not looked for. */
struct needle_set {
	struct needle **list;
	size_t n;
};

void needle_set_begin(const struct needle_set *set);

/* Can only ASCII be found? */
bool needle_set_is_ascii(const struct needle_set *set);

/* The next piece of the text, whole characters of UTF-8. Returns true when it
 * held one that was not found before. */
bool needle_set_feed(const struct needle_set *set, struct span piece);

#endif
