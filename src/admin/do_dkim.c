/* do_dkim.c - keys with which a domain's mail is signed, and their records. */
#include "admin/do.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/store.h"
#include "trust/trust.h"

/* RFC 1035 3.3: a string of a TXT record. */
#define MAX_STRING 255
#define MAX_RECORD 800

/* A key that is being made. */
struct dkim_making {
	struct rsa_make *rsa;
	struct buf key;
	enum signing_state becomes;
	size_t n_domain, n_selector;
	char domain[MAX_ADDRESS_BYTES];
	char selector[DKIM_MAX_SELECTOR];
};

static int
find(struct run *r, struct span domain, enum signing_state state,
    struct signing_key_view *v)
{
	return signing_key_find(r->admin->store, domain, state, v);
}

static bool
has(struct run *r, struct span domain, enum signing_state state)
{
	struct signing_key_view v;
	bool is_there = find(r, domain, state, &v) == 0;

	wipe(&v, sizeof(v));
	return is_there;
}

/* --- records --- */

/* The record's text as strings of at most 255 bytes, as a zone file has it. */
static void
put_strings(struct buf *b, struct span text)
{
	while (text.len > 0) {
		buf_put_str(b, " \"");
		buf_put(b, span_sub(text, 0, MAX_STRING));
		buf_put_char(b, '"');
		text = span_sub(text, MAX_STRING, text.len);
	}
}

static void
say_record(struct run *r, const struct signing_key *k)
{
	char storage[MAX_RECORD];
	struct buf record, *b;
	int rc;

	buf_init_fixed(&record, storage, sizeof(storage));
	rc = dkim_sign_put_record(k->key, &record);
	if (rc < 0) {
		run_error(r, rc, k->selector);
		return;
	}
	run_say(r, "For a web form of your DNS provider:");
	run_say(r, "  name   %.*s._domainkey.%.*s", RUN_SPAN(k->selector),
	    RUN_SPAN(k->domain));
	run_say(r, "  type   TXT");
	run_say(r, "  value  %.*s", RUN_SPAN(buf_span(&record)));
	run_say(r, "The same for a zone file:");
	b = run_begin(r, FRAME_TEXT);
	buf_put(b, k->selector);
	buf_put_str(b, "._domainkey.");
	buf_put(b, k->domain);
	buf_put_str(b, ". 3600 IN TXT (");
	put_strings(b, buf_span(&record));
	buf_put_str(b, " )\n");
	run_end(r);
}

/* --- making --- */

static void
draw_selector(struct dkim_making *m)
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint8_t random[6];

	rand_bytes(random, sizeof(random));
	m->selector[0] = 't';
	m->selector[1] = 'p';
	for (size_t i = 0; i < sizeof(random); i++)
		m->selector[2 + i] = digits[random[i] & 31];
	m->n_selector = 2 + sizeof(random);
}

static int
choose_selector(struct run *r, struct dkim_making *m)
{
	struct span given = run_arg(r, "--selector");
	struct signing_key_view v;
	char storage[SIGNING_PLACE_BYTES];
	struct buf place;

	if (given.len == 0) {
		draw_selector(m);
		return 0;
	}
	/* Its record was published: another key there would make mail on its
	 * way look forged. */
	buf_init_fixed(&place, storage, sizeof(storage));
	buf_put(&place, span_of(m->domain, m->n_domain));
	buf_put_char(&place, '/');
	while (signing_key_next(r->admin->store, &place, &v) == 0) {
		bool is_same =
		    span_is(v.k.selector, given) &&
		    span_is(v.k.domain, span_of(m->domain, m->n_domain));

		wipe(&v, sizeof(v));
		if (is_same) {
			run_fail(
			    r, "There is a key %.*s already.", RUN_SPAN(given));
			return ERR_EXISTS;
		}
	}
	if (given.len > sizeof(m->selector))
		return run_error(r, ERR_INVALID, given);
	memcpy(m->selector, given.p, given.len);
	m->n_selector = given.len;
	return 0;
}

static int
begin_making(struct run *r, struct span domain, enum signing_state becomes)
{
	struct dkim_making *m = run_new_state(r, sizeof(*m));
	int rc;

	if (m == NULL)
		return ERR_NOMEM;
	buf_init(&m->key, RSA_MAX_DER_BYTES);
	m->becomes = becomes;
	m->n_domain = domain.len;
	memcpy(m->domain, domain.p, domain.len);
	rc = choose_selector(r, m);
	if (rc == 0) {
		rc = rsa_make_new(&m->rsa);
		if (rc < 0)
			run_error(r, rc, domain);
	}
	return rc;
}

/* The domain argument, which must be ours. */
static int
own_domain(struct run *r, struct buf *key, struct span *out)
{
	int rc = do_domain_arg(r, key, out);

	if (rc == 0 && !domain_exists(r->admin->store, *out)) {
		run_fail(r,
		    "%.*s is not a domain of this server; `tinpost "
		    "domain add` makes it one.",
		    RUN_SPAN(*out));
		rc = ERR_NONE;
	}
	return rc;
}

int
do_dkim_add_start(struct run *r)
{
	char storage[MAX_ADDRESS_BYTES];
	struct span domain = { 0 };
	struct buf key;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	rc = own_domain(r, &key, &domain);
	if (rc < 0)
		return rc;
	if (has(r, domain, SIGNING_ACTIVE)) {
		run_fail(r,
		    "Mail of %.*s is signed already: `tinpost dkim "
		    "rotate` makes another key.",
		    RUN_SPAN(domain));
		return ERR_EXISTS;
	}
	return begin_making(r, domain, SIGNING_ACTIVE);
}

static void
say_made(struct run *r, const struct signing_key *k)
{
	if (k->state == SIGNING_ACTIVE)
		run_say(r,
		    "Mail from %.*s is signed from now on, and is believed "
		    "once this record is in its DNS:",
		    RUN_SPAN(k->domain));
	else
		run_say(r,
		    "A new key for %.*s. Put its record into the DNS, beside "
		    "the old one; an hour later, `tinpost dkim rotate "
		    "%.*s` again begins to sign with it:",
		    RUN_SPAN(k->domain), RUN_SPAN(k->domain));
	say_record(r, k);
}

enum run_step
do_dkim_add_step(struct run *r)
{
	struct dkim_making *m = r->state;
	struct signing_key k;
	int rc;

	if (m == NULL) /* a rotation that was done at once */
		return RUN_DONE;
	rc = rsa_make_step(m->rsa, &m->key);
	if (rc == 1)
		return RUN_MORE;
	/* Another command may have made one meanwhile. */
	if (has(r, span_of(m->domain, m->n_domain), SIGNING_ACTIVE))
		m->becomes = SIGNING_WAITING;
	k = (struct signing_key){ .domain = span_of(m->domain, m->n_domain),
		.selector = span_of(m->selector, m->n_selector),
		.state = m->becomes,
		.created_s = clock_wall_s(),
		.key = buf_span(&m->key) };
	if (rc == 0)
		rc = signing_key_put(r->admin->store, &k);
	if (rc < 0) {
		run_error(r, rc, k.selector);
		return RUN_DONE;
	}
	run_note_change(r, k.domain);
	say_made(r, &k);
	return RUN_DONE;
}

void
do_dkim_add_stop(struct run *r)
{
	struct dkim_making *m = r->state;

	if (m == NULL)
		return;
	rsa_make_free(m->rsa);
	buf_wipe(&m->key);
}

/* --- the change of keys, in two steps with time between --- */

static int
change_state(struct run *r, struct signing_key_view *v, enum signing_state to)
{
	v->k.state = to;
	return signing_key_put(r->admin->store, &v->k);
}

/* The waiting key signs from now on; the one before stays published. */
static int
take_over(struct run *r, struct signing_key_view *next)
{
	struct span domain = next->k.domain;
	struct signing_key_view old;
	int rc = find(r, domain, SIGNING_ACTIVE, &old);
	bool has_old = rc == 0;

	if (has_old)
		rc = change_state(r, &old, SIGNING_OLD);
	if (rc == 0 || rc == ERR_NONE)
		rc = change_state(r, next, SIGNING_ACTIVE);
	if (rc < 0) {
		run_error(r, rc, domain);
	} else {
		run_note_change(r, domain);
		run_say(r, "%.*s signs for %.*s now.",
		    RUN_SPAN(next->k.selector), RUN_SPAN(domain));
		if (has_old)
			run_say(r,
			    "Leave the record of %.*s in the DNS for two "
			    "weeks, for mail on its way; then take it out, "
			    "and `tinpost dkim remove %.*s %.*s`.",
			    RUN_SPAN(old.k.selector), RUN_SPAN(domain),
			    RUN_SPAN(old.k.selector));
	}
	wipe(&old, sizeof(old));
	return rc;
}

int
do_dkim_rotate_start(struct run *r)
{
	char storage[MAX_ADDRESS_BYTES];
	struct span domain = { 0 };
	struct signing_key_view next;
	struct buf key;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	rc = own_domain(r, &key, &domain);
	if (rc < 0)
		return rc;
	rc = find(r, domain, SIGNING_WAITING, &next);
	if (rc == ERR_NONE)
		return begin_making(r, domain,
		    has(r, domain, SIGNING_ACTIVE) ? SIGNING_WAITING
		                                   : SIGNING_ACTIVE);
	rc = rc == 0 ? take_over(r, &next) : run_error(r, rc, domain);
	wipe(&next, sizeof(next));
	return rc;
}

int
do_dkim_remove_start(struct run *r)
{
	char storage[MAX_ADDRESS_BYTES];
	struct span domain = { 0 }, selector = run_arg(r, "SELECTOR");
	struct signing_key_view v;
	struct buf key;
	bool is_active;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	rc = do_domain_arg(r, &key, &domain);
	if (rc < 0)
		return rc;
	is_active = find(r, domain, SIGNING_ACTIVE, &v) == 0 &&
	            span_is(v.k.selector, selector);
	wipe(&v, sizeof(v));
	if (is_active && !args_has(&r->args, "--yes")) {
		run_fail(r,
		    "%.*s signs the mail of %.*s, which would go unsigned "
		    "then: --yes if that is meant.",
		    RUN_SPAN(selector), RUN_SPAN(domain));
		return ERR_DENIED;
	}
	rc = signing_key_remove(r->admin->store, domain, selector);
	if (rc < 0)
		return run_error(r, rc, selector);
	run_note_change(r, domain);
	return 0;
}

/* --- looking --- */

static const char *const state_words[] = { "waits for its record", "signs",
	"old" };

static void
say_time(struct buf *b, int64_t wall_s)
{
	struct civil c = clock_civil(wall_s);

	buf_put_padded(b, (uint64_t)c.year, 4);
	buf_put_char(b, '-');
	buf_put_padded(b, (uint64_t)c.month, 2);
	buf_put_char(b, '-');
	buf_put_padded(b, (uint64_t)c.day, 2);
}

static void
say_key(struct run *r, const struct signing_key *k)
{
	struct buf *b = run_begin(r, FRAME_TEXT);

	buf_put(b, k->domain);
	buf_put_char(b, ' ');
	buf_put(b, k->selector);
	buf_put_str(b, " made ");
	say_time(b, k->created_s);
	buf_put_str(b, ", ");
	buf_put_str(b, state_words[k->state]);
	buf_put_char(b, '\n');
	run_end(r);
}

/* Those of one domain with their records, or all without (empty). */
static int
say_keys(struct run *r, struct span domain)
{
	char storage[SIGNING_PLACE_BYTES];
	struct signing_key_view v;
	struct buf place;
	int n = 0;

	buf_init_fixed(&place, storage, sizeof(storage));
	if (domain.len > 0) {
		buf_put(&place, domain);
		buf_put_char(&place, '/');
	}
	while (n < 500 && r->out.len < RUN_OUT_HIGH &&
	       signing_key_next(r->admin->store, &place, &v) == 0) {
		if (domain.len > 0 && !span_is(v.k.domain, domain))
			break;
		say_key(r, &v.k);
		if (domain.len > 0)
			say_record(r, &v.k);
		n++;
	}
	wipe(&v, sizeof(v));
	return n;
}

int
do_dkim_list_start(struct run *r)
{
	say_keys(r, SPAN(""));
	return 0;
}

int
do_dkim_show_start(struct run *r)
{
	char storage[MAX_ADDRESS_BYTES];
	struct span domain = { 0 };
	struct buf key;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	rc = do_domain_arg(r, &key, &domain);
	if (rc < 0)
		return rc;
	if (say_keys(r, domain) > 0)
		return 0;
	run_fail(r, "%.*s has no keys: `tinpost dkim add %.*s` makes one.",
	    RUN_SPAN(domain), RUN_SPAN(domain));
	return ERR_NONE;
}
