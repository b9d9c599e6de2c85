/* smtp_sign.c - the DKIM signature of what people send (RFC 6376 5), made once
 * when the message is whole: a field in front of it, for the queue and for
 * people here alike. */
#include "auth/auth.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "smtp/smtp_session.h"
#include "trust/trust.h"

/* Of a transaction that may be signed. */
struct smtp_sign {
	struct job job; /* the RSA operation, in its turn */
	struct smtp *s;
	struct dkim_sign *dkim;
	struct buf domain; /* whose key signs */
	bool is_waiting;
};

static bool step(struct job *j);

int
smtp_sign_begin(struct smtp *s)
{
	struct smtp_sign *g;

	if (!smtp_is_submission(s) || !signing_key_exists(s->env->store))
		return 0;
	g = mem_alloc(sizeof(*g));
	if (g == NULL)
		return ERR_NOMEM;
	job_init(&g->job, step);
	g->s = s;
	buf_init(&g->domain, MAX_DOMAIN_BYTES);
	s->txn->sign = g;
	return dkim_sign_new(&g->dkim);
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

	log_begin(&l, LOG_WARN, "smtp.unsigned");
	log_str(&l, "id", span_of(g->s->txn->id, SMTP_ID_BYTES));
	log_str(&l, "domain", buf_span(&g->domain));
	log_err(&l, "reason", rc);
	log_end(&l);
}

/* The domain of the first address of From, as the store writes it: DMARC
 * looks at that one. */
static int
find_domain(struct smtp_sign *g)
{
	char storage[MAX_ADDRESS_BYTES + 1], key_storage[MAX_ADDRESS_BYTES + 1];
	struct buf scratch, address, key;
	struct address_iter it;
	struct address a;
	int rc;

	buf_init(&scratch, MAX_EDIT_FROM_BYTES);
	buf_init_fixed(&address, storage, sizeof(storage));
	buf_init_fixed(&key, key_storage, sizeof(key_storage));
	address_iter_init(&it, buf_span(&g->s->txn->edit.from), &scratch);
	do {
		rc = address_iter_next(&it, &a);
	} while (rc == 0 && a.kind != ADDRESS_MAILBOX);
	if (rc == 0) {
		buf_put_str(&address, "x@");
		buf_put(&address, a.host);
		rc = buf_failed(&address)
		         ? ERR_LIMIT
		         : resolve_normalize(&key, buf_span(&address));
	}
	if (rc == 0) {
		buf_put(&g->domain, span_sub(buf_span(&key), 2, key.len));
		rc = buf_error(&g->domain);
	}
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

bool
smtp_sign_wait(struct smtp *s)
{
	struct smtp_sign *g = s->txn->sign;
	struct signing_key_view v;
	int rc;

	if (g == NULL || find_domain(g) < 0 || !may_name(g))
		return false;
	rc = signing_key_find(
	    s->env->store, buf_span(&g->domain), SIGNING_ACTIVE, &v);
	wipe(&v, sizeof(v));
	if (rc == ERR_NONE)
		return false;
	if (rc == 0)
		rc = dkim_sign_finish(g->dkim);
	if (rc < 0) {
		note_unsigned(g, rc);
		return false;
	}
	g->is_waiting = true;
	loop_add_job(conn_loop(s->conn), &g->job);
	return true;
}

bool
smtp_sign_is_waiting(const struct smtp_txn *t)
{
	return t->sign != NULL && t->sign->is_waiting;
}

/* Put the field behind our Received, where the summary must learn of it. */
static int
put_signature(struct smtp_sign *g)
{
	struct smtp_txn *t = g->s->txn;
	size_t before = t->prefix.len;
	struct signing_key_view v;
	struct dkim_signer by;
	int rc;

	rc = signing_key_find(
	    g->s->env->store, buf_span(&g->domain), SIGNING_ACTIVE, &v);
	if (rc == 0) {
		by = (struct dkim_signer){ .domain = v.k.domain,
			.selector = v.k.selector,
			.key = v.k.key,
			.now_s = clock_wall_s() };
		rc = dkim_sign_put(g->dkim, &by, &t->prefix);
	}
	wipe(&v, sizeof(v));
	if (rc < 0) {
		/* What did not fit, or failed, must not fail the message. */
		if (t->prefix.len > before)
			buf_truncate(&t->prefix, before);
		return rc;
	}
	summary_add_header(
	    &t->summary, span_sub(buf_span(&t->prefix), before, t->prefix.len));
	return 0;
}

static bool
step(struct job *j)
{
	struct smtp_sign *g = LIST_OF(j, struct smtp_sign, job);
	int rc = put_signature(g);

	if (rc < 0)
		note_unsigned(g, rc);
	g->is_waiting = false;
	conn_wake(g->s->conn);
	return false;
}
