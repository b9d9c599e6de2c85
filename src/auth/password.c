#include "auth/password.h"

#include "auth/saslprep.h"
#include "auth/scram.h"
#include "auth/state.h"
#include "base/ascii.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/rand.h"

struct password {
	struct hash_request request;
	struct auth *auth;
	void (*wake)(void *owner);
	void *owner;
	struct scram_secret secret;
	bool is_done;
};

/* Prepare a password for hashing; out is wiped by the caller. */
static int
prepare(struct span password, struct buf *out)
{
	int rc;

	if (password.len > MAX_PASSWORD_BYTES)
		return ERR_LIMIT;
	rc = saslprep(out, password);
	return rc == 0 || rc == ERR_LIMIT || rc == ERR_NOMEM ? rc : ERR_INVALID;
}

int
password_check(struct span password)
{
	struct buf prepared;
	int rc;

	buf_init(&prepared, MAX_PASSWORD_BYTES);
	rc = prepare(password, &prepared);
	buf_wipe(&prepared);
	return rc;
}

/* Draw a salt and begin. */
static int
begin(struct pbkdf2 *hash, struct span password, uint32_t iterations,
    struct scram_secret *secret)
{
	struct buf prepared;
	int rc;

	if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS)
		return ERR_LIMIT;
	buf_init(&prepared, MAX_PASSWORD_BYTES);
	rc = prepare(password, &prepared);
	if (rc == 0) {
		rand_bytes(secret->salt, sizeof(secret->salt));
		secret->iterations = iterations;
		pbkdf2_begin(hash, buf_span(&prepared),
		    span_of(secret->salt, sizeof(secret->salt)), iterations);
	}
	buf_wipe(&prepared);
	return rc;
}

uint32_t
password_measure(void)
{
	struct pbkdf2 hash;
	uint64_t n = 0;
	int64_t start_us = clock_cpu_us();
	int64_t took_us;

	pbkdf2_begin(&hash, SPAN("measure"), SPAN("measure"), UINT32_MAX);
	do {
		(void)pbkdf2_step(&hash, 256);
		n += 256;
		took_us = clock_cpu_us() - start_us;
	} while (took_us < 20000);
	n = n * HASH_TARGET_MS * 1000 / (uint64_t)took_us;
	if (n < MIN_ITERATIONS)
		return MIN_ITERATIONS;
	return n > MAX_ITERATIONS ? MAX_ITERATIONS : (uint32_t)n;
}

int
password_derive(
    struct span password, uint32_t iterations, struct scram_secret *out)
{
	struct pbkdf2 hash;
	int rc = begin(&hash, password, iterations, out);

	if (rc < 0)
		return rc;
	(void)pbkdf2_step(&hash, UINT32_MAX);
	scram_secret_set(out, hash.sum);
	wipe(&hash, sizeof(hash));
	return 0;
}

static void
finish(struct hash_request *r)
{
	struct password *p = LIST_OF(r, struct password, request);

	scram_secret_set(&p->secret, r->hash.sum);
	wipe(&r->hash, sizeof(r->hash));
	p->is_done = true;
	p->wake(p->owner);
}

int
password_new(struct auth *a, struct span password, void (*wake)(void *owner),
    void *owner, struct password **out)
{
	struct password *p = mem_alloc(sizeof(*p));
	int rc;

	if (p == NULL)
		return ERR_NOMEM;
	p->auth = a;
	p->wake = wake;
	p->owner = owner;
	hash_request_init(&p->request, NULL, finish);
	rc = begin(&p->request.hash, password, a->iterations, &p->secret);
	if (rc == 0)
		rc = auth_add_hash(a, &p->request);
	if (rc < 0) {
		password_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

int
password_poll(const struct password *p, struct scram_secret *out)
{
	if (!p->is_done)
		return ERR_AGAIN;
	*out = p->secret;
	return 0;
}

void
password_free(struct password *p)
{
	if (p == NULL)
		return;
	auth_remove_hash(p->auth, &p->request);
	wipe(p, sizeof(*p));
	mem_free(p);
}
