/* smtp_onward.c - recipients elsewhere: what goes into the queue. */
#include "base/ascii.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "smtp/smtp_session.h"

/* Where a host may be (RFC 1035 2.3.1; underscores are met with). */
static bool
is_name(struct span domain)
{
	char before = '.';

	for (size_t i = 0; i < domain.len; i++) {
		char c = domain.p[i];

		if (c == '.' ? before == '.'
		             : !ascii_is_alnum(c) && c != '-' && c != '_')
			return false;
		before = c;
	}
	return before != '.';
}

const char *
smtp_onward_judge(struct smtp *s, struct span address)
{
	struct span domain =
	    span_sub(address, span_rfind(address, '@') + 1, address.len);

	if (!s->env->sends_out)
		return "550 5.7.1 This server is set up to send no mail to "
		       "other domains";
	if (domain.len > 0 && domain.p[0] == '[')
		return "550 5.1.2 Mail to bare addresses is not sent";
	if (!is_name(domain))
		return "553 5.1.2 Not a domain name";
	if (queue_n_messages(s->env->store) >= s->env->max_queued)
		return "452 4.3.1 The queue is full, try again later";
	return NULL;
}

static bool
is_known(const struct smtp_txn *t, struct span address)
{
	for (struct smtp_onward *o = t->onward; o != NULL; o = o->next)
		if (span_is(o->to.address, address))
			return true;
	return false;
}

/* Where it was sent at first, if the client did not say (RFC 3461 5.2.1). */
static int
put_orcpt(struct smtp_txn *t, struct span first, struct span *out)
{
	char storage[MAX_ORCPT_BYTES];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	if (utf8_has_8bit(first)) { /* RFC 6533 3 */
		buf_put_str(&b, "utf-8;");
		address_put_unitext(&b, first, false);
	} else {
		buf_put_str(&b, "rfc822;");
		smtp_params_put_xtext(&b, first);
	}
	return buf_failed(&b) ? 0 : arena_copy(&t->arena, buf_span(&b), out);
}

int
smtp_onward_add(struct smtp *s, struct span address,
    const struct smtp_rcpt_params *params, struct span alias)
{
	struct smtp_txn *t = s->txn;
	struct smtp_onward *o = arena_alloc(&t->arena, sizeof(*o));
	struct buf b;
	char storage[2 * MAX_ADDRESS_BYTES];
	size_t at = span_rfind(address, '@');
	int rc;

	if (o == NULL)
		return ERR_NOMEM;
	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put(&b, span_sub(address, 0, at));
	for (size_t i = at; i < address.len; i++)
		buf_put_char(&b, ascii_lower(address.p[i]));
	if (buf_failed(&b) || b.len > MAX_ADDRESS_BYTES)
		return ERR_LIMIT;
	if (is_known(t, buf_span(&b)))
		return 0;
	rc = arena_copy(&t->arena, buf_span(&b), &o->to.address);
	if (rc == 0)
		rc = arena_copy(&t->arena, params->orcpt, &o->to.orcpt);
	if (rc == 0 && params->orcpt.len == 0 && alias.len > 0)
		rc = put_orcpt(t, alias, &o->to.orcpt);
	o->to.notify = params->notify;
	o->is_forwarded = alias.len > 0;
	if (rc == 0 && alias.len > 0 && t->alias_domain.len == 0)
		rc = arena_copy(&t->arena,
		    span_sub(alias, span_rfind(alias, '@') + 1, alias.len),
		    &t->alias_domain);
	t->onward_bytes += queue_to_bytes(&o->to);
	if (rc == 0 &&
	    (t->onward_bytes > QUEUE_RCPTS_BYTES || t->n_onward >= MAX_RCPTS))
		rc = ERR_LIMIT;
	if (rc < 0)
		return rc;
	*t->onward_end = o;
	t->onward_end = &o->next;
	t->n_onward++;
	return 0;
}

struct smtp_onward_mark
smtp_onward_mark(const struct smtp_txn *t)
{
	return (struct smtp_onward_mark){ t->onward_end, t->n_onward,
		t->onward_bytes, t->alias_domain };
}

void
smtp_onward_undo(struct smtp_txn *t, const struct smtp_onward_mark *m)
{
	*m->end = NULL;
	t->onward_end = m->end;
	t->n_onward = m->n;
	t->onward_bytes = m->bytes;
	t->alias_domain = m->alias_domain;
}

static enum queue_ret
ret_of(enum smtp_ret ret)
{
	switch (ret) {
	case SMTP_RET_NONE:
		return QUEUE_RET_NONE;
	case SMTP_RET_FULL:
		return QUEUE_RET_FULL;
	case SMTP_RET_HDRS:
		return QUEUE_RET_HDRS;
	}
	return QUEUE_RET_NONE;
}

/* Has somebody else's address been used, as far as can be known? What is told of
 * such mail is told to the wrong one. */
static bool
is_forged(const struct smtp_txn *t)
{
	enum spf_result spf;

	if (t->trust == NULL || trust_dmarc(t->trust) == DMARC_PASS)
		return false;
	spf = trust_spf(t->trust);
	return spf == SPF_FAIL || spf == SPF_SOFTFAIL ||
	       (spf != SPF_PASS && trust_dmarc(t->trust) == DMARC_FAIL);
}

/* Those that came by an alias, or those that did not, from *to on. */
static size_t
fill(const struct smtp_txn *t, bool is_forwarded, struct queue_to *to)
{
	bool is_silent = is_forwarded && is_forged(t);
	size_t n = 0;

	for (struct smtp_onward *o = t->onward; o != NULL; o = o->next) {
		if (o->is_forwarded != is_forwarded)
			continue;
		to[n] = o->to;
		if (is_silent)
			to[n].notify = QUEUE_NOTIFY_NEVER;
		n++;
	}
	return n;
}

/* RFC 6531 3.4: SMTPUTF8 is asked of the next host where it is needed; with
 * ASCII alone, domains turned into A-labels, it is not. What is ours in front
 * of the message may hold an address. */
static bool
needs_utf8(const struct smtp_txn *t)
{
	bool is_8bit = t->has_8bit || utf8_has_8bit(t->from);

	for (const struct smtp_rcpt *r = t->rcpts; r != NULL; r = r->next)
		is_8bit = is_8bit || utf8_has_8bit(r->local);
	return t->params.is_utf8 && is_8bit;
}

int
smtp_onward_mails(struct smtp *s, struct smtp_onward_mails *out)
{
	const struct smtp_txn *t = s->txn;
	int64_t now = clock_wall_s();
	struct queue_to *to;
	int rc = 0;

	out->n = 0;
	out->to = NULL;
	if (t->n_onward == 0)
		return 0;
	out->to = to = mem_alloc(t->n_onward * sizeof(*to));
	if (to == NULL)
		return ERR_NOMEM;
	for (int i = 0; i < 2; i++) {
		struct queue_mail *m = &out->mails[out->n];

		*m = (struct queue_mail){ .account = s->account,
			.ret = ret_of(t->params.ret),
			.expires_s = now + s->env->expire_s,
			.notice_s =
			    s->env->notice_s > 0 ? now + s->env->notice_s : 0,
			.from = t->from,
			.envid = t->params.envid,
			.trace = span_of(t->id, SMTP_ID_BYTES),
			.to = to,
			.n_to = fill(t, i == 1, to) };
		/* Undeclared 8-bit text is met with: the client of the next
		 * hop looks at this only to convert it. */
		m->flags |= t->has_8bit ? QUEUE_8BIT : 0;
		m->flags |= needs_utf8(t) ? QUEUE_UTF8 : 0;
		if (t->params.requires_tls) /* RFC 8689 4.1 */
			m->flags |= QUEUE_REQUIRETLS;
		else if (header_edit_is_tls_optional(&t->edit))
			m->flags |= QUEUE_TLS_OPTIONAL;
		m->flags |= i == 1 ? QUEUE_FORWARDED : 0;
		if (i == 1 && m->n_to > 0)
			rc = smtp_srs_sender(s, &m->from);
		if (rc < 0)
			return rc;
		to += m->n_to;
		out->n += m->n_to > 0;
	}
	return 0;
}
