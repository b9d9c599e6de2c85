/* account.h - people: who may sign in, and own mailboxes.
 *
 * Names and addresses come in the form that is kept; the address is a key of
 * address.h, already in lower case.
 */
#ifndef TINPOST_STORE_ACCOUNT_H
#define TINPOST_STORE_ACCOUNT_H

#include "base/limits.h"
#include "base/span.h"

struct store;

#define ACCOUNT_OWNER    1u /* may administrate */
#define ACCOUNT_DISABLED 2u /* may not sign in; mail still comes in */

#define MAX_ACCOUNT_NAME_BYTES 255

/* A password in the form of RFC 5802 3, by PBKDF2-HMAC-SHA-256 (RFC 7677).
 * iterations 0: no password, nobody can sign in. */
struct scram_secret {
	uint32_t iterations;
	uint8_t salt[16];
	uint8_t stored_key[32];
	uint8_t server_key[32];
};

struct account_new {
	struct span address;  /* normalized, "local@domain" */
	struct span name;     /* what people call them, UTF-8; may be empty */
	uint64_t quota_bytes; /* 0: none */
	uint32_t flags;
	struct scram_secret secret;
};

struct account_view {
	uint32_t id;
	uint32_t flags;
	uint64_t quota_bytes;
	int64_t created_s;
	struct span address; /* into address_storage */
	struct span name;    /* into name_storage */
	struct scram_secret secret;
	char address_storage[MAX_ADDRESS_BYTES];
	char name_storage[MAX_ACCOUNT_NAME_BYTES];
};

/* Add a person with their address and the mailboxes INBOX, Sent, Drafts,
 * Junk, Trash and Archive (RFC 6154 2), subscribed. ERR_EXISTS: the address is
 * taken. ERR_NONE: its domain is not ours. ERR_INVALID, ERR_LIMIT: a field. */
MUST_USE int account_create(
    struct store *s, const struct account_new *n, uint32_t *id_out);

/* Fill out; its spans live as long as out and are not moved with it. ERR_NONE.
 */
MUST_USE int account_get(
    struct store *s, uint32_t account, struct account_view *out);

/* The least account id >= *id; sets it. ERR_NONE: no more. */
MUST_USE int account_next(struct store *s, uint32_t *id);

/* ERR_NONE: no such person (all below). */
MUST_USE int account_set_password(
    struct store *s, uint32_t account, const struct scram_secret *secret);
MUST_USE int account_set_quota(
    struct store *s, uint32_t account, uint64_t quota_bytes);
MUST_USE int account_set_name(
    struct store *s, uint32_t account, struct span name);
MUST_USE int account_set_flags(
    struct store *s, uint32_t account, uint32_t flags);

/* Remove a person, their address and all their mail: gone at once, swept
 * later (rule 8). Aliases that name the address keep it as a target. */
MUST_USE int account_delete(struct store *s, uint32_t account);

/* What their mailboxes hold in bytes of messages as read, and messages. */
MUST_USE int account_usage(struct store *s, uint32_t account,
    uint64_t *bytes_out, uint32_t *messages_out);

/* Would `bytes` more stay within the quota? Decide it for each recipient
 * before the delivery, which does not ask. False for an unknown account. */
bool account_has_room(struct store *s, uint32_t account, uint64_t bytes);

#endif
