/* smtp_judge.c - a message from elsewhere is judged (trust/trust.h) while it
 * comes, and waits at its end for what DNS has not told yet. */
#include "base/clock.h"
#include "base/log.h"
#include "smtp/smtp_session.h"
#include "store/tally.h"

static void
wake(void *owner)
{
	struct smtp *s = owner;

	conn_wake(s->conn);
}

/* What this machine itself sends, to its usual address, needs no proof: cron
 * and the like write in the name of domains whose mail leaves elsewhere. Other
 * addresses of 127/8 are strangers. */
static bool
is_this_machine(const struct peer *p)
{
	static const uint8_t ip4[4] = { 127, 0, 0, 1 };

	return peer_is_loopback(p) &&
	       (p->family != PEER_IP4 ||
	           memcmp(p->addr, ip4, sizeof(ip4)) == 0);
}

int
smtp_judge_begin(struct smtp *s)
{
	const struct trust_options *o = s->env->trust;
	struct trust_from from = {
		.peer = conn_peer(s->conn),
		.helo = span_str(s->helo),
		.mail_from = s->txn->from,
	};

	/* Who has signed in is known. */
	if (o == NULL || smtp_is_submission(s) || s->account != 0 ||
	    is_this_machine(from.peer))
		return 0;
	if (o->spf == TRUST_OFF && o->dkim == TRUST_OFF &&
	    o->dmarc == TRUST_OFF)
		return 0;
	return trust_new(o, &from, wake, s, &s->txn->trust);
}

bool
smtp_judge_wait(struct smtp *s)
{
	return s->txn->trust != NULL && !trust_finish(s->txn->trust);
}

bool
smtp_judge_is_waiting(const struct smtp_txn *t)
{
	return t->trust != NULL && !trust_is_known(t->trust);
}

/* Is it for the address that gets reports alone? A report about a report
 * would be answered in turn, day after day. */
static bool
is_report(const struct smtp *s)
{
	char storage[MAX_ADDRESS_BYTES + 4];
	struct buf b;

	for (const struct smtp_rcpt *r = s->txn->rcpts; r != NULL;
	     r = r->next) {
		buf_init_fixed(&b, storage, sizeof(storage));
		address_put(&b, r->local, r->domain);
		if (!span_is_nocase(buf_span(&b), s->env->report_contact))
			return false;
	}
	return true;
}

static int
count(struct smtp *s, const struct dmarc_row *row)
{
	struct buf text;
	int rc;

	buf_init(&text, DMARC_ROW_BYTES);
	dmarc_row_put_source(&text, conn_peer(s->conn));
	buf_put_char(&text, '\0');
	dmarc_row_put_rest(&text, row);
	rc = buf_error(&text);
	if (rc == 0)
		rc = tally_add(s->env->store, MEMO_DMARC_ROW, clock_wall_s(),
		    row->domain, SPAN("r"), buf_span(&text), 1);
	buf_deinit(&text);
	return rc;
}

void
smtp_judge_count(struct smtp *s)
{
	struct dmarc_row row;
	struct log l;
	int rc;

	if (s->txn->trust == NULL || !s->env->trust->has_rows || is_report(s) ||
	    !trust_dmarc_row(s->txn->trust, &row))
		return;
	rc = count(s, &row);
	if (rc == 0)
		return;
	log_begin(&l, LOG_WARN, "report.not_counted");
	log_str(&l, "domain", row.domain);
	log_err(&l, "reason", rc);
	log_end(&l);
}

const char *
smtp_judge_refusal(const struct smtp_txn *t)
{
	if (t->trust == NULL || trust_verdict(t->trust) == TRUST_ACCEPT ||
	    trust_verdict(t->trust) == TRUST_JUNK)
		return NULL;
	return trust_text(t->trust);
}

int
smtp_judge_put(struct smtp_txn *t)
{
	struct span old = buf_span(&t->prefix);
	struct buf prefix;
	size_t n;

	if (t->trust == NULL)
		return 0;
	buf_init(&prefix, MAX_PREFIX_BYTES);
	/* RFC 5321 4.4: Return-Path is the first line. */
	buf_put(&prefix, span_sub(old, 0, t->n_return_path));
	trust_put_header(t->trust, &prefix);
	n = prefix.len - t->n_return_path;
	buf_put(&prefix, span_sub(old, t->n_return_path, old.len));
	if (buf_failed(&prefix)) {
		int rc = buf_error(&prefix);

		buf_deinit(&prefix);
		return rc;
	}
	summary_add_header(
	    &t->summary, span_sub(buf_span(&prefix), t->n_return_path, n));
	buf_deinit(&t->prefix);
	t->prefix = prefix;
	return 0;
}

void
smtp_judge_put_words(const struct smtp_txn *t, struct buf *out)
{
	buf_put_str(out, "stored");
	if (t->trust == NULL)
		return;
	buf_put_str(
	    out, trust_verdict(t->trust) == TRUST_JUNK ? " as junk, " : ", ");
	trust_put_words(t->trust, out);
}
