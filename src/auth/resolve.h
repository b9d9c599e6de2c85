/* resolve.h - from an address to the people who read it, and back.
 *
 * Addresses come without angle brackets and quotes (the SMTP parser has
 * unquoted the local part), in any case; "postmaster" may stand without a
 * domain (RFC 5321 4.1.1.3). Nothing is changed in the store.
 */
#ifndef TINPOST_AUTH_RESOLVE_H
#define TINPOST_AUTH_RESOLVE_H

#include "base/buf.h"
#include "base/limits.h"

/* Aliases of aliases: deeper is a loop or a mistake. */
#define MAX_ALIAS_DEPTH 8
/* Addresses looked at for one recipient, so that no set of aliases costs
 * more than its answer. */
#define MAX_ALIAS_VISITS (2 * MAX_TARGETS)

struct store;

struct resolved {
	uint32_t *accounts; /* sorted, each once */
	size_t n_accounts;
	size_t cap;
	/* Targets of aliases that are in no domain of ours: how many, and
	 * which, each with a NUL behind it. */
	size_t n_foreign;
	struct buf foreign;
	/* The part behind "+", a hint at a folder; empty when there is none.
	 * Points into the address that was given. */
	struct span folder;
};

void resolved_init(struct resolved *r);
void resolved_deinit(struct resolved *r);

/* Put an address into the form of a key of the store: lower case, UTF-8,
 * one "@" with something on both sides, the domain as A-labels (base/idna.h). ERR_SYNTAX: no address,
 * ERR_LIMIT: too long (RFC 5321 4.5.3.1). */
MUST_USE int resolve_normalize(struct buf *out, struct span address);

/* Who gets the mail for this address? Found by, in this order: the address
 * itself, the address without "+...", the postmaster's stand-in (the
 * owners), the catch-all of its domain. Fills *out, which resolved_init made,
 * anew.
 * ERR_NONE: a domain of ours, but nobody there (550 5.1.1);
 * ERR_DENIED: not a domain of ours (550 5.7.1, or the queue);
 * ERR_SYNTAX, ERR_LIMIT: too many people behind it (ERR_LIMIT); ERR_NOMEM or
 * an error of the store (451 4.3.0). With 0, n_accounts may be 0 when only
 * foreign targets stand behind the address. */
MUST_USE int resolve_recipient(
    struct store *s, struct span address, struct resolved *out);

/* Mail to the postmaster is taken whatever was made of the address (RFC 5321
 * 4.5.1): take out the foreign targets, to which this server cannot send; where
 * nobody is left, the owners stand in. ERR_NONE: there are no people at all;
 * ERR_NOMEM, or an error of the store. */
MUST_USE int resolve_stand_in(struct store *s, struct resolved *who);

/* Is this a domain of ours? In any case and form (base/idna.h). */
bool resolve_is_local(struct store *s, struct span domain);

/* May this account send as this address (RFC 6409 6.1)? Its own, with or
 * without "+...", an alias that leads to it (not a group), a catch-all that
 * leads to it directly. 0, or ERR_DENIED, or an error of the store. */
MUST_USE int resolve_owns(
    struct store *s, uint32_t account_id, struct span address);

/* The account that a login name means: a whole primary address, or a local
 * part that only one account's primary address has. ERR_NONE: no such
 * account, or more than one. */
MUST_USE int resolve_login(
    struct store *s, struct span name, uint32_t *account_id_out);

#endif
