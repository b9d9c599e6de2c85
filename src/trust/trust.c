#include "trust/trust_in.h"

#include "base/idna.h"
#include "base/mem.h"
#include "mime/mime.h"

/* A signed header says no more than this about its author. */
#define MAX_FROM_BYTES 8192

static void judge(struct trust *t);
static void look(struct trust *t);

static void
woken(void *owner)
{
	look(owner);
}

/* --- the author --- */

static void
note_author(struct trust *t, struct span domain)
{
	struct span known = span_of(t->author, t->n_author);
	char storage[DNS_MAX_NAME];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	if (idna_to_ascii(&b, domain) == 0) /* RFC 8616 6 */
		domain = buf_span(&b);
	if (domain.len == 0 || domain.len > DNS_MAX_NAME)
		return;
	if (known.len > 0 && !span_is_nocase(known, domain)) {
		t->has_many_authors = true;
		return;
	}
	memcpy(t->author, domain.p, domain.len);
	t->n_author = domain.len;
}

/* The domains of one From field. */
static int
read_from(struct trust *t, struct span raw)
{
	struct address_iter it;
	struct buf value, scratch;
	struct address a;
	int rc;

	buf_init(&value, MAX_FROM_BYTES);
	buf_init(&scratch, MAX_FROM_BYTES);
	header_put_unfolded(&value, raw);
	if (buf_error(&value) == ERR_LIMIT)
		t->has_many_authors = true; /* nobody can tell */
	address_iter_init(&it, buf_span(&value), &scratch);
	while (address_iter_next(&it, &a) == 0)
		if (a.kind == ADDRESS_MAILBOX)
			note_author(t, span_trim(a.host));
	rc = buf_error(&scratch) == ERR_NOMEM ? ERR_NOMEM : 0;
	buf_deinit(&value);
	buf_deinit(&scratch);
	return rc;
}

static int
find_author(struct trust *t)
{
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->head.n_fields; i++) {
		struct head_field f = head_get(&t->head, i);

		if (!span_is_nocase(f.name, SPAN("From")))
			continue;
		if (++n > 1) /* RFC 5322 3.6 */
			t->has_many_authors = true;
		if (n <= 8)
			rc = read_from(t, head_value(&f));
	}
	return rc;
}

/* --- the work --- */

static bool
has_work(const struct trust *t)
{
	return (t->dkim != NULL && dkim_has_work(t->dkim)) ||
	       (t->arc != NULL && arc_has_work(t->arc));
}

static bool
step_job(struct job *j)
{
	struct trust *t = LIST_OF(j, struct trust, job);

	if (t->dkim != NULL && dkim_has_work(t->dkim))
		dkim_step(t->dkim);
	else if (t->arc != NULL)
		arc_step(t->arc);
	if (has_work(t))
		return true;
	look(t); /* may be the last thing: t can be gone */
	return false;
}

static void
fire(struct timer *timer)
{
	struct trust *t = LIST_OF(timer, struct trust, timer);

	if (t->spf != NULL)
		spf_give_up(t->spf);
	if (t->helo != NULL)
		spf_give_up(t->helo);
	if (t->doubts != NULL)
		doubts_give_up(t->doubts);
	if (t->dkim != NULL)
		dkim_give_up(t->dkim);
	if (t->arc != NULL)
		arc_give_up(t->arc);
	loop_remove_job(t->options.loop, &t->job);
	if (!t->is_judged)
		judge(t); /* what has passed may be enough */
	if (t->dmarc != NULL)
		dmarc_give_up(t->dmarc);
	look(t);
}

/* The header is over: ask for keys and policy. */
static void
begin_header(struct trust *t)
{
	int rc = 0;

	if (t->head.is_cut)
		t->has_many_authors = true;
	if (t->options.dkim != TRUST_OFF)
		rc = dkim_new(t->options.dns, &t->head, woken, t, &t->dkim);
	if (rc == 0 && t->options.dkim != TRUST_OFF)
		rc = arc_new(t->options.dns, &t->head, woken, t, &t->arc);
	if (rc == 0 && t->options.dmarc != TRUST_OFF) {
		rc = find_author(t);
		if (rc == 0 && t->n_author > 0)
			rc = dmarc_new(t->options.dns,
			    span_of(t->author, t->n_author), woken, t,
			    &t->dmarc);
		if (t->dmarc != NULL && t->options.has_rows)
			dmarc_look_at_all(t->dmarc);
	}
	if (rc < 0)
		t->fault = rc;
	if (has_work(t))
		loop_add_job(t->options.loop, &t->job);
}

void
trust_feed(struct trust *t, struct span bytes)
{
	if (!t->head.is_over && head_feed(&t->head, &bytes))
		begin_header(t);
	if (t->head.is_over && t->dkim != NULL)
		dkim_feed(t->dkim, bytes);
	if (t->head.is_over && t->arc != NULL)
		arc_feed(t->arc, bytes);
}

/* --- the verdict --- */

/* What is proved goes to DMARC. */
static void
judge(struct trust *t)
{
	struct dmarc_identity list[DMARC_MAX_IDENTITIES];
	size_t n = 0;
	enum spf_result spf = trust_spf(t);

	for (size_t i = 0; t->dkim != NULL && i < dkim_count(t->dkim); i++) {
		const struct dkim_verdict *v = dkim_get(t->dkim, i);

		if (v->result == DKIM_PASS || v->result == DKIM_TEMPERROR)
			list[n++] =
			    (struct dmarc_identity){ .domain = v->domain,
				    .is_unknown = v->result == DKIM_TEMPERROR };
	}
	if (spf == SPF_PASS || spf == SPF_TEMPERROR)
		list[n++] =
		    (struct dmarc_identity){ .domain = spf_domain(t->spf),
			    .is_spf = true,
			    .is_unknown = spf == SPF_TEMPERROR };
	t->is_judged = true;
	if (t->dmarc != NULL)
		dmarc_judge(t->dmarc, list, n);
}

static bool
is_pending(const struct trust *t)
{
	if (t->spf != NULL && spf_result(t->spf) == SPF_PENDING)
		return true;
	if (t->helo != NULL && spf_result(t->helo) == SPF_PENDING)
		return true;
	if (t->arc != NULL && arc_get(t->arc)->result == ARC_PENDING)
		return true;
	if (t->doubts != NULL && !doubts_are_known(t->doubts))
		return true;
	return t->dkim != NULL && !dkim_is_done(t->dkim);
}

/* The reply; foreign words come last, as much of them as fits. */
static void
set_text(struct trust *t, const char *reply, struct span domain,
    const char *more, struct span foreign)
{
	struct buf b;

	buf_init_fixed(&b, t->text, sizeof(t->text) - 1);
	buf_put_str(&b, reply);
	buf_put(&b, domain);
	buf_put_str(&b, more);
	buf_put(&b, span_sub(foreign, 0, sizeof(t->text) - 1 - b.len));
	t->text[b.len] = '\0';
}

static void
decide_by_dmarc(struct trust *t)
{
	enum dmarc_policy p = dmarc_policy(t->dmarc);
	struct span domain = dmarc_author(t->dmarc);

	if (t->vouching.len > 0)
		return;
	if (dmarc_result(t->dmarc) == DMARC_FAIL && p == DMARC_P_REJECT) {
		t->verdict = TRUST_REJECT;
		set_text(t, "550 5.7.1 Not sent by ", domain,
		    ", which asks to refuse such mail (DMARC)",
		    span_of(NULL, 0));
	} else if (dmarc_result(t->dmarc) == DMARC_FAIL &&
	           p == DMARC_P_QUARANTINE) {
		t->verdict = TRUST_JUNK;
	} else if (dmarc_result(t->dmarc) == DMARC_TEMPERROR &&
	           p != DMARC_P_NONE) {
		/* A policy was found, so that DNS works in part. */
		t->verdict = TRUST_TEMPFAIL;
		set_text(t, "451 4.7.1 Whether this is from ", domain,
		    " cannot be checked now, try again later",
		    span_of(NULL, 0));
	}
}

/* What is known by now. */
static void
note_spf(struct trust *t)
{
	if (t->doubts == NULL)
		return;
	if (trust_spf(t) == SPF_FAIL)
		doubts_add(t->doubts, DOUBT_SPF_FAIL);
	else if (trust_spf(t) == SPF_SOFTFAIL)
		doubts_add(t->doubts, DOUBT_SPF_SOFTFAIL);
}

const char *
trust_client_refusal(struct trust *t)
{
	char storage[400];
	struct buf reasons;
	int most = t->options.refuse_weight;

	if (most <= 0 || trust_weight(t) < most)
		return NULL;
	buf_init_fixed(&reasons, storage, sizeof(storage));
	doubts_put_reasons(t->doubts, &reasons);
	set_text(t,
	    "550 5.7.1 Too doubtful for this server: ", buf_span(&reasons), "",
	    span_of(NULL, 0));
	return t->text;
}

static void
decide_by_weight(struct trust *t)
{
	int junk = t->options.junk_weight;

	if (t->verdict != TRUST_REJECT && trust_client_refusal(t) != NULL)
		t->verdict = TRUST_REJECT;
	else if (t->verdict == TRUST_ACCEPT && junk > 0 &&
	         trust_weight(t) >= junk)
		t->verdict = TRUST_JUNK;
}

/* Nothing is refused: the text is what a report says (RFC 8617 7.2.2). */
static void
set_comment(struct trust *t)
{
	struct buf b;

	buf_init_fixed(&b, t->text, sizeof(t->text) - 1);
	arc_put_seals(t->arc, &b);
	t->text[b.len] = '\0';
}

static void
decide(struct trust *t)
{
	bool acts = t->options.dmarc == TRUST_ACT;

	t->is_decided = true;
	/* RFC 8617 7.2.1: a policy of our own, for those whom we trust. */
	if (t->arc != NULL && trust_dmarc(t) == DMARC_FAIL &&
	    arc_vouches(t->arc, t->options.sealers, dmarc_author(t->dmarc),
	        &t->vouching))
		set_comment(t);
	if (acts && t->dmarc != NULL)
		decide_by_dmarc(t);
	if (acts && t->has_many_authors && t->verdict == TRUST_ACCEPT)
		t->verdict =
		    TRUST_JUNK; /* RFC 9989 and RFC 5322 3.6: not allowed */
	if (t->options.spf == TRUST_ACT && trust_spf(t) == SPF_FAIL &&
	    t->verdict != TRUST_REJECT && trust_dmarc(t) != DMARC_PASS) {
		t->verdict = TRUST_REJECT;
		/* RFC 7372 3.2; RFC 7208 6.2: foreign words are marked. */
		set_text(t, "550 5.7.23 This client may not send for ",
		    spf_domain(t->spf),
		    spf_explanation(t->spf).len > 0 ? " (SPF), which says: "
		                                    : " (SPF)",
		    spf_explanation(t->spf));
	}
	t->by_policy = t->verdict;
	decide_by_weight(t);
}

/* Something is known. Go on; at the end wake the owner, who may free t. */
static void
look(struct trust *t)
{
	if (has_work(t))
		loop_add_job(t->options.loop, &t->job);
	note_spf(t);
	if (t->is_client_asked && trust_knows_client(t)) {
		t->is_client_asked = false;
		t->wake(t->owner);
		return;
	}
	if (!t->is_finished || t->is_decided || is_pending(t))
		return;
	if (!t->is_judged)
		judge(t);
	if (t->dmarc != NULL && dmarc_result(t->dmarc) == DMARC_PENDING)
		return;
	decide(t);
	loop_clear_timer(t->options.loop, &t->timer);
	if (t->is_waiting)
		t->wake(t->owner);
}

bool
trust_knows_client(const struct trust *t)
{
	if (t->is_client_late)
		return true;
	if (t->doubts != NULL && !doubts_are_known(t->doubts))
		return false;
	return t->spf == NULL || spf_result(t->spf) != SPF_PENDING;
}

bool
trust_ask_client(struct trust *t)
{
	note_spf(t);
	t->is_client_asked = !trust_knows_client(t);
	return !t->is_client_asked;
}

/* SPF may go on; it is needed at the end. */
static void
end_client_time(struct timer *timer)
{
	struct trust *t = LIST_OF(timer, struct trust, client_timer);

	t->is_client_late = true;
	if (t->doubts != NULL)
		doubts_give_up(t->doubts);
	look(t);
}

bool
trust_finish(struct trust *t)
{
	if (!t->head.is_over) {
		head_finish(&t->head);
		begin_header(t);
	}
	if (t->dkim != NULL)
		dkim_finish(t->dkim);
	if (t->arc != NULL)
		arc_finish(t->arc);
	t->is_finished = true;
	look(t);
	if (t->is_decided)
		return true;
	t->is_waiting = true;
	if (loop_set_timer(t->options.loop, &t->timer, t->options.wait_ms) == 0)
		return false;
	/* No memory for a timer: nothing may wait without one. */
	t->is_waiting = false;
	fire(&t->timer);
	return true;
}

/* --- begin and end --- */

static int
begin_spf(struct trust *t, const struct trust_from *from)
{
	struct spf_input in = {
		.client = from->peer,
		.helo = from->helo,
		.mail_from = from->mail_from,
		.receiver = t->options.host,
	};
	int rc;

	if (t->options.spf == TRUST_OFF)
		return 0;
	rc = spf_new(t->options.dns, &in, woken, t, &t->spf);
	if (rc < 0 || from->mail_from.len == 0)
		return rc;
	in.mail_from = span_of(NULL, 0); /* RFC 7208 2.3 */
	return spf_new(t->options.dns, &in, woken, t, &t->helo);
}

static int
begin_signs(struct trust *t, const struct trust_from *from)
{
	const struct doubts_input in = { .client = from->peer,
		.helo = from->helo,
		.host = t->options.host };
	const struct weights *w = t->options.weights;

	t->options.weights = NULL; /* borrowed till now */
	if (w != NULL && weights_are_any(w) &&
	    doubts_new(t->options.dns, w, &in, woken, t, &t->doubts) < 0)
		return ERR_NOMEM;
	return loop_set_timer(
	    t->options.loop, &t->client_timer, t->options.client_ms);
}

/* Longest of everything that is copied. */
#define ARENA_BYTES 4096

int
trust_new(const struct trust_options *o, const struct trust_from *from,
    void (*wake)(void *owner), void *owner, struct trust **out)
{
	struct trust *t = mem_alloc(sizeof(*t));

	if (t == NULL)
		return ERR_NOMEM;
	t->options = *o;
	/* DMARC needs both. */
	if (o->dmarc != TRUST_OFF && o->spf == TRUST_OFF)
		t->options.spf = TRUST_NOTE;
	if (o->dmarc != TRUST_OFF && o->dkim == TRUST_OFF)
		t->options.dkim = TRUST_NOTE;
	t->wake = wake;
	t->owner = owner;
	t->client = *from->peer;
	arena_init(&t->arena, ARENA_BYTES);
	head_init(&t->head);
	job_init(&t->job, step_job);
	timer_init(&t->timer, fire);
	timer_init(&t->client_timer, end_client_time);
	if (arena_copy(&t->arena, o->host, &t->options.host) < 0 ||
	    arena_copy(&t->arena, o->sealers, &t->options.sealers) < 0 ||
	    arena_copy(&t->arena, from->helo, &t->helo_name) < 0 ||
	    arena_copy(&t->arena, from->mail_from, &t->mail_from) < 0 ||
	    begin_spf(t, from) < 0 || begin_signs(t, from) < 0) {
		trust_free(t);
		return ERR_NOMEM;
	}
	*out = t;
	return 0;
}

void
trust_free(struct trust *t)
{
	if (t == NULL)
		return;
	loop_remove_job(t->options.loop, &t->job);
	loop_clear_timer(t->options.loop, &t->timer);
	loop_clear_timer(t->options.loop, &t->client_timer);
	doubts_free(t->doubts);
	spf_free(t->spf);
	spf_free(t->helo);
	dkim_free(t->dkim);
	arc_free(t->arc);
	dmarc_free(t->dmarc);
	head_deinit(&t->head);
	arena_reset(&t->arena);
	mem_free(t);
}
