/* do_names.c - domains, aliases and groups. */
#include "admin/do.h"

#include "auth/auth.h"
#include "base/idna.h"
#include "store/store.h"

/* --- domains --- */

/* By way of an address in it. */
int
do_domain_arg(struct run *r, struct buf *key, struct span *out)
{
	char storage[MAX_DOMAIN_BYTES + 3];
	struct buf address;
	int rc;

	buf_init_fixed(&address, storage, sizeof(storage));
	buf_put_str(&address, "x@");
	buf_put(&address, run_arg(r, "DOMAIN"));
	rc = buf_failed(&address) ? ERR_LIMIT : 0;
	if (rc == 0)
		rc = resolve_normalize(key, buf_span(&address));
	if (rc < 0)
		return run_error(r, rc, run_arg(r, "DOMAIN"));
	*out = span_sub(buf_span(key), 2, key->len);
	return 0;
}

int
do_domain_add_start(struct run *r)
{
	char storage[MAX_ADDRESS_BYTES];
	struct span name = { 0 };
	struct buf key;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	rc = do_domain_arg(r, &key, &name);
	if (rc == 0)
		rc = run_error(r, domain_create(r->admin->store, name), name);
	if (rc == 0) {
		run_note_change(r, name);
		run_say(r, "Mail for %.*s is now taken.", RUN_SPAN(name));
	}
	return rc;
}

/* The keys that signed for a domain are of no use without it, and a secret
 * that nobody needs is only a danger. */
static int
remove_keys(struct run *r, struct span domain)
{
	char storage[SIGNING_PLACE_BYTES];
	struct signing_key_view v;
	struct buf place;
	int rc = 0;

	buf_init_fixed(&place, storage, sizeof(storage));
	buf_put(&place, domain);
	buf_put_char(&place, '/');
	while (rc == 0 && signing_key_next(r->admin->store, &place, &v) == 0 &&
	       span_is(v.k.domain, domain)) {
		rc = signing_key_remove(r->admin->store, domain, v.k.selector);
		if (rc == 0)
			run_say(r,
			    "Its signing key %.*s is gone; the TXT record "
			    "%.*s._domainkey.%.*s can go from the DNS when "
			    "mail on its way has arrived.",
			    RUN_SPAN(v.k.selector), RUN_SPAN(v.k.selector),
			    RUN_SPAN(domain));
	}
	wipe(&v, sizeof(v));
	return rc < 0 ? run_error(r, rc, domain) : 0;
}

int
do_domain_del_start(struct run *r)
{
	char storage[MAX_ADDRESS_BYTES];
	struct span name = { 0 };
	struct buf key;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	rc = do_domain_arg(r, &key, &name);
	if (rc < 0)
		return rc;
	rc = domain_delete(r->admin->store, name);
	if (rc == ERR_BUSY) {
		run_fail(r,
		    "%.*s still has people or aliases: remove them "
		    "first (`tinpost user list`, `tinpost alias list`).",
		    RUN_SPAN(name));
		return rc;
	}
	if (rc < 0)
		return run_error(r, rc, name);
	run_note_change(r, name);
	return remove_keys(r, name);
}

/* A name in another script as people read it, too. */
static void
say_domain(struct run *r, struct span name)
{
	char storage[2 * MAX_DOMAIN_BYTES];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	idna_to_unicode(&b, name);
	if (span_is(buf_span(&b), name) || buf_failed(&b))
		run_say(r, "%.*s", RUN_SPAN(name));
	else
		run_say(
		    r, "%.*s  (%.*s)", RUN_SPAN(name), RUN_SPAN(buf_span(&b)));
}

int
do_domain_list_start(struct run *r)
{
	struct buf name;

	buf_init(&name, MAX_DOMAIN_BYTES);
	for (int i = 0; i < 500; i++) {
		if (domain_next(r->admin->store, &name) < 0)
			break;
		say_domain(r, buf_span(&name));
	}
	buf_deinit(&name);
	return 0;
}

/* --- aliases and groups --- */

/* A key in its normal form; "@domain" stays one. */
static int
normal_key(struct run *r, struct span given, struct buf *key)
{
	char storage[MAX_ADDRESS_BYTES + 1];
	struct buf full;
	int rc;

	if (given.len == 0 || given.p[0] != '@') {
		rc = resolve_normalize(key, given);
		return rc < 0 ? run_error(r, rc, given) : 0;
	}
	buf_init_fixed(&full, storage, sizeof(storage));
	buf_put_char(&full, 'x');
	buf_put(&full, given);
	rc = buf_failed(&full) ? ERR_LIMIT
	                       : resolve_normalize(key, buf_span(&full));
	if (rc < 0)
		return run_error(r, rc, given);
	buf_consume(key, 1);
	return 0;
}

/* Is there somebody behind a target? Of elsewhere the mail itself will tell. */
static int
check_target(struct run *r, struct span target)
{
	struct span domain =
	    span_sub(target, span_rfind(target, '@') + 1, target.len);
	struct resolved to;
	int rc;

	if (!resolve_is_local(r->admin->store, domain))
		return 0;
	resolved_init(&to);
	rc = resolve_recipient(r->admin->store, target, &to);
	resolved_deinit(&to);
	if (rc == ERR_NONE)
		run_fail(r, "There is nobody at %.*s: add that address first.",
		    RUN_SPAN(target));
	else if (rc < 0)
		return run_error(r, rc, target);
	return rc;
}

static int
add_target(struct run *r, struct span key, struct span given, bool is_dry)
{
	char storage[MAX_ADDRESS_BYTES + 1];
	struct buf target;
	int rc;

	buf_init_fixed(&target, storage, sizeof(storage));
	rc = normal_key(r, given, &target);
	if (rc == 0)
		rc = check_target(r, buf_span(&target));
	if (rc < 0 || is_dry)
		return rc;
	rc = address_add_target(r->admin->store, key, buf_span(&target));
	if (rc == ERR_EXISTS)
		return 0; /* it is where it should be */
	return run_error(r, rc, given);
}

static int
make(struct run *r, enum address_kind kind)
{
	char storage[MAX_ADDRESS_BYTES + 1];
	struct buf key;
	struct span k;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	rc = normal_key(r, run_arg(r, "ADDRESS"), &key);
	k = buf_span(&key);
	for (size_t i = 0; rc == 0 && i < r->args.n_many; i++)
		rc = add_target(r, k, r->args.many[i], true);
	if (rc < 0)
		return rc;
	rc = address_create_alias(r->admin->store, k, kind);
	if (rc == ERR_NONE) {
		run_fail(r,
		    "The domain of %.*s is not of this server; "
		    "`tinpost domain add` makes it one.",
		    RUN_SPAN(k));
		return rc;
	}
	if (rc < 0)
		return run_error(r, rc, k);
	for (size_t i = 0; rc == 0 && i < r->args.n_many; i++)
		rc = add_target(r, k, r->args.many[i], false);
	if (rc == 0) {
		run_note_change(r, k);
		run_say(r, "Added %.*s.", RUN_SPAN(k));
	}
	return rc;
}

int
do_alias_add_start(struct run *r)
{
	return make(r, ADDRESS_ALIAS);
}

int
do_group_add_start(struct run *r)
{
	return make(r, ADDRESS_GROUP);
}

int
do_alias_del_start(struct run *r)
{
	char storage[MAX_ADDRESS_BYTES + 1];
	struct buf key;
	struct span k;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	rc = normal_key(r, run_arg(r, "ADDRESS"), &key);
	if (rc < 0)
		return rc;
	k = buf_span(&key);
	do {
		rc = address_delete(r->admin->store, k);
	} while (rc == ERR_AGAIN); /* at most MAX_TARGETS / 60 times */
	if (rc == ERR_DENIED)
		run_fail(r,
		    "%.*s is a person: `tinpost user del` removes "
		    "people.",
		    RUN_SPAN(k));
	else if (rc < 0)
		return run_error(r, rc, k);
	else
		run_note_change(r, k);
	return rc;
}

static int
change_members(struct run *r, bool is_add)
{
	char storage[MAX_ADDRESS_BYTES + 1], storage2[MAX_ADDRESS_BYTES + 1];
	struct buf key, target;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	rc = normal_key(r, run_arg(r, "ADDRESS"), &key);
	for (size_t i = 0; rc == 0 && i < r->args.n_many; i++) {
		struct span given = r->args.many[i];

		if (is_add) {
			rc = add_target(r, buf_span(&key), given, false);
			continue;
		}
		buf_init_fixed(&target, storage2, sizeof(storage2));
		rc = normal_key(r, given, &target);
		if (rc == 0)
			rc = run_error(r,
			    address_remove_target(r->admin->store,
			        buf_span(&key), buf_span(&target)),
			    given);
	}
	if (rc == 0)
		run_note_change(r, buf_span(&key));
	return rc;
}

int
do_member_add_start(struct run *r)
{
	return change_members(r, true);
}

int
do_member_del_start(struct run *r)
{
	return change_members(r, false);
}

/* --- lists of them --- */

struct names_state {
	enum address_kind kind;
	size_t key_len;
	char key[MAX_ADDRESS_BYTES + 1];
};

static int
list_start(struct run *r, enum address_kind kind)
{
	struct names_state *st = run_new_state(r, sizeof(*st));

	if (!st)
		return ERR_NOMEM;
	st->kind = kind;
	return 0;
}

int
do_alias_list_start(struct run *r)
{
	return list_start(r, ADDRESS_ALIAS);
}

int
do_group_list_start(struct run *r)
{
	return list_start(r, ADDRESS_GROUP);
}

static void
put_targets(struct run *r, struct span key)
{
	struct buf target;
	struct buf *b = run_begin(r, FRAME_TEXT);

	buf_init(&target, MAX_ADDRESS_BYTES);
	buf_put(b, key);
	/* What does not fit a frame is told, not dropped silently. */
	while (address_next_target(r->admin->store, key, &target) == 0) {
		if (b->len - r->frame_start > MAX_FRAME_BYTES - 1024) {
			buf_put_str(b, " and more");
			break;
		}
		buf_put_char(b, ' ');
		buf_put(b, buf_span(&target));
	}
	buf_put_char(b, '\n');
	run_end(r);
	buf_deinit(&target);
}

enum run_step
do_alias_list_step(struct run *r)
{
	struct names_state *st = r->state;
	struct address_entry e;
	struct buf key;
	int rc = 0;

	buf_init(&key, sizeof(st->key));
	buf_put(&key, span_of(st->key, st->key_len));
	for (int i = 0; i < 50 && r->out.len < RUN_OUT_HIGH; i++) {
		rc = address_next(r->admin->store, &key, &e);
		if (rc < 0)
			break;
		if (e.kind == st->kind)
			put_targets(r, buf_span(&key));
	}
	st->key_len = key.len < sizeof(st->key) ? key.len : sizeof(st->key);
	memcpy(st->key, key.p ? key.p : "", st->key_len);
	buf_deinit(&key);
	if (rc < 0 && rc != ERR_NONE)
		run_error(r, rc, SPAN("The list"));
	return rc < 0 ? RUN_DONE : RUN_MORE;
}
