/* do_user.c - people and owners, and their passwords. */
#include "admin/do.h"

#include "admin/quantity.h"
#include "admin/settings.h"
#include "auth/auth.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/store.h"

/* --- a password on its way: shared by user add and user password --- */

struct user_state {
	struct password *password;
	uint32_t account; /* whose it will be; 0: a new one's */
	bool is_from_file;
	uint32_t n_added;
	size_t line_number;
	struct buf input; /* of --from-file, unread lines */
	struct buf address, name;
};

#define MAX_INPUT_BYTES (2 * MAX_FRAME_BYTES)

static struct user_state *
state_new(struct run *r)
{
	struct user_state *st = run_new_state(r, sizeof(*st));

	if (st) {
		buf_init(&st->input, MAX_INPUT_BYTES);
		buf_init(&st->address, MAX_ADDRESS_BYTES);
		buf_init(&st->name, MAX_ACCOUNT_NAME_BYTES);
	}
	return st;
}

void
do_user_password_stop(struct run *r)
{
	struct user_state *st = r->state;

	password_free(st->password);
	buf_wipe(&st->input);
	buf_deinit(&st->address);
	buf_deinit(&st->name);
}

void
do_user_add_stop(struct run *r)
{
	do_user_password_stop(r);
}

static int
hash_begin(struct run *r, struct user_state *st, struct span password)
{
	int rc = password_new(
	    r->admin->auth, password, r->wake, r->owner, &st->password);

	if (rc == ERR_INVALID || rc == ERR_LIMIT)
		run_fail(r,
		    "A password is 1 to %d bytes of UTF-8 without "
		    "control characters.",
		    MAX_PASSWORD_BYTES);
	else if (rc < 0)
		run_fail(r, "Too many passwords are being worked on: try "
		            "again in a moment.");
	return rc;
}

/* --- user add --- */

static int
set_address(struct run *r, struct user_state *st, struct span address)
{
	struct address_entry e;
	struct span key, domain;
	int rc;

	buf_reset(&st->address);
	rc = resolve_normalize(&st->address, address);
	if (rc < 0) {
		run_fail(r, "\"%.*s\" is no address.", RUN_SPAN(address));
		return rc;
	}
	key = buf_span(&st->address);
	domain = span_sub(key, span_rfind(key, '@') + 1, key.len);
	if (!domain_exists(r->admin->store, domain)) {
		run_fail(r,
		    "%.*s is not a domain of this server; `tinpost "
		    "domain add %.*s` makes it one.",
		    RUN_SPAN(domain), RUN_SPAN(domain));
		return ERR_NONE;
	}
	if (address_lookup(r->admin->store, key, &e) == 0)
		return run_error(r, ERR_EXISTS, key);
	return 0;
}

static uint64_t
new_quota(struct run *r)
{
	struct settings st;

	if (run_arg(r, "--quota").p)
		return args_number(&r->args, "--quota");
	settings_load(&st, r->admin->store);
	return st.n[SET_STORE_QUOTA];
}

static int
create(struct run *r, struct user_state *st, const struct scram_secret *secret)
{
	struct account_new n = {
		.address = buf_span(&st->address),
		.name = buf_span(&st->name),
		.quota_bytes = new_quota(r),
		.flags = run_arg(r, "--owner").p ? ACCOUNT_OWNER : 0,
		.secret = *secret,
	};
	uint32_t id;
	int rc = account_create(r->admin->store, &n, &id);

	if (rc < 0)
		return run_error(r, rc, n.address);
	run_note_change(r, n.address);
	st->n_added++;
	return 0;
}

int
do_user_add_start(struct run *r)
{
	struct user_state *st = state_new(r);
	struct span address = run_arg(r, "ADDRESS");
	int rc;

	if (!st)
		return ERR_NOMEM;
	if (run_arg(r, "--from-stream").p) {
		st->is_from_file = true;
		return 0;
	}
	if (!address.p) {
		run_fail(r, "Whom? `tinpost user add ADDRESS`, or --from-file "
		            "FILE for many.");
		return ERR_SYNTAX;
	}
	rc = set_address(r, st, address);
	if (rc < 0)
		return rc;
	buf_put(&st->name, run_arg(r, "--name"));
	return hash_begin(r, st, buf_span(&r->password));
}

int
do_user_add_feed(struct run *r, enum frame_type type, struct span payload)
{
	struct user_state *st = r->state;

	if (type == FRAME_END || type == FRAME_ITEM_END)
		return 0;
	if (type != FRAME_DATA || !st->is_from_file)
		return ERR_SYNTAX;
	if (st->input.len + payload.len > MAX_INPUT_BYTES)
		return ERR_AGAIN;
	buf_put(&st->input, payload);
	return buf_failed(&st->input) ? ERR_NOMEM : 0;
}

/* One line of --from-file: address TAB password [TAB name]. */
static int
take_line(struct run *r, struct user_state *st, struct span line)
{
	struct span address, password;
	int rc;

	st->line_number++;
	line = span_trim(line);
	if (line.len == 0 || line.p[0] == '#')
		return 0;
	address = span_split(&line, '\t');
	password = span_split(&line, '\t');
	rc = set_address(r, st, address);
	buf_reset(&st->name);
	if (rc == 0 && !utf8_is_valid(line))
		rc = ERR_INVALID;
	buf_put(&st->name, line);
	if (rc == 0)
		rc = hash_begin(r, st, password);
	if (rc < 0)
		run_fail(r,
		    "Line %zu was not taken: each is ADDRESS, a tab, "
		    "the password and, after another tab, the name.",
		    st->line_number);
	return rc;
}

static enum run_step
next_line(struct run *r, struct user_state *st)
{
	struct span all = buf_span(&st->input), line = all;
	size_t len = span_find(all, '\n');
	int rc;

	if (len == all.len && !r->has_input_ended) {
		if (len < MAX_INPUT_BYTES)
			return RUN_WAIT;
		run_fail(r, "Line %zu is too long.", st->line_number + 1);
		return RUN_DONE;
	}
	if (all.len == 0) {
		run_say(r, "Added %u people.", (unsigned)st->n_added);
		return RUN_DONE;
	}
	line.len = len;
	rc = take_line(r, st, line);
	buf_consume(&st->input, len < all.len ? len + 1 : len);
	return rc < 0 ? RUN_DONE : RUN_MORE;
}

enum run_step
do_user_add_step(struct run *r)
{
	struct user_state *st = r->state;
	struct scram_secret secret;
	int rc;

	if (!st->password)
		return next_line(r, st);
	rc = password_poll(st->password, &secret);
	if (rc == ERR_AGAIN)
		return RUN_WAIT;
	password_free(st->password);
	st->password = NULL;
	if (rc == 0)
		rc = create(r, st, &secret);
	wipe(&secret, sizeof(secret));
	if (st->is_from_file && rc == 0)
		return RUN_MORE;
	if (rc == 0)
		run_say(r, "Added %.*s.", RUN_SPAN(buf_span(&st->address)));
	return RUN_DONE;
}

/* --- user password; owner password begins it too --- */

int
do_user_password_start(struct run *r)
{
	struct user_state *st = state_new(r);
	int rc;

	if (!st)
		return ERR_NOMEM;
	rc = run_find_person(r, run_arg(r, "ADDRESS"), &st->account);
	if (rc < 0)
		return rc;
	buf_put(&st->address, run_arg(r, "ADDRESS"));
	return hash_begin(r, st, buf_span(&r->password));
}

static int
find_only_owner(struct run *r, struct account_view *v)
{
	uint32_t id = 0, found = 0;

	while (account_next(r->admin->store, &id) == 0) {
		if (account_get(r->admin->store, id, v) == 0 &&
		    (v->flags & ACCOUNT_OWNER)) {
			if (found) {
				run_fail(r,
				    "There are several owners (`tinpost "
				    "owner list`): say whose password.");
				return ERR_INVALID;
			}
			found = id;
		}
		id++;
	}
	if (!found || account_get(r->admin->store, found, v) < 0) {
		run_fail(r, "There is no owner: `tinpost owner add ADDRESS` "
		            "makes a person one.");
		return ERR_NONE;
	}
	return 0;
}

int
do_owner_password_start(struct run *r)
{
	struct user_state *st;
	struct account_view v;
	int rc;

	if (run_arg(r, "ADDRESS").p)
		return do_user_password_start(r);
	rc = find_only_owner(r, &v);
	if (rc < 0)
		return rc;
	st = state_new(r);
	if (!st)
		return ERR_NOMEM;
	st->account = v.id;
	buf_put(&st->address, v.address);
	return hash_begin(r, st, buf_span(&r->password));
}

enum run_step
do_user_password_step(struct run *r)
{
	struct user_state *st = r->state;
	struct span who = buf_span(&st->address);
	struct scram_secret secret;
	int rc = password_poll(st->password, &secret);

	if (rc == ERR_AGAIN)
		return RUN_WAIT;
	if (rc == 0)
		rc =
		    account_set_password(r->admin->store, st->account, &secret);
	wipe(&secret, sizeof(secret));
	if (rc < 0) {
		run_error(r, rc, who);
		return RUN_DONE;
	}
	auth_forget_account(r->admin->auth, st->account);
	run_note_change(r, who);
	run_say(r, "The password of %.*s was changed.", RUN_SPAN(who));
	return RUN_DONE;
}

/* --- the short ones --- */

int
do_user_del_start(struct run *r)
{
	struct span who = run_arg(r, "ADDRESS");
	uint32_t id;
	int rc = run_find_person(r, who, &id);

	if (rc < 0)
		return rc;
	if (!run_arg(r, "--yes").p) {
		run_fail(r,
		    "This removes %.*s with all mail, for good. Say "
		    "--yes if that is meant; `tinpost export` keeps "
		    "a copy before.",
		    RUN_SPAN(who));
		return ERR_DENIED;
	}
	rc = account_delete(r->admin->store, id);
	if (rc < 0)
		return run_error(r, rc, who);
	auth_forget_account(r->admin->auth, id);
	run_note_change(r, who);
	run_say(r, "Removed %.*s.", RUN_SPAN(who));
	return 0;
}

int
do_user_quota_start(struct run *r)
{
	struct span who = run_arg(r, "ADDRESS");
	uint32_t id;
	int rc = run_find_person(r, who, &id);

	if (rc == 0)
		rc = run_error(r,
		    account_set_quota(
		        r->admin->store, id, args_number(&r->args, "SIZE")),
		    who);
	if (rc == 0)
		run_note_change(r, who);
	return rc;
}

int
do_user_rename_start(struct run *r)
{
	struct span who = run_arg(r, "ADDRESS");
	uint32_t id;
	int rc = run_find_person(r, who, &id);

	if (rc == 0)
		rc = run_error(r,
		    account_set_name(r->admin->store, id, run_arg(r, "NAME")),
		    who);
	if (rc == 0)
		run_note_change(r, who);
	return rc;
}

static int
change_flag(struct run *r, uint32_t flag, bool is_set)
{
	struct span who = run_arg(r, "ADDRESS");
	struct account_view v;
	uint32_t id;
	int rc = run_find_person(r, who, &id);

	if (rc < 0)
		return rc;
	rc = account_get(r->admin->store, id, &v);
	if (rc == 0)
		rc = account_set_flags(r->admin->store, id,
		    is_set ? v.flags | flag : v.flags & ~flag);
	if (rc < 0)
		return run_error(r, rc, who);
	auth_forget_account(r->admin->auth, id);
	run_note_change(r, who);
	return 0;
}

int
do_user_disable_start(struct run *r)
{
	return change_flag(r, ACCOUNT_DISABLED, true);
}

int
do_user_enable_start(struct run *r)
{
	return change_flag(r, ACCOUNT_DISABLED, false);
}

int
do_owner_add_start(struct run *r)
{
	return change_flag(r, ACCOUNT_OWNER, true);
}

int
do_owner_del_start(struct run *r)
{
	return change_flag(r, ACCOUNT_OWNER, false);
}

/* --- lists --- */

struct list_state {
	uint32_t id;
	bool is_owners;
};

static void
put_person(struct run *r, const struct account_view *v)
{
	struct buf *b = run_begin(r, FRAME_TEXT);
	uint64_t bytes = 0;
	uint32_t messages = 0;

	if (account_usage(r->admin->store, v->id, &bytes, &messages) < 0)
		bytes = 0;
	buf_put(b, v->address);
	buf_putf(b, "\t%u messages\t", (unsigned)messages);
	quantity_put_size(b, bytes);
	buf_put_str(b, " of ");
	if (v->quota_bytes > 0)
		quantity_put_size(b, v->quota_bytes);
	else
		buf_put_str(b, "any");
	buf_put_str(b, v->flags & ACCOUNT_OWNER ? "\towner" : "");
	buf_put_str(b, v->flags & ACCOUNT_DISABLED ? "\tdisabled" : "");
	if (v->name.len > 0)
		buf_put_char(b, '\t');
	buf_put(b, v->name);
	buf_put_char(b, '\n');
	run_end(r);
}

int
do_user_list_start(struct run *r)
{
	return run_new_state(r, sizeof(struct list_state)) ? 0 : ERR_NOMEM;
}

int
do_owner_list_start(struct run *r)
{
	struct list_state *st = run_new_state(r, sizeof(*st));

	if (!st)
		return ERR_NOMEM;
	st->is_owners = true;
	return 0;
}

enum run_step
do_user_list_step(struct run *r)
{
	struct list_state *st = r->state;
	struct account_view v;

	for (int i = 0; i < 50; i++) {
		if (account_next(r->admin->store, &st->id) < 0)
			return RUN_DONE;
		if (account_get(r->admin->store, st->id, &v) == 0 &&
		    (!st->is_owners || (v.flags & ACCOUNT_OWNER)))
			put_person(r, &v);
		st->id++;
	}
	return RUN_MORE;
}
