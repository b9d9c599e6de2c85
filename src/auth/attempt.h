/* attempt.h - one login from the inside: what all mechanisms share. Who is
 * meant, how long a guesser must wait, the hash of a password, the verdict.
 */
#ifndef TINPOST_AUTH_ATTEMPT_H
#define TINPOST_AUTH_ATTEMPT_H

#include "auth/identity.h"
#include "auth/state.h"

struct attempt {
	struct auth *auth;
	void (*wake)(void *owner);
	void *owner;
	struct identity who;
	/* What the throttle knows of this client; 0: it is not throttled. */
	uint64_t host, network;
	uint64_t pair; /* of the account and the host */
	uint32_t held_s;
	struct timer timer;
	/* With a password only. */
	bool has_password;
	struct hash_request request;
	uint8_t mark[MAC_BYTES];
	/* SASL_CONTINUE: a mechanism without password may go on. */
	enum sasl_result result;
};

/* peer: NULL or local is never throttled, loopback by account alone (unless
 * the options say otherwise). */
void attempt_init(struct attempt *t, struct auth *a, const struct peer *peer,
    void (*wake)(void *owner), void *owner);

/* Nothing comes back after this. Wipes. */
void attempt_deinit(struct attempt *t);

/* Who wants to sign in? Negative: an error of the store. */
MUST_USE int attempt_name(struct attempt *t, struct span user);

/* Try the password of who was named: SASL_WAIT, or at once SASL_OK,
 * SASL_THROTTLED, SASL_BUSY. While it waits, look at t->result. */
enum sasl_result attempt_password(struct attempt *t, struct span password);

/* Without password: SASL_CONTINUE, SASL_WAIT (then t->result becomes one of
 * the others) or SASL_THROTTLED. */
enum sasl_result attempt_delay(struct attempt *t);

/* The mechanism has proved the password, or has failed to; tells the
 * throttle. Returns SASL_OK, SASL_FAIL, or SASL_THROTTLED when others have
 * failed so often meanwhile that this one must not count. */
enum sasl_result attempt_verdict(struct attempt *t, bool is_right);

/* Seconds until a try is allowed. */
uint32_t attempt_delay_s(const struct attempt *t);

#endif
