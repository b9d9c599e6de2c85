#include "imap/imap_session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

const struct imap_env imap_defaults = {
	.allows_plain = false,
	.allows_plain_loopback = true,
	.is_literal_minus = false,
	.idle_s = 1800,
	.login_s = 600,
	.auth_wait_s = 120,
	.max_errors = 20,
	.max_failures = 5,
	.max_message_bytes = 50 * 1024 * 1024,
};

bool
imap_allows_plain(const struct imap *i)
{
	return conn_is_tls(i->conn) || i->env->allows_plain ||
	       (i->env->allows_plain_loopback &&
	           peer_is_loopback(conn_peer(i->conn)));
}

size_t
imap_max_command(const struct imap *i)
{
	return i->state == IMAP_NOT_AUTHENTICATED ? IMAP_LOGIN_BYTES
	                                          : IMAP_COMMAND_BYTES;
}

void
imap_start_job(struct imap *i, const struct imap_job *job, void *task)
{
	i->job = job;
	i->task = task;
}

static void
end_job(struct imap *i)
{
	if (i->job != NULL && i->job->free != NULL)
		i->job->free(i);
	i->job = NULL;
	i->task = NULL;
}

void
imap_bye(struct imap *i, const char *text)
{
	struct buf *out = conn_out(i->conn);

	buf_put_str(out, "* BYE ");
	buf_put_str(out, text);
	buf_put_str(out, "\r\n");
	i->state = IMAP_LOGGED_OUT;
	conn_close(i->conn);
}

void
imap_enable_condstore(struct imap *i)
{
	struct buf *out = conn_out(i->conn);

	if (i->enabled & IMAP_CONDSTORE)
		return;
	i->enabled |= IMAP_CONDSTORE;
	if (i->view == NULL)
		return;
	buf_put_str(out, "* OK [HIGHESTMODSEQ "); /* RFC 7162 3.1 */
	buf_put_u64(out, i->view->seen_modseq);
	buf_put_str(out, "] CONDSTORE is on\r\n");
}

/* --- commands --- */

#define IN(state)    (1u << (state))
#define BEFORE_LOGIN IN(IMAP_NOT_AUTHENTICATED)
#define SELECTED     IN(IMAP_SELECTED)
#define AFTER_LOGIN  (IN(IMAP_AUTHENTICATED) | SELECTED)
#define ANY          (BEFORE_LOGIN | AFTER_LOGIN)

/* Names or passwords follow: refused where they would travel in the clear,
 * and wiped. */
#define PLAIN 0x01u
/* Takes no arguments (but behind UID). */
#define BARE 0x02u
/* May stand behind UID (RFC 9051 6.4.9). */
#define UID 0x04u
/* Changes the selected mailbox: not after EXAMINE. */
#define WRITES 0x08u
/* Does not tell EXPUNGE, but behind UID (RFC 9051 7.5.1). */
#define NO_EXPUNGE 0x10u
/* What it can is told before login too. */
#define EARLY 0x20u

struct imap_cmd {
	struct span name;
	unsigned states;
	unsigned flags;
	imap_run run;
	const char *capabilities; /* that it brings; NULL: none of its own */
};

/* clang-format off */
static const struct imap_cmd cmds[] = {
	/* name                 states        flags  run              capabilities */
	{ SPAN("CAPABILITY"),   ANY,          BARE,  imap_capability, NULL },            /* RFC 9051 6.1.1 */
	{ SPAN("NOOP"),         ANY,          BARE,  imap_noop,       NULL },            /* RFC 9051 6.1.2 */
	{ SPAN("LOGOUT"),       ANY,          BARE,  imap_logout,     NULL },            /* RFC 9051 6.1.3 */
	{ SPAN("ID"),           ANY,          EARLY, imap_id,         "ID" },            /* RFC 2971 3.1 */
	{ SPAN("STARTTLS"),     BEFORE_LOGIN, BARE,  imap_starttls,   NULL },            /* RFC 9051 6.2.1 */
	{ SPAN("AUTHENTICATE"), BEFORE_LOGIN, EARLY, imap_authenticate, "SASL-IR" },     /* RFC 9051 6.2.2 */
	{ SPAN("LOGIN"),        BEFORE_LOGIN, PLAIN, imap_login,      NULL },            /* RFC 9051 6.2.3 */
	{ SPAN("ENABLE"),       AFTER_LOGIN,  EARLY, imap_enable,     "ENABLE" },        /* RFC 9051 6.3.1 */
	{ SPAN("IDLE"),         AFTER_LOGIN,  BARE | EARLY, imap_idle, "IDLE" },         /* RFC 9051 6.3.13 */
	{ SPAN("CREATE"),       AFTER_LOGIN,  0,     imap_create,     "CREATE-SPECIAL-USE" }, /* RFC 9051 6.3.4 */
	{ SPAN("DELETE"),       AFTER_LOGIN,  0,     imap_delete,     NULL },            /* RFC 9051 6.3.5 */
	{ SPAN("RENAME"),       AFTER_LOGIN,  0,     imap_rename,     NULL },            /* RFC 9051 6.3.6 */
	{ SPAN("SUBSCRIBE"),    AFTER_LOGIN,  0,     imap_subscribe,  NULL },            /* RFC 9051 6.3.7 */
	{ SPAN("UNSUBSCRIBE"),  AFTER_LOGIN,  0,     imap_unsubscribe, NULL },           /* RFC 9051 6.3.8 */
	{ SPAN("LIST"),         AFTER_LOGIN,  0,     imap_list,
	    "CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE" },                          /* RFC 9051 6.3.9, RFC 3348 3 */
	{ SPAN("LSUB"),         AFTER_LOGIN,  0,     imap_lsub,       NULL },            /* RFC 3501 6.3.9 */
	{ SPAN("NAMESPACE"),    AFTER_LOGIN,  BARE,  imap_namespace,  "NAMESPACE" },     /* RFC 9051 6.3.10 */
	{ SPAN("STATUS"),       AFTER_LOGIN,  0,     imap_status,     "STATUS=SIZE" },   /* RFC 9051 6.3.11 */
	{ SPAN("GETQUOTA"),     AFTER_LOGIN,  0,     imap_getquota,
	    "QUOTA QUOTA=RES-STORAGE" },                                                 /* RFC 9208 4.1.1 */
	{ SPAN("GETQUOTAROOT"), AFTER_LOGIN,  0,     imap_getquotaroot, NULL },          /* RFC 9208 4.1.2 */
	{ SPAN("SETQUOTA"),     AFTER_LOGIN,  0,     imap_setquota,   NULL },            /* RFC 9208 4.1.3 */
	{ SPAN("APPEND"),       AFTER_LOGIN,  0,     imap_append,     "MULTIAPPEND UIDPLUS UTF8=ACCEPT" }, /* RFC 9051 6.3.12 */
	{ SPAN("SELECT"),       AFTER_LOGIN,  0,     imap_select,     "CONDSTORE QRESYNC" }, /* RFC 9051 6.3.2 */
	{ SPAN("EXAMINE"),      AFTER_LOGIN,  0,     imap_examine,    NULL },            /* RFC 9051 6.3.3 */
	{ SPAN("CLOSE"),        SELECTED,     BARE,  imap_close,      NULL },            /* RFC 9051 6.4.1 */
	{ SPAN("UNSELECT"),     SELECTED,     BARE,  imap_unselect,   "UNSELECT" },      /* RFC 9051 6.4.2, RFC 3691 2 */
	{ SPAN("EXPUNGE"),      SELECTED,     BARE | UID | WRITES, imap_expunge, NULL },      /* RFC 9051 6.4.3 */
	{ SPAN("STORE"),        SELECTED,     UID | WRITES | NO_EXPUNGE, imap_store, NULL }, /* RFC 9051 6.4.6 */
	{ SPAN("COPY"),         SELECTED,     UID,   imap_copy,       NULL },            /* RFC 9051 6.4.7 */
	{ SPAN("MOVE"),         SELECTED,     UID | WRITES, imap_move, "MOVE" },         /* RFC 9051 6.4.8 */
	{ SPAN("SEARCH"),       SELECTED,     UID | NO_EXPUNGE, imap_search, "ESEARCH SEARCHRES WITHIN" }, /* RFC 9051 6.4.4 */
	{ SPAN("CHECK"),        SELECTED,     BARE,  imap_noop,       NULL },            /* RFC 3501 6.4.1 */
	{ SPAN("FETCH"),        SELECTED,     UID | NO_EXPUNGE, imap_fetch, "BINARY SAVEDATE OBJECTID PREVIEW" }, /* RFC 9051 6.4.5 */
};
/* clang-format on */

#define N_CMDS (sizeof(cmds) / sizeof(cmds[0]))

void
imap_put_capabilities(struct imap *i, struct buf *out)
{
	bool is_early = i->state == IMAP_NOT_AUTHENTICATED;

	buf_put_str(out, "IMAP4rev1 IMAP4rev2 ");
	buf_put_str(out, i->env->is_literal_minus ? "LITERAL-" : "LITERAL+");
	for (size_t n = 0; n < N_CMDS; n++) {
		if (cmds[n].capabilities == NULL ||
		    (is_early && !(cmds[n].flags & EARLY)))
			continue;
		buf_put_char(out, ' ');
		buf_put_str(out, cmds[n].capabilities);
	}
	if (is_early) {
		imap_put_login_capabilities(i, out);
	} else { /* RFC 7889 4 */
		buf_put_str(out, " APPENDLIMIT=");
		buf_put_u64(out, i->env->max_message_bytes);
	}
}

bool
imap_is_append(const struct imap *i)
{
	return i->cmd != NULL && i->cmd->run == imap_append;
}

static const struct imap_cmd *
find_cmd(struct span name)
{
	for (size_t n = 0; n < N_CMDS; n++) {
		if (span_is_nocase(name, cmds[n].name))
			return &cmds[n];
	}
	return NULL;
}

/* --- the gate --- */

static const char *
wrong_state(const struct imap *i, const struct imap_cmd *cmd)
{
	if (cmd->states & BEFORE_LOGIN)
		return "BAD You are signed in already";
	if (i->state == IMAP_NOT_AUTHENTICATED)
		return "BAD Sign in first";
	return "BAD Select a mailbox first";
}

const char *
imap_look_up(struct imap *i, struct span text, struct cur *args)
{
	struct span tag, name;

	*args = cur_of(text);
	i->cmd = NULL;
	i->is_uid = false;
	i->tag_len = 0;
	if (imap_parse_tag(args, &tag) != PARSE_OK || tag.len > MAX_IMAP_TAG)
		return "BAD A command begins with a tag";
	memcpy(i->tag, tag.p, tag.len);
	i->tag_len = (uint8_t)tag.len;
	if (imap_parse_sp(args) != PARSE_OK ||
	    imap_parse_atom(args, &name) != PARSE_OK)
		return "BAD Say a tag, a space, and a command";
	if (span_is_nocase(name, SPAN("UID"))) {
		i->is_uid = true;
		if (imap_parse_sp(args) != PARSE_OK ||
		    imap_parse_atom(args, &name) != PARSE_OK)
			return "BAD UID of what?";
	}
	i->cmd = find_cmd(name);
	if (i->cmd == NULL || (i->is_uid && !(i->cmd->flags & UID)))
		return "BAD Unknown command";
	if (!(i->cmd->states & IN(i->state)))
		return wrong_state(i, i->cmd);
	if ((i->cmd->flags & PLAIN) && !imap_allows_plain(i))
		return "NO [PRIVACYREQUIRED] Only with TLS: STARTTLS first";
	if ((i->cmd->flags & BARE) && !i->is_uid && !cur_is_end(args))
		return "BAD No arguments here";
	if ((i->cmd->flags & WRITES) && i->view->is_read_only)
		return "NO [READ-ONLY] The mailbox is open for reading only";
	return NULL;
}

/* A browser was made to talk to us: nothing of it is meant for us. */
static bool
is_http(const struct imap *i)
{
	static const struct span words[] = { SPAN("GET"), SPAN("POST"),
		SPAN("PUT"), SPAN("HEAD"), SPAN("CONNECT"), SPAN("OPTIONS"),
		SPAN("DELETE"), SPAN("PATCH") };

	if (i->state != IMAP_NOT_AUTHENTICATED || i->cmd != NULL)
		return false;
	for (size_t n = 0; n < sizeof(words) / sizeof(words[0]); n++) {
		if (span_is(span_of(i->tag, i->tag_len), words[n]))
			return true;
	}
	return false;
}

void
imap_run_text(
    struct imap *i, struct span text, const struct imap_literal *message)
{
	struct span copy;
	const char *refusal;
	struct cur args;

	if (arena_copy(&i->arena, text, &copy) < 0) {
		(void)imap_look_up(i, text, &args); /* for the tag */
		if (message != NULL)
			imap_refuse(i, "NO [LIMIT] Not enough memory", message);
		else
			imap_error(i, ERR_NOMEM);
		return;
	}
	refusal = imap_look_up(i, copy, &args);
	if (is_http(i)) {
		i->state = IMAP_LOGGED_OUT;
		conn_abort(i->conn);
	} else if (refusal != NULL) {
		imap_done(i, refusal);
	} else {
		i->cmd->run(i, &args);
	}
}

/* --- the end of a command --- */

/* A tag, its space and the end of the line. */
#define IMAP_TAG_BYTES (MAX_IMAP_TAG + 3)

/* Say "TAG text" and forget the command. */
static void
end_command(struct imap *i)
{
	struct buf *out = conn_out(i->conn);
	bool is_bad = span_starts(span_str(i->reply), SPAN("BAD"));

	/* A parser without memory cannot tell that from bad grammar. */
	if (is_bad && i->arena.has_failed) {
		i->reply = "NO [LIMIT] Not enough memory";
		is_bad = false;
	}
	buf_put(out, i->tag_len > 0 ? span_of(i->tag, i->tag_len) : SPAN("*"));
	buf_put_char(out, ' ');
	buf_put_str(out, i->reply);
	buf_put_str(out, "\r\n");
	arena_wipe(&i->arena); /* passwords may be in it */
	i->reply = NULL;
	i->cmd = NULL;
	i->is_finished = false;
	if (i->n_failures >= i->env->max_failures)
		imap_bye(i, "Too many failures");
	else if (is_bad && ++i->n_errors >= i->env->max_errors)
		imap_bye(i, "Too many errors");
	else if (!is_bad && i->state != IMAP_NOT_AUTHENTICATED)
		i->n_errors = 0;
}

/* What the client would be told of its mailbox is not true any more. */
void
imap_lose_view(struct imap *i, int code)
{
	if (code == ERR_GONE && i->view->is_deleted) /* RFC 2180 3.3 */
		imap_bye(i, "The mailbox was deleted");
	else
		imap_bye(i, "[UNAVAILABLE] The mailbox cannot be read now");
}

/* The reply is ready. First tell what changed meanwhile. */
static enum imap_step
finish(struct imap *i)
{
	bool may_expunge;
	int rc = 0;

	end_job(i);
	if (i->view != NULL && i->cmd != NULL) {
		may_expunge = i->is_uid || !(i->cmd->flags & NO_EXPUNGE);
		rc = imap_view_sync(i, may_expunge);
		if (rc == 1)
			return IMAP_MORE;
	}
	if (conn_out_room(i->conn) < strlen(i->reply) + IMAP_TAG_BYTES)
		return IMAP_WAIT; /* a long set of UIDs */
	end_command(i);
	if (i->state == IMAP_LOGGED_OUT)
		return IMAP_WAIT;
	if (rc < 0)
		imap_lose_view(i, rc);
	if (i->starts_tls) {
		i->starts_tls = false;
		conn_start_tls(i->conn);
	}
	return IMAP_MORE;
}

/* --- the loop --- */

/* The next command, for which the view must be there. */
static enum imap_step
next_command(struct imap *i)
{
	int rc = imap_view_prepare(i);

	if (rc < 0) {
		imap_lose_view(i, rc);
		return IMAP_WAIT;
	}
	return rc == 1 ? IMAP_MORE : imap_read_command(i);
}

/* The reply to SELECT goes out before the set of its UIDs is made. */
static bool
wants_break(struct imap *i)
{
	if (i->view == NULL || !i->view->is_new || i->is_finished ||
	    i->job != NULL)
		return false;
	i->view->is_new = false;
	return true;
}

static enum imap_step
step_once(struct imap *i)
{
	if (i->state == IMAP_LOGGED_OUT)
		return IMAP_WAIT;
	if (i->is_finished)
		return finish(i);
	if (i->is_skipping)
		return imap_read_rest(i);
	if (i->job != NULL)
		return i->job->step(i);
	return next_command(i);
}

/* Run until it must wait, the output is full, or the slice is over. */
static enum imap_step
run_slice(struct imap *i)
{
	int64_t end_us = clock_slice_us() + IMAP_SLICE_US;
	enum imap_step r = IMAP_MORE;

	while (r == IMAP_MORE && conn_out_room(i->conn) >= IMAP_REPLY_BYTES) {
		r = step_once(i);
		if (r == IMAP_MORE &&
		    (wants_break(i) || clock_slice_us() >= end_us)) {
			conn_wake(i->conn);
			break;
		}
	}
	return r;
}

/* Is it the client's turn? */
static bool
is_reading(const struct imap *i)
{
	return !i->is_finished && (i->job == NULL || i->job->is_reading);
}

/* How long may the client, or what it waits for, take? */
static int64_t
deadline_ms(const struct imap *i)
{
	int64_t now = clock_mono_ms();
	int64_t end = i->heard_ms + (int64_t)i->env->idle_s * 1000;
	int64_t login_end = i->started_ms + (int64_t)i->env->login_s * 1000;

	if (i->state == IMAP_NOT_AUTHENTICATED) {
		if (i->job != NULL && !i->job->is_reading)
			return (int64_t)i->env->auth_wait_s * 1000;
		if (login_end < end)
			end = login_end;
	}
	return end > now ? end - now : 0;
}

/* At the first step, when TLS is up where the port has it. */
static void
greet(struct imap *i)
{
	struct buf *out = conn_out(i->conn);

	i->has_greeted = true;
	buf_put_str(out, "* OK [CAPABILITY ");
	imap_put_capabilities(i, out);
	buf_put_str(out, "] Tinpost is ready\r\n");
}

static void
step(void *session)
{
	struct imap *i = session;
	bool is_told = i->view != NULL && i->view->is_idle;
	enum imap_step r;

	if (conn_timed_out(i->conn)) {
		imap_bye(i, "Idle for too long"); /* RFC 9051 5.4 */
		return;
	}
	if (!i->has_greeted)
		greet(i);
	/* Being told of changes is no sign of life. */
	if (!is_told || conn_in(i->conn).len > 0)
		i->heard_ms = clock_mono_ms();
	r = run_slice(i);
	if (i->state == IMAP_LOGGED_OUT)
		return;
	/* The client has ended, and all that it asked is answered. */
	if (r == IMAP_WAIT && is_reading(i) && conn_is_eof(i->conn)) {
		i->state = IMAP_LOGGED_OUT;
		conn_close(i->conn);
		return;
	}
	conn_set_deadline(i->conn, deadline_ms(i));
}

static void
log_end_of(const struct imap *i)
{
	struct log l;

	if (i->account == 0)
		return; /* auth has logged what was tried */
	log_begin(&l, LOG_NOTE, "imap.closed");
	log_num(&l, "account", i->account);
	log_end(&l);
}

/* Of this process: opened and not yet freed. */
static uint32_t n_sessions;

static void
free_session(void *session)
{
	struct imap *i = session;

	log_end_of(i);
	end_job(i);
	imap_view_close(i);
	sasl_free(i->sasl);
	arena_wipe(&i->arena);
	mem_free(i);
	n_sessions--;
}

static const struct conn_ops ops = { step, free_session };

static void
turn_away(struct conn *c)
{
	conn_put_str(c, "* BYE [UNAVAILABLE] Too busy, try later\r\n");
	conn_close(c);
}

void
imap_open_session(struct conn *c, struct imap_env *env)
{
	struct imap *i = mem_alloc(sizeof(*i));

	if (i == NULL) {
		turn_away(c);
		return;
	}
	n_sessions++;
	i->conn = c;
	i->env = env;
	i->state = IMAP_NOT_AUTHENTICATED;
	i->started_ms = i->heard_ms = clock_mono_ms();
	arena_init(&i->arena, IMAP_ARENA_BYTES);
	conn_attach(c, &ops, i);
	conn_set_in_max(c, imap_max_command(i) + 2);
	conn_set_deadline(c, deadline_ms(i));
	conn_wake(c);
}

void
imap_accept(struct conn *c, enum listen_refusal why, void *arg)
{
	const struct imap_env *e = arg;

	if (why == LISTEN_OK &&
	    (e->max_sessions == 0 || n_sessions < e->max_sessions))
		imap_open_session(c, arg);
	else
		turn_away(c);
}

void
imap_changed(void *arg, uint32_t mailbox)
{
	imap_view_changed(arg, mailbox);
}
