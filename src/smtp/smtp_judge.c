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

static bool
greylists(const struct smtp *s)
{
	return s->env->grey.mode != GREY_OFF;
}

int
smtp_judge_begin(struct smtp *s)
{
	struct trust_options mine;
	const struct trust_options *o = s->env->trust;
	struct trust_from from = {
		.peer = conn_peer(s->conn),
		.helo = span_str(s->helo),
		.mail_from = s->txn->from,
	};

	/* Who has signed in is known. */
	if (o == NULL || smtp_is_ours(s) || s->account != 0 ||
	    is_this_machine(from.peer) || s->txn->trust != NULL)
		return 0;
	mine = *o;
	if (network_list_has(s->env->trusted, from.peer)) {
		mine.weights = NULL;
		s->txn->is_client_judged = true;
	}
	if (o->spf == TRUST_OFF && o->dkim == TRUST_OFF &&
	    o->dmarc == TRUST_OFF && mine.weights == NULL && !greylists(s))
		return 0;
	s->n_judged++;
	return trust_new(&mine, &from, wake, s, &s->txn->trust);
}

bool
smtp_judge_wait_client(struct smtp *s)
{
	const struct trust_options *o = s->env->trust;

	if (s->txn->trust == NULL || s->txn->is_client_judged ||
	    (!greylists(s) && o->refuse_weight == 0))
		return false;
	return !trust_ask_client(s->txn->trust);
}

bool
smtp_judge_is_asking(const struct smtp_txn *t)
{
	return !trust_knows_client(t->trust);
}

/* More are not noted: a client that comes again brings the same first ones. */
#define MAX_GREY_RCPTS 5

/* The seconds to wait. One recipient for whom it came back in time is enough
 * for all: the client has shown what it was asked for. */
static uint32_t
try_all(struct smtp *s, const struct grey_sender *from)
{
	const struct smtp_rcpt *r = s->txn->rcpts;
	int64_t now = clock_wall_s();
	uint32_t least = UINT32_MAX;

	if (grey_is_known(s->env->store, &s->env->grey, from, now))
		return 0;
	for (int i = 0; r != NULL && i < MAX_GREY_RCPTS && least > 0; i++) {
		char storage[2 * MAX_ADDRESS_BYTES];
		struct buf to;
		uint32_t left;

		buf_init_fixed(&to, storage, sizeof(storage));
		address_put(&to, r->local, r->domain);
		left = grey_try(
		    s->env->store, &s->env->grey, from, buf_span(&to), now);
		if (left < least)
			least = left;
		r = r->next;
	}
	return least;
}

/* NULL: greylisting lets it pass. */
static const char *
judge_grey(struct smtp *s)
{
	const struct grey_options *o = &s->env->grey;
	struct smtp_txn *t = s->txn;
	struct grey_sender from = { .from = t->from, .domain = t->from_domain };
	int weight = trust_weight(t->trust);
	char storage[64];
	struct buf network, text;
	uint32_t left_s;
	unsigned minutes;

	/* Whom a list speaks for need not show anything. */
	if (o->mode == GREY_OFF || weight < 0 ||
	    (o->mode == GREY_SUSPICIOUS && weight < o->min_weight))
		return NULL;
	buf_init_fixed(&network, storage, sizeof(storage));
	network_put(&network, conn_peer(s->conn));
	from.who = trust_spf(t->trust) == SPF_PASS ? trust_spf_domain(t->trust)
	                                           : buf_span(&network);
	left_s = try_all(s, &from);
	if (left_s == 0)
		return NULL;
	minutes = (unsigned)(left_s + 59) / 60;
	buf_init_fixed(&text, t->wait_text, sizeof(t->wait_text) - 1);
	buf_putf(&text,
	    "451 4.7.1 Not known here yet: please send it again in %u "
	    "minute%s (greylisting)",
	    minutes, minutes == 1 ? "" : "s");
	return t->wait_text;
}

const char *
smtp_judge_client(struct smtp *s)
{
	struct smtp_txn *t = s->txn;
	const char *refusal;

	if (t->trust == NULL || t->is_client_judged)
		return NULL;
	t->is_client_judged = true;
	refusal = trust_client_refusal(t->trust);
	return refusal != NULL ? refusal : judge_grey(s);
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

void
smtp_judge_note(struct smtp *s, const char *refusal)
{
	const struct smtp_rcpt *r = s->txn->rcpts;
	char storage[2 * MAX_ADDRESS_BYTES], text_storage[MAX_EVENT_BYTES + 1];
	struct buf to, text;

	buf_init_fixed(&to, storage, sizeof(storage));
	address_put(&to, r->local, r->domain);
	buf_init_fixed(&text, text_storage, MAX_EVENT_BYTES);
	buf_put(&text, span_sub(span_str(refusal), 0, MAX_EVENT_BYTES));
	trust_put_weight(s->txn->trust, &text);
	text_storage[text.len] = '\0';
	smtp_note_refusal(s, buf_span(&to), text_storage);
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
