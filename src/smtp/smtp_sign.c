/* smtp_sign.c - the DKIM signature of what people send (RFC 6376 5), and of
 * what an alias sends on, with an ARC set (RFC 8617 5.1): made once when the
 * message is whole, as fields in front of it, for the queue and for people here
 * alike. */
#include "auth/auth.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "smtp/smtp_session.h"
#include "trust/trust.h"

/* What is made next: each is an RSA operation, and one step of the job. */
enum make { MAKE_DKIM, MAKE_ARC_MESSAGE, MAKE_ARC_SEAL };

/* Of a transaction that may be signed. */
struct smtp_sign {
	struct job job;
	struct smtp *s;
	struct dkim_sign *dkim;
	struct buf domain;           /* whose key signs */
	struct buf fields;           /* what is made */
	size_t n_results, n_message; /* bytes of the first two of an ARC set */
	unsigned instance;           /* 0: no ARC set */
	enum make next;
	bool has_begun, is_waiting;
};

static bool step(struct job *j);

/* Is there an alias that sends it on? People may be among them who have no
 * part in it: they see the fields as well. */
static bool
is_forwarded(const struct smtp_txn *t)
{
	return t->alias_domain.len > 0;
}

int
smtp_sign_begin(struct smtp *s)
{
	bool is_forward = !smtp_is_ours(s);
	struct smtp_sign *g;

	if ((is_forward && !is_forwarded(s->txn)) ||
	    !signing_key_exists(s->env->store))
		return 0;
	g = mem_alloc(sizeof(*g));
	if (g == NULL)
		return ERR_NOMEM;
	job_init(&g->job, step);
	g->s = s;
	buf_init(&g->domain, MAX_DOMAIN_BYTES);
	buf_init(&g->fields, MAX_PREFIX_BYTES);
	s->txn->sign = g;
	return dkim_sign_new(is_forward, &g->dkim);
}

void
smtp_sign_free(struct smtp_txn *t)
{
	struct smtp_sign *g = t->sign;

	if (g == NULL)
		return;
	if (g->is_waiting)
		loop_remove_job(conn_loop(g->s->conn), &g->job);
	dkim_sign_free(g->dkim);
	buf_deinit(&g->domain);
	buf_deinit(&g->fields);
	mem_free(g);
	t->sign = NULL;
}

void
smtp_sign_feed(struct smtp_txn *t, struct span bytes)
{
	if (t->sign != NULL)
		dkim_sign_feed(t->sign->dkim, bytes);
}

static void
note_unsigned(const struct smtp_sign *g, int rc)
{
	struct log l;

	log_begin(&l, LOG_WARN,
	    g->next == MAKE_DKIM ? "smtp.unsigned" : "smtp.unsealed");
	log_str(&l, "id", span_of(g->s->txn->id, SMTP_ID_BYTES));
	log_str(&l, "domain", buf_span(&g->domain));
	log_err(&l, "reason", rc);
	log_end(&l);
}

/* The domain as the store writes it. */
static int
set_domain(struct smtp_sign *g, struct span host)
{
	char storage[MAX_ADDRESS_BYTES + 1], key_storage[MAX_ADDRESS_BYTES + 1];
	struct buf address, key;
	int rc;

	buf_init_fixed(&address, storage, sizeof(storage));
	buf_init_fixed(&key, key_storage, sizeof(key_storage));
	buf_put_str(&address, "x@");
	buf_put(&address, host);
	rc = buf_failed(&address) ? ERR_LIMIT
	                          : resolve_normalize(&key, buf_span(&address));
	if (rc < 0)
		return rc;
	buf_put(&g->domain, span_sub(buf_span(&key), 2, key.len));
	return buf_error(&g->domain);
}

/* That of the first address of From: DMARC looks at that one. */
static int
set_author_domain(struct smtp_sign *g)
{
	struct buf scratch;
	struct address_iter it;
	struct address a;
	int rc;

	buf_init(&scratch, MAX_EDIT_FROM_BYTES);
	address_iter_init(&it, buf_span(&g->s->txn->edit.from), &scratch);
	do {
		rc = address_iter_next(&it, &a);
	} while (rc == 0 && a.kind != ADDRESS_MAILBOX);
	if (rc == 0)
		rc = set_domain(g, a.host);
	buf_deinit(&scratch);
	return rc;
}

/* RFC 8616 4: a domain outside ASCII stands as it is only in a header that
 * may hold it. */
static bool
may_name(const struct smtp_sign *g)
{
	return g->s->txn->params.is_utf8 ||
	       !utf8_has_8bit(buf_span(&g->domain));
}

/* Is there something to do? */
static bool
begin(struct smtp_sign *g)
{
	const struct trust *trust = g->s->txn->trust;
	struct signing_key_view v;
	int rc = smtp_is_ours(g->s) ? set_author_domain(g)
	                            : set_domain(g, g->s->txn->alias_domain);

	g->has_begun = true;
	if (rc < 0 || !may_name(g))
		return false;
	rc = signing_key_find(
	    g->s->env->store, buf_span(&g->domain), SIGNING_ACTIVE, &v);
	wipe(&v, sizeof(v));
	if (rc == ERR_NONE)
		return false;
	if (rc == 0)
		rc = dkim_sign_finish(g->dkim);
	if (rc < 0) {
		note_unsigned(g, rc);
		return false;
	}
	if (trust != NULL && trust_arc(trust) != NULL &&
	    is_forwarded(g->s->txn))
		g->instance = arc_next_instance(trust_arc(trust));
	g->is_waiting = true;
	loop_add_job(conn_loop(g->s->conn), &g->job);
	return true;
}

bool
smtp_sign_wait(struct smtp *s)
{
	struct smtp_sign *g = s->txn->sign;

	if (g == NULL)
		return false;
	return g->has_begun ? g->is_waiting : begin(g);
}

/* The two fields of the set that its seal speaks of. */
static int
put_arc_message(struct smtp_sign *g, struct dkim_signer *by)
{
	size_t at = g->fields.len;
	int rc;

	trust_put_arc_results(g->s->txn->trust, g->instance, &g->fields);
	rc = buf_error(&g->fields);
	g->n_results = g->fields.len - at;
	by->instance = g->instance;
	if (rc == 0)
		rc = dkim_sign_put(g->dkim, by, &g->fields);
	g->n_message = g->fields.len - at - g->n_results;
	return rc;
}

static int
put_arc_seal(struct smtp_sign *g, const struct dkim_signer *by)
{
	struct span set = buf_span(&g->fields);

	set = span_sub(set, set.len - g->n_results - g->n_message, set.len);
	return arc_seal(trust_arc(g->s->txn->trust), by,
	    span_sub(set, 0, g->n_results),
	    span_sub(set, g->n_results, g->n_message), &g->fields);
}

static int
make_next(struct smtp_sign *g)
{
	struct signing_key_view v;
	struct dkim_signer by;
	int rc = signing_key_find(
	    g->s->env->store, buf_span(&g->domain), SIGNING_ACTIVE, &v);

	by = (struct dkim_signer){ .domain = v.k.domain,
		.selector = v.k.selector,
		.key = v.k.key,
		.now_s = clock_wall_s() };
	if (rc < 0)
		goto out;
	switch (g->next) {
	case MAKE_DKIM:
		rc = dkim_sign_put(g->dkim, &by, &g->fields);
		break;
	case MAKE_ARC_MESSAGE:
		rc = put_arc_message(g, &by);
		break;
	case MAKE_ARC_SEAL:
		rc = put_arc_seal(g, &by);
		break;
	}
out:
	wipe(&v, sizeof(v));
	return rc;
}

/* Room in the prefix for what smtp_judge_put puts. */
#define RESULTS_BYTES 6000

/* Put what was made behind our Received, where the summary must learn of it.
 * What does not fit must not fail the message. */
static void
put_fields(struct smtp_sign *g)
{
	struct smtp_txn *t = g->s->txn;
	int rc;

	if (t->prefix.len + g->fields.len > MAX_PREFIX_BYTES - RESULTS_BYTES) {
		note_unsigned(g, ERR_LIMIT);
		return;
	}
	rc = buf_reserve(&t->prefix, g->fields.len);
	if (rc < 0) {
		note_unsigned(g, rc);
		return;
	}
	buf_put(&t->prefix, buf_span(&g->fields));
	summary_add_header(&t->summary, buf_span(&g->fields));
}

static bool
step(struct job *j)
{
	struct smtp_sign *g = LIST_OF(j, struct smtp_sign, job);
	size_t before = g->fields.len;
	int rc = make_next(g);

	if (rc < 0) {
		note_unsigned(g, rc);
		/* A set is whole or not there; what was signed before stays. */
		if (g->next == MAKE_ARC_SEAL)
			before -= g->n_results + g->n_message;
		buf_truncate(&g->fields, before);
	} else if (g->next != MAKE_ARC_SEAL && g->instance > 0) {
		g->next++;
		return true;
	}
	put_fields(g);
	g->is_waiting = false;
	conn_wake(g->s->conn);
	return false;
}
