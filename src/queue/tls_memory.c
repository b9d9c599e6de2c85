#include "queue/tls_memory.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"

#define DAY_S      86400
#define REMEMBER_S (30 * DAY_S)
/* The row is written anew when it has less than this left: not each time. */
#define RENEW_S (29 * DAY_S)

struct memory {
	bool is_known; /* the domain has given TLS */
	bool is_verified;
	int64_t since_s; /* it gives less since; 0: it does not */
	int64_t until_s;
	struct span host; /* is_verified: which one; into storage */
	char storage[MAX_DOMAIN_BYTES + 40];
};

static void
recall(const struct mover_env *env, struct span domain, struct memory *m)
{
	struct buf b;
	struct span rest, level;
	uint64_t since;

	*m = (struct memory){ .is_known = false };
	buf_init_fixed(&b, m->storage, sizeof(m->storage));
	if (domain.len > MEMO_MAX_KEY ||
	    memo_get(env->store, MEMO_TLS, domain, &b, &m->until_s) < 0)
		return;
	rest = buf_span(&b);
	level = span_split(&rest, ' ');
	if (span_to_u64(span_split(&rest, ' '), INT64_MAX, &since) < 0)
		return;
	m->is_known = true;
	m->is_verified = span_is(level, SPAN("verified"));
	m->since_s = (int64_t)since;
	m->host = rest;
}

static int
keep(const struct mover_env *env, struct span domain, const struct memory *m)
{
	char storage[MAX_DOMAIN_BYTES + 40];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_str(&b, m->is_verified ? "verified " : "tls ");
	buf_put_u64(&b, (uint64_t)m->since_s);
	buf_put_char(&b, ' ');
	if (m->is_verified)
		buf_put(&b, m->host);
	return buf_failed(&b) ? ERR_LIMIT
	                      : memo_put(env->store, MEMO_TLS, domain,
	                            buf_span(&b), m->until_s);
}

/* Was this host verified before? Another one of the domain may never be. */
static bool
was_verified(const struct memory *m, struct span host)
{
	return m->is_verified && span_is(m->host, host);
}

enum smtp_out_tls
tls_memory_demand(
    const struct mover_env *env, struct span domain, struct span host)
{
	int64_t now = clock_wall_s();
	struct memory m;

	if (env->tls_memory != TLS_MEMORY_DEFER)
		return TLS_OPPORTUNISTIC;
	recall(env, domain, &m);
	/* A time in the future is one of a clock that went wrong. */
	if (!m.is_known ||
	    (m.since_s != 0 &&
	        (now - m.since_s >= env->tls_defer_s || m.since_s > now)))
		return TLS_OPPORTUNISTIC;
	return was_verified(&m, host) ? TLS_VERIFIED : TLS_REQUIRED;
}

static void
log_weaker(struct span domain, struct span host, const struct memory *m,
    const struct smtp_out_facts *f, bool is_held)
{
	struct log l;

	log_begin(&l, LOG_WARN, "queue.tls_weaker");
	log_str(&l, "domain", domain);
	log_str(&l, "host", host);
	log_str(&l, "before",
	    was_verified(m, host) ? SPAN("verified") : SPAN("tls"));
	log_str(&l, "now", f->is_tls ? SPAN("unverified") : SPAN("clear"));
	if (f->tls_why != NULL)
		log_str(&l, "why", span_str(f->tls_why));
	log_num(&l, "for_s", clock_wall_s() - m->since_s);
	log_str(&l, "mail", is_held ? SPAN("waits") : SPAN("goes"));
	log_end(&l);
}

void
tls_memory_note(const struct mover_env *env, struct span domain,
    struct span host, const struct smtp_out_facts *f, bool is_held)
{
	int64_t now = clock_wall_s();
	struct memory m;
	bool is_weaker, is_changed;
	struct log l;
	int rc = 0;

	if (env->tls_memory == TLS_MEMORY_OFF)
		return;
	recall(env, domain, &m);
	is_weaker = (m.is_known && !f->is_tls) ||
	            (was_verified(&m, host) && !f->is_verified);
	if (!m.is_known && !f->is_tls)
		return;
	is_changed = !m.is_known || m.until_s - now < RENEW_S ||
	             is_weaker != (m.since_s != 0) ||
	             (f->is_verified && !was_verified(&m, host));
	if (is_weaker && m.since_s == 0)
		m.since_s = now;
	else if (!is_weaker)
		m.since_s = 0;
	if (f->is_verified) {
		m.is_verified = true;
		m.host = host;
	}
	if (!is_weaker)
		m.until_s = now + REMEMBER_S;
	else
		log_weaker(domain, host, &m, f, is_held);
	if (is_changed)
		rc = keep(env, domain, &m);
	if (rc == 0)
		return;
	log_begin(&l, LOG_WARN, "queue.tls_forgotten");
	log_str(&l, "domain", domain);
	log_err(&l, "reason", rc);
	log_end(&l);
}
