/* address.h - from a mail address to what stands behind it.
 *
 * A key is "local@domain" in its normal form (auth/resolve.h): lower case,
 * UTF-8 with the domain in ASCII, at most MAX_ADDRESS_BYTES; "@domain" is the domain's catch-all. Keys
 * sort by domain, then local part. Following aliases to people is
 * auth/resolve.h.
 */
#ifndef TINPOST_STORE_ADDRESS_H
#define TINPOST_STORE_ADDRESS_H

#include "base/buf.h"
#include "base/limits.h"

struct store;

enum address_kind {
	ADDRESS_PERSON = 1, /* id is the account */
	ADDRESS_ALIAS = 2,  /* stands for its targets */
	ADDRESS_GROUP = 3   /* the same, shown as a group of people */
};

struct address_entry {
	enum address_kind kind;
	uint32_t id; /* the account, or the alias's own number */
	uint32_t n_targets;
	int64_t created_s;
};

/* ERR_NONE: no such address. */
MUST_USE int address_lookup(
    struct store *s, struct span key, struct address_entry *out);

/* Make an alias or group without targets yet. ERR_EXISTS: taken. ERR_NONE:
 * its domain is not ours. ERR_INVALID: no address. */
MUST_USE int address_create_alias(
    struct store *s, struct span key, enum address_kind kind);

/* Add or remove a target (any address, ours or not). ERR_NONE: no such alias,
 * or target; ERR_EXISTS: is one already; ERR_LIMIT: MAX_TARGETS. */
MUST_USE int address_add_target(
    struct store *s, struct span key, struct span target);
MUST_USE int address_remove_target(
    struct store *s, struct span key, struct span target);

/* Remove an alias or group and its targets. ERR_NONE. ERR_DENIED: it is a
 * person's (account_delete). ERR_AGAIN: it has over 60 targets, of which 60
 * were removed: call again. */
MUST_USE int address_delete(struct store *s, struct span key);

/* The least key > *key (an empty one to begin); appends nothing, replaces
 * *key's content. ERR_NONE: no more. */
MUST_USE int address_next(
    struct store *s, struct buf *key, struct address_entry *out);

/* The least target of an alias > *target (empty to begin); replaces it.
 * ERR_NONE: no more, or no such alias. */
MUST_USE int address_next_target(
    struct store *s, struct span key, struct buf *target);

#endif
