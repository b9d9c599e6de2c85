/* auth.h - who is there, and whose an address is: conventions of the room.
 *
 * One struct auth serves the process. It owns what outlives a connection: the
 * queue of password hashes (one runs, in slices), the memory of recent
 * successes, the table of recent failures. What belongs to one attempt lives
 * in a struct sasl, which a session makes when a login begins and frees when
 * it has ended.
 *
 * Secrets    passwords and keys are wiped where they end, compared in
 *            constant time, and never logged.
 * Blocking   never. Waiting attempts wake their owner; the wake-up carries no
 *            result, the owner looks with sasl_poll or password_poll.
 * Standards  RFC 4422 (SASL), RFC 4616 (PLAIN), RFC 5802 and RFC 7677
 *            (SCRAM-SHA-256), RFC 5929 (channel binding), RFC 8018 5.2
 *            (PBKDF2). SASLprep (RFC 4013) only as far as saslprep.h says.
 */
#ifndef TINPOST_AUTH_AUTH_H
#define TINPOST_AUTH_AUTH_H

#include "base/span.h"

#include "auth/password.h"
#include "auth/resolve.h"
#include "auth/sasl.h"
#include "auth/scram_client.h"

struct loop;
struct store;

struct auth;

struct auth_options {
	/* PBKDF2 iterations of new passwords; 0: as measured for this device
	 * at the first start and kept in the store. */
	uint32_t iterations;
	/* Wrong guesses that cost nothing: for one account from one network,
	 * and from one network whatever the account. */
	uint32_t free_failures;
	uint32_t free_network_failures;
	/* The longest time that a guesser is made to wait. */
	uint32_t max_delay_s;
	/* For how long a password that was right needs no hash; 0: never. */
	uint32_t remember_s;
	/* A try that need not wait longer than this is held back until then;
	 * others are told to come again. Mail clients give up after 30 s at
	 * the earliest. */
	uint32_t hold_s;
	/* Failures are forgotten this long after the last one. */
	uint32_t forget_s;
	/* Passwords that wait to be hashed, three seconds' worth; who comes
	 * after them is told to try later. */
	uint32_t max_hashes;
	/* Loopback counts by account too, but by network only if set. */
	bool limits_loopback;
};

/* What a new store is served with. */
extern const struct auth_options auth_defaults;

/* Make the process's auth. Draws and keeps the store's secret (for the salts
 * of unknown users) and the iteration count at the first call on a store:
 * flush before serving. The loop runs the hashes; with NULL only auth_step
 * does. ERR_NOMEM, or an error of the store. */
MUST_USE int auth_new(struct store *s, struct loop *loop,
    const struct auth_options *o, struct auth **out);

/* Attempts and password jobs must be gone before, and the loop must not turn
 * any more. NULL is fine. */
void auth_free(struct auth *a);

/* Take other options, from now on. */
void auth_set_options(struct auth *a, const struct auth_options *o);

/* Run the waiting hash for one slice (a few ms). True: there is more to do.
 * The loop's job calls it; tests do. */
bool auth_step(struct auth *a);

/* Forget the remembered successes and failures of an account: after its
 * password or its rights changed. */
void auth_forget_account(struct auth *a, uint32_t account_id);

#endif
