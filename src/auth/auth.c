#include "auth/auth.h"

#include "auth/state.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"

const struct auth_options auth_defaults = {
	.iterations = 0,
	.free_failures = 5,
	.free_network_failures = 50,
	.max_delay_s = 900,
	.remember_s = 600,
	.hold_s = 8,
	.forget_s = 900,
	.max_hashes = 128,
	.limits_loopback = false,
};

/* Read a setting that only this room knows. ERR_NONE. */
static int
get_own_setting(struct store *s, struct span key, size_t len, uint8_t *out)
{
	char storage[MAC_BYTES + 1];
	struct buf b;
	int rc;

	buf_init_fixed(&b, storage, sizeof(storage));
	rc = setting_get(s, key, &b);
	if (rc == 0 && b.len != len)
		rc = ERR_DAMAGED;
	if (rc == 0)
		memcpy(out, b.p, len);
	wipe(storage, sizeof(storage));
	return rc;
}

/* Get the store's secret, or draw it: it must stay the same for ever, or
 * the salts of unknown users would change where real ones do not. */
static int
load_fake_key(struct auth *a)
{
	struct span key = SPAN("internal.auth_key");
	int rc = get_own_setting(a->store, key, MAC_BYTES, a->fake_key);

	if (rc != ERR_NONE)
		return rc;
	rand_bytes(a->fake_key, MAC_BYTES);
	return setting_put(a->store, key, span_of(a->fake_key, MAC_BYTES));
}

/* The same count for everybody, once measured: a different one would tell
 * who is real, and a busy moment at a start would weaken later passwords. */
static int
load_iterations(struct auth *a)
{
	struct span key = SPAN("internal.auth_iterations");
	uint8_t stored[4];
	int rc = get_own_setting(a->store, key, sizeof(stored), stored);
	struct cur c = cur_of(span_of(stored, sizeof(stored)));
	struct buf b;

	if (rc == 0)
		return cur_be32(&c, &a->iterations) == PARSE_OK ? 0
		                                                : ERR_DAMAGED;
	if (rc != ERR_NONE)
		return rc;
	a->iterations = password_measure();
	buf_init_fixed(&b, (char *)stored, sizeof(stored));
	buf_put_be32(&b, a->iterations);
	return setting_put(a->store, key, buf_span(&b));
}

void
auth_set_options(struct auth *a, const struct auth_options *o)
{
	a->options = *o;
	a->hasher.max = o->max_hashes;
	if (o->iterations != 0)
		a->iterations = o->iterations;
	if (a->iterations < MIN_ITERATIONS)
		a->iterations = MIN_ITERATIONS;
	if (a->iterations > MAX_ITERATIONS)
		a->iterations = MAX_ITERATIONS;
}

static bool
run_job(struct job *j)
{
	return auth_step(LIST_OF(j, struct auth, job));
}

int
auth_new(struct store *s, struct loop *loop, const struct auth_options *o,
    struct auth **out)
{
	struct auth *a = mem_alloc(sizeof(*a));
	int rc;

	if (a == NULL)
		return ERR_NOMEM;
	a->store = s;
	a->loop = loop;
	hasher_init(&a->hasher, o->max_hashes);
	job_init(&a->job, run_job);
	failures_init(&a->failures, s, loop);
	rand_bytes(a->mark_key, sizeof(a->mark_key));
	rc = load_fake_key(a);
	if (rc == 0)
		rc = load_iterations(a);
	if (rc < 0) {
		auth_free(a);
		return rc;
	}
	auth_set_options(a, o);
	*out = a;
	return 0;
}

void
auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	if (a->loop != NULL)
		loop_remove_job(a->loop, &a->job);
	wipe(a, sizeof(*a));
	mem_free(a);
}

bool
auth_step(struct auth *a)
{
	return hasher_step(&a->hasher);
}

int
auth_add_hash(struct auth *a, struct hash_request *r)
{
	int rc = hasher_add(&a->hasher, r);

	if (rc == 0 && a->loop != NULL)
		loop_add_job(a->loop, &a->job);
	return rc;
}

void
auth_forget_account(struct auth *a, uint32_t account_id)
{
	recent_forget(&a->recent, account_id);
}
