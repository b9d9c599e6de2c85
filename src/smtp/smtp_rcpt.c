/* smtp_rcpt.c - RCPT: who is it, and may they get it (RFC 5321 4.1.1.3). */
#include "auth/auth.h"
#include "base/clock.h"
#include "base/idna.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "smtp/smtp_session.h"
#include "trust/trust.h"

/* A recipient while it is judged: all on the stack, nothing kept. */
struct candidate {
	struct span local, domain, address; /* into storage */
	struct smtp_rcpt_params params;
	struct resolved who;
	bool is_8bit;      /* as it was given */
	bool is_elsewhere; /* an address of another domain */
	bool is_report;    /* for one that was sent on from here (srs.h) */
	char storage[2 * MAX_ADDRESS_BYTES];
	char report_storage[2 * MAX_ADDRESS_BYTES];
};

/* RFC 1123 5.2.17: the address of this host, by number or by name. */
static bool
is_this_host(const struct smtp *s, struct span domain)
{
	char storage[80];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_char(&b, '[');
	peer_put_literal(&b, conn_self(s->conn));
	buf_put_char(&b, ']');
	return span_is_nocase(domain, buf_span(&b)) ||
	       (span_is_nocase(domain, s->env->host) &&
	           !resolve_is_local(s->env->store, domain));
}

static const char *
parse(struct smtp *s, struct span args, char storage[MAX_SMTP_LINE + 2],
    struct candidate *r)
{
	struct cur c = cur_of(args);
	struct path path;
	struct buf b;
	int rc;

	if (!cur_skip_nocase(&c, SPAN("TO:")))
		return "501 5.5.4 RCPT TO:<address>";
	cur_skip(&c, ' '); /* Deviation: as at MAIL. */
	c = cur_of(smtp_device_brackets(s, cur_rest(&c), storage));
	/* RFC 5321 4.1.1.3: a source route is dropped by path_parse. */
	if (path_parse(&c, true, &path) != PARSE_OK || path.is_null)
		return "501 5.1.3 Not an address in angle brackets";
	if (span_is_nocase(path.local, SPAN("postmaster")) &&
	    is_this_host(s, path.domain))
		path.domain = span_of(NULL, 0);
	rc = smtp_params_rcpt(cur_rest(&c), &r->params);
	if (rc == ERR_UNSUPPORTED)
		return "555 5.5.4 Unknown parameter"; /* RFC 5321 4.1.1.11 */
	if (rc < 0)
		return "501 5.5.4 Bad parameter";
	buf_init_fixed(&b, r->storage, sizeof(r->storage));
	address_put_local(&b, path.local);
	r->local = buf_span(&b);
	if (path.domain.len > 0) {
		buf_put_char(&b, '@');
		if (idna_to_ascii(&b, path.domain) == ERR_SYNTAX)
			return "553 5.1.2 Not a domain name";
	}
	r->is_8bit = utf8_has_8bit(path.local) || utf8_has_8bit(path.domain);
	if (buf_failed(&b))
		return "501 5.1.3 Address too long";
	r->address = buf_span(&b);
	if (path.domain.len > 0)
		r->domain =
		    span_sub(r->address, r->local.len + 1, r->address.len);
	return NULL;
}

/* People of elsewhere may stand behind an alias. To take it for the others
 * alone would lose mail that was acknowledged. */
static const char *
judge_targets(struct smtp *s, struct candidate *r)
{
	struct span rest = buf_span(&r->who.foreign);

	while (rest.len > 0) {
		const char *refusal =
		    smtp_onward_judge(s, span_split(&rest, '\0'));

		if (refusal == NULL)
			continue;
		if (refusal[0] == '4')
			return refusal;
		if (span_is_nocase(r->local, SPAN("postmaster")) &&
		    resolve_stand_in(s->env->store, &r->who) == 0)
			return NULL;
		return "550 5.7.1 This alias leads to other domains, where "
		       "this server cannot send";
	}
	return NULL;
}

/* An address of ours that leads back to a sender elsewhere becomes that
 * sender's. */
static const char *
go_back(struct smtp *s, struct candidate *r)
{
	struct buf b;
	const char *refusal;

	if (!srs_is(r->local) || !resolve_is_local(s->env->store, r->domain))
		return NULL;
	buf_init_fixed(&b, r->report_storage, sizeof(r->report_storage));
	refusal = smtp_srs_back(s, r->local, &b);
	if (refusal != NULL)
		return refusal;
	r->address = buf_span(&b);
	r->local = span_sub(r->address, 0, span_rfind(r->address, '@'));
	r->domain = span_sub(r->address, r->local.len + 1, r->address.len);
	r->is_report = true;
	return NULL;
}

/* Nobody here has a name beyond 64 bytes; elsewhere it may be. */
static int
find_people(struct smtp *s, struct candidate *r)
{
	if (r->local.len > MAX_LOCAL_BYTES)
		return resolve_is_local(s->env->store, r->domain) ? ERR_NONE
		                                                  : ERR_DENIED;
	return resolve_recipient(s->env->store, r->address, &r->who);
}

static const char *
resolve(struct smtp *s, struct candidate *r)
{
	const char *refusal = go_back(s, r);

	if (refusal != NULL)
		return refusal;
	switch (find_people(s, r)) {
	case 0:
		return judge_targets(s, r);
	case ERR_NONE:
		return "550 5.1.1 Nobody here has this address";
	case ERR_DENIED:
		/* RFC 5321 7.8, RFC 3463 3.8 */
		if (!r->is_report && s->account == 0 && s->device == NULL)
			return "550 5.7.1 No relaying";
		r->is_elsewhere = true;
		return smtp_onward_judge(s, r->address);
	case ERR_SYNTAX:
		return "501 5.1.3 Not an address";
	case ERR_LIMIT:
		return "451 4.3.0 Too many people behind this address";
	default:
		return "451 4.3.0 Local error, try again later";
	}
}

static bool
has_room(struct smtp *s, const struct candidate *r)
{
	for (size_t i = 0; i < r->who.n_accounts; i++)
		if (!account_has_room(s->env->store, r->who.accounts[i],
		        s->txn->params.size_bytes))
			return false;
	return true;
}

static bool
has_account(const struct smtp_txn *t, uint32_t account)
{
	for (uint32_t i = 0; i < t->n_accounts; i++)
		if (t->accounts[i] == account)
			return true;
	return false;
}

/* Add the people, each once. ERR_LIMIT, ERR_NOMEM: none was added. */
static int
add_accounts(struct smtp_txn *t, const struct resolved *who)
{
	size_t n = t->n_accounts + who->n_accounts;
	uint32_t n_before = t->n_accounts;
	uint32_t *p = mem_resize(t->accounts, n * sizeof(*p));

	if (p == NULL)
		return ERR_NOMEM;
	t->accounts = p;
	for (size_t i = 0; i < who->n_accounts; i++)
		if (!has_account(t, who->accounts[i]))
			t->accounts[t->n_accounts++] = who->accounts[i];
	if (t->n_accounts > MAX_RCPTS) { /* of one delivery */
		t->n_accounts = n_before;
		return ERR_LIMIT;
	}
	return 0;
}

/* What goes into the queue: the address itself, or what its alias says. */
static int
add_onward(struct smtp *s, const struct candidate *r)
{
	struct span rest = buf_span(&r->who.foreign);
	int rc = 0;

	if (r->is_elsewhere)
		return smtp_onward_add(
		    s, r->address, &r->params, span_of(NULL, 0));
	while (rc == 0 && rest.len > 0)
		rc = smtp_onward_add(
		    s, span_split(&rest, '\0'), &r->params, r->address);
	return rc;
}

static int
add_rcpt(struct smtp *s, const struct candidate *r)
{
	struct smtp_txn *t = s->txn;
	struct smtp_rcpt *n = arena_alloc(&t->arena, sizeof(*n));
	struct smtp_onward_mark before = smtp_onward_mark(t);
	int rc;

	if (n == NULL)
		return ERR_NOMEM;
	n->params = r->params;
	n->is_elsewhere = r->is_elsewhere;
	if (arena_copy(&t->arena, r->local, &n->local) < 0 ||
	    arena_copy(&t->arena, r->domain, &n->domain) < 0 ||
	    arena_copy(&t->arena, r->params.orcpt, &n->params.orcpt) < 0)
		return ERR_NOMEM;
	rc = add_onward(s, r);
	if (rc == 0 && r->who.n_accounts > 0)
		rc = add_accounts(t, &r->who);
	if (rc < 0) {
		smtp_onward_undo(t, &before);
		return rc;
	}
	*t->rcpts_end = n;
	t->rcpts_end = &n->next;
	t->n_rcpts++;
	return 0;
}

static uint32_t
n_elsewhere(const struct candidate *r)
{
	struct span rest = buf_span(&r->who.foreign);
	uint32_t n = r->is_elsewhere;

	for (; rest.len > 0; n++)
		span_split(&rest, '\0');
	return n;
}

/* NULL: it is among the recipients now. */
static const char *
judge(struct smtp *s, struct candidate *r)
{
	const char *refusal;
	int rc;

	if (!s->txn->params.is_utf8 && r->is_8bit)
		return "553 5.6.7 SMTPUTF8 is needed for this address";
	if (s->device != NULL) {
		refusal = smtp_device_judge(s, r->address, r->domain);
		if (refusal != NULL)
			return refusal;
	}
	refusal = resolve(s, r);
	if (refusal != NULL)
		return refusal;
	if (!has_room(s, r))
		return smtp_error_text(ERR_QUOTA);
	refusal = smtp_limit_rcpts(s, n_elsewhere(r));
	if (refusal != NULL)
		return refusal;
	rc = smtp_judge_begin(s);
	if (rc == 0)
		rc = add_rcpt(s, r);
	if (rc == ERR_LIMIT) /* RFC 5321 4.5.3.1.10: the rest comes later */
		return "452 4.5.3 Too many recipients";
	return rc < 0 ? smtp_error_text(rc) : NULL;
}

void
smtp_rcpt(struct smtp *s, struct span args)
{
	struct candidate r = { .local = { NULL, 0 } };
	char storage[MAX_SMTP_LINE + 2]; /* the parameters may be in it */
	const char *refusal = parse(s, args, storage, &r);

	if (refusal != NULL) {
		smtp_refuse(s, refusal);
		return;
	}
	/* RFC 5321 4.5.3.1.10: the rest goes in another transaction. */
	if (s->txn->n_rcpts >= smtp_limits_of(s)->max_rcpts) {
		smtp_reply(s, "452 4.5.3 Too many recipients");
		return;
	}
	resolved_init(&r.who);
	refusal = judge(s, &r);
	resolved_deinit(&r.who);
	if (refusal == NULL) {
		s->state = SMTP_RCPT;
		smtp_reply(s, "250 2.1.5 Ok");
		return;
	}
	smtp_note_refusal(s, r.address, refusal);
	smtp_reply(s, refusal);
	if (refusal[0] == '5' &&
	    ++s->n_unknown_rcpts >= smtp_limits_of(s)->max_unknown_rcpts)
		smtp_bye(s, "421 4.7.0 Too many unknown recipients");
}
