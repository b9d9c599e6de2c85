/* imap_pattern.h - the patterns of LIST (RFC 9051 6.3.9): "*" is any text, "%"
 * any text without "/". Pure.
 *
 * All patterns of a command are one automaton that is stepped level by level
 * down the tree: what is known after "a/b/" is kept, and only the next level's
 * name is looked at. A name of n bytes costs at most n times the patterns'
 * bytes, whatever the wildcards; a branch that can match no more is seen.
 */
#ifndef TINPOST_IMAP_IMAP_PATTERN_H
#define TINPOST_IMAP_IMAP_PATTERN_H

#include "base/span.h"

/* Of all patterns of a command, each with a byte for its end. 255 times this
 * is what one level's name may cost: a quarter of a millisecond. */
#define MAX_IMAP_PATTERN 1024
#define IMAP_MATCH_WORDS (MAX_IMAP_PATTERN / 64)

struct imap_patterns {
	uint32_t n;
	bool has_percent;
	char text[MAX_IMAP_PATTERN]; /* each with NUL behind */
};

/* The places in the patterns that may come next. */
struct imap_match {
	uint64_t bits[IMAP_MATCH_WORDS];
};

/* Add one pattern, in UTF-8, its runs of wildcards made one. ERR_LIMIT;
 * ERR_INVALID: it holds a NUL. Zero the struct to begin. */
MUST_USE int imap_patterns_add(struct imap_patterns *p, struct span pattern);

/* Before the first byte of a name. */
void imap_match_begin(const struct imap_patterns *p, struct imap_match *out);

/* What is left after these bytes. is_nocase: for INBOX at the top. from and
 * out may be the same. */
void imap_match_step(const struct imap_patterns *p,
    const struct imap_match *from, struct span bytes, bool is_nocase,
    struct imap_match *out);

/* Is what was stepped over a match? */
bool imap_match_is_whole(
    const struct imap_patterns *p, const struct imap_match *m);

/* Can no name that begins so match? */
bool imap_match_is_dead(const struct imap_match *m);

/* A whole path at once, its first level in any case when it is INBOX. */
bool imap_patterns_match(const struct imap_patterns *p, struct span path);

#endif
