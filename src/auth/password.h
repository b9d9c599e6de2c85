/* password.h - turning a password into what is stored (RFC 5802 3): salt,
 * iterations, StoredKey and ServerKey. The password itself is never kept.
 *
 * Ownership  a struct password from password_new is the caller's until
 *            password_free, whether it has finished or not.
 */
#ifndef TINPOST_AUTH_PASSWORD_H
#define TINPOST_AUTH_PASSWORD_H

#include "base/span.h"

/* RFC 7677 4: at least 4096. */
#define MIN_ITERATIONS 4096
/* A login may not cost a fast PC's time on the router that a backup is
 * restored on: ten times what SCRAM clients commonly see. */
#define MAX_ITERATIONS 100000

struct auth;
struct scram_secret; /* store/store.h */

/* May this be a password? 1 to MAX_PASSWORD_BYTES of UTF-8 without controls.
 * ERR_INVALID, ERR_LIMIT. */
MUST_USE int password_check(struct span password);

/* A first login costs about this much time on the device, or what
 * MIN_ITERATIONS take there. More would let strangers keep the loop busy. */
#define HASH_TARGET_MS 25

/* The iterations that take about HASH_TARGET_MS here. Takes about 20 ms
 * itself. Between MIN_ITERATIONS and MAX_ITERATIONS. */
uint32_t password_measure(void);

/* Derive at once, under a new random salt: for the command line, when no
 * server runs. Blocks for as long as a hash takes. ERR_INVALID, ERR_LIMIT:
 * as password_check, or iterations out of bounds. */
MUST_USE int password_derive(
    struct span password, uint32_t iterations, struct scram_secret *out);

struct password;

/* Queue the derivation for a new password, which is copied. owner is woken
 * when password_poll has an answer. ERR_INVALID, ERR_LIMIT: as
 * password_check; ERR_BUSY: the queue is full, try later; ERR_NOMEM. */
MUST_USE int password_new(struct auth *a, struct span password,
    void (*wake)(void *owner), void *owner, struct password **out);

/* Has it been derived? 0: *out is filled; put it into the store with
 * account_set_password, then call auth_forget_account. ERR_AGAIN: not yet. */
MUST_USE int password_poll(const struct password *p, struct scram_secret *out);

/* NULL is fine. */
void password_free(struct password *p);

#endif
