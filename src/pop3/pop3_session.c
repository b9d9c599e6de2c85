#include "pop3/pop3_session.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"

/* Pipelined commands in one step: then the others have their turn. */
#define STEP_SLICE_US 3000

const struct pop3_env pop3_defaults = {
	.allows_plain = false,
	.allows_plain_loopback = true,
	.idle_s = 600,
	.login_s = 600,
	.auth_wait_s = 120,
	.max_errors = 10,
	.max_failures = 5,
};

void
pop3_reply(struct pop3 *p, const char *text)
{
	struct buf *out = conn_out(p->conn);

	buf_put_str(out, text);
	buf_put_str(out, "\r\n");
}

void
pop3_reply_error(struct pop3 *p, int code)
{
	switch (code) {
	case ERR_NONE:
		pop3_reply(p, "-ERR No such message");
		return;
	case ERR_GONE:
		pop3_reply(p, "-ERR The message was deleted elsewhere");
		return;
	case ERR_SYNTAX:
		pop3_reply(p, "-ERR Cannot read the arguments");
		return;
	case ERR_DAMAGED:
		pop3_reply(p, "-ERR [SYS/PERM] The message is damaged");
		return;
	case ERR_READ_ONLY:
		pop3_reply(p, "-ERR [SYS/TEMP] The store is read-only");
		return;
	default: /* ERR_NOMEM, ERR_IO, ERR_FULL and what may come */
		pop3_reply(p, "-ERR [SYS/TEMP] Not possible now, try later");
		return;
	}
}

void
pop3_close(struct pop3 *p, const char *text)
{
	pop3_reply(p, text);
	p->state = POP3_CLOSING;
	conn_close(p->conn);
}

bool
pop3_allows_plain(const struct pop3 *p)
{
	return conn_is_tls(p->conn) || p->env->allows_plain ||
	       (p->env->allows_plain_loopback &&
	           peer_is_loopback(conn_peer(p->conn)));
}

/* --- commands --- */

#define IN(state)    (1u << (state))
#define BEFORE_LOGIN (IN(POP3_AUTHORIZATION) | IN(POP3_USER))
#define AFTER_LOGIN  IN(POP3_TRANSACTION)
#define ANY          (BEFORE_LOGIN | AFTER_LOGIN)

/* Names or passwords follow: refused before they are read. */
#define PLAIN 1u
/* Takes no arguments. */
#define BARE 2u

struct pop3_cmd {
	struct span keyword;
	unsigned states;
	unsigned flags;
	pop3_run run;
	const char *capability; /* RFC 2449 3; NULL: none of its own */
};

static void pop3_capa(struct pop3 *p, const struct pop3_line *line);
static void pop3_noop(struct pop3 *p, const struct pop3_line *line);

/* clang-format off */
static const struct pop3_cmd cmds[] = {
	/* keyword       states               flags  run         capability */
	{ SPAN("CAPA"), ANY,                  BARE,  pop3_capa, NULL },   /* RFC 2449 5 */
	{ SPAN("STLS"), BEFORE_LOGIN,         BARE,  pop3_stls, NULL },   /* RFC 2595 4 */
	{ SPAN("UTF8"), BEFORE_LOGIN,         BARE,  pop3_utf8, "UTF8 USER" }, /* RFC 6856 2 */
	{ SPAN("AUTH"), BEFORE_LOGIN,         0,     pop3_auth, NULL },   /* RFC 5034 4 */
	{ SPAN("USER"), BEFORE_LOGIN,         PLAIN, pop3_user, NULL },   /* RFC 1939 7 */
	{ SPAN("PASS"), IN(POP3_USER),        PLAIN, pop3_pass, NULL },   /* RFC 1939 7 */
	{ SPAN("STAT"), AFTER_LOGIN,          BARE,  pop3_stat, NULL },   /* RFC 1939 5 */
	{ SPAN("LIST"), AFTER_LOGIN,          0,     pop3_list, NULL },   /* RFC 1939 5 */
	{ SPAN("UIDL"), AFTER_LOGIN,          0,     pop3_uidl, "UIDL" }, /* RFC 1939 7 */
	{ SPAN("RETR"), AFTER_LOGIN,          0,     pop3_retr, NULL },   /* RFC 1939 5 */
	{ SPAN("TOP"),  AFTER_LOGIN,          0,     pop3_top,  "TOP" },  /* RFC 1939 7 */
	{ SPAN("DELE"), AFTER_LOGIN,          0,     pop3_dele, NULL },   /* RFC 1939 5 */
	{ SPAN("RSET"), AFTER_LOGIN,          BARE,  pop3_rset, NULL },   /* RFC 1939 5 */
	{ SPAN("NOOP"), AFTER_LOGIN,          BARE,  pop3_noop, NULL },   /* RFC 1939 5 */
	{ SPAN("QUIT"), ANY,                  BARE,  pop3_quit, NULL },   /* RFC 1939 4, 6 */
};
/* clang-format on */

#define N_CMDS (sizeof(cmds) / sizeof(cmds[0]))

/* RFC 2449 6. */
static void
pop3_capa(struct pop3 *p, const struct pop3_line *line)
{
	char storage[128];
	struct buf mechanisms;

	(void)line;
	pop3_reply(p, "+OK What I can do");
	for (size_t i = 0; i < N_CMDS; i++) {
		if (cmds[i].capability != NULL)
			pop3_reply(p, cmds[i].capability);
	}
	if (pop3_allows_plain(p))
		pop3_reply(p, "USER");
	buf_init_fixed(&mechanisms, storage, sizeof(storage));
	pop3_put_mechanisms(p, &mechanisms);
	buf_put_str(conn_out(p->conn), "SASL ");
	buf_put(conn_out(p->conn), buf_span(&mechanisms));
	buf_put_str(conn_out(p->conn), "\r\n");
	if (conn_can_start_tls(p->conn))
		pop3_reply(p, "STLS");
	pop3_reply(p, "RESP-CODES");     /* RFC 2449 6.4 */
	pop3_reply(p, "AUTH-RESP-CODE"); /* RFC 3206 6 */
	pop3_reply(p, "PIPELINING");     /* RFC 2449 6.6 */
	pop3_reply(p, "EXPIRE NEVER");   /* RFC 2449 6.7 */
	pop3_reply(p, "IMPLEMENTATION Tinpost");
	pop3_reply(p, ".");
}

static void
pop3_noop(struct pop3 *p, const struct pop3_line *line)
{
	(void)line;
	pop3_reply(p, "+OK");
}

/* A mistake of the client. */
static void
complain(struct pop3 *p, const char *text)
{
	if (++p->n_errors >= p->env->max_errors)
		pop3_close(p, "-ERR Too many errors, goodbye");
	else
		pop3_reply(p, text);
}

static const struct pop3_cmd *
find_cmd(struct span keyword)
{
	for (size_t i = 0; i < N_CMDS; i++) {
		if (span_is_nocase(keyword, cmds[i].keyword))
			return &cmds[i];
	}
	return NULL;
}

/* A browser was made to talk to us: what follows its first word is not meant
 * for us, and is not looked at. */
static bool
is_http(struct span keyword)
{
	static const struct span words[] = { SPAN("GET"), SPAN("POST"),
		SPAN("PUT"), SPAN("HEAD"), SPAN("CONNECT"), SPAN("OPTIONS"),
		SPAN("DELETE"), SPAN("PATCH") };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (span_is(keyword, words[i]))
			return true;
	}
	return false;
}

/* The gate of all commands. */
static void
run_line(struct pop3 *p, struct span text)
{
	const struct pop3_cmd *cmd;
	struct pop3_line line;
	struct span a, b;

	if (pop3_line_parse(text, &line) < 0) {
		complain(p, "-ERR Cannot read this");
		return;
	}
	cmd = find_cmd(line.keyword);
	if (cmd == NULL && p->account_id == 0 && is_http(line.keyword)) {
		p->state = POP3_CLOSING;
		conn_abort(p->conn);
	} else if (cmd == NULL)
		complain(p, "-ERR Unknown command");
	else if (!(cmd->states & IN(p->state)))
		complain(p, cmd->states & BEFORE_LOGIN
		                ? (p->account_id != 0 ? "-ERR You are signed in"
		                                      : "-ERR USER first")
		                : "-ERR Sign in first");
	else if ((cmd->flags & PLAIN) && !pop3_allows_plain(p))
		complain(p, "-ERR Only with TLS: STLS first");
	else if ((cmd->flags & BARE) &&
	         (pop3_line_args(&line, &a, &b) < 0 || a.len > 0))
		complain(p, "-ERR No arguments here");
	else
		cmd->run(p, &line);
}

/* --- lines --- */

/* Swallow the rest of a line that was too long, then say so. */
static enum pop3_step
skip_line(struct pop3 *p)
{
	struct span in = conn_in(p->conn);
	size_t n = span_find(in, '\n');

	if (n == in.len) {
		conn_consume(p->conn, in.len);
		return POP3_WAIT;
	}
	conn_consume(p->conn, n + 1);
	p->is_skipping = false;
	if (p->state == POP3_SASL) {
		pop3_forget_login(p);
		p->state = POP3_AUTHORIZATION;
	}
	complain(p, "-ERR Line too long");
	return POP3_MORE;
}

static enum pop3_step
step_line(struct pop3 *p)
{
	size_t max = p->state == POP3_SASL ? MAX_AUTH_LINE : MAX_POP3_LINE;
	struct span line;
	size_t n;

	if (p->is_skipping)
		return skip_line(p);
	switch (pop3_line_take(conn_in(p->conn), max, &line, &n)) {
	case PARSE_MORE:
		return POP3_WAIT;
	case PARSE_BAD:
		p->is_skipping = true;
		return POP3_MORE;
	case PARSE_OK:
		break;
	}
	if (p->state == POP3_SASL)
		pop3_sasl_line(p, line);
	else
		run_line(p, line);
	/* Nothing may be consumed behind a handshake's start or the end. */
	if (p->state != POP3_CLOSING && conn_in(p->conn).len >= n)
		conn_consume(p->conn, n);
	return POP3_MORE;
}

/* --- the loop --- */

static enum pop3_step
step_state(struct pop3 *p)
{
	switch (p->state) {
	case POP3_AUTHORIZATION:
	case POP3_USER:
	case POP3_SASL:
	case POP3_TRANSACTION:
		return step_line(p);
	case POP3_CHECKING:
		return pop3_step_checking(p);
	case POP3_OPENING:
		return pop3_step_opening(p);
	case POP3_LISTING:
		return pop3_step_listing(p);
	case POP3_SENDING:
		return pop3_step_sending(p);
	case POP3_UPDATE:
		return pop3_step_update(p);
	case POP3_CLOSING:
		return POP3_WAIT;
	}
	return POP3_WAIT;
}

/* In these states it is the client's turn. */
static bool
is_reading(const struct pop3 *p)
{
	return p->state == POP3_AUTHORIZATION || p->state == POP3_USER ||
	       p->state == POP3_SASL || p->state == POP3_TRANSACTION;
}

/* Run until it must wait, the output is full, or the slice is over. */
static enum pop3_step
run_slice(struct pop3 *p)
{
	int64_t end_us = clock_slice_us() + STEP_SLICE_US;
	enum pop3_step r = POP3_MORE;

	while (r == POP3_MORE && conn_out_room(p->conn) >= POP3_REPLY_BYTES) {
		r = step_state(p);
		if (r == POP3_MORE && clock_slice_us() >= end_us) {
			conn_wake(p->conn);
			break;
		}
	}
	return r;
}

/* How long may the client, or what it waits for, take? */
static int64_t
deadline_ms(const struct pop3 *p)
{
	int64_t idle_ms = (int64_t)p->env->idle_s * 1000;
	int64_t left_ms;

	switch (p->state) {
	case POP3_AUTHORIZATION:
	case POP3_USER:
	case POP3_SASL:
		left_ms = p->started_ms + (int64_t)p->env->login_s * 1000 -
		          clock_mono_ms();
		if (left_ms < 0)
			left_ms = 0;
		return left_ms < idle_ms ? left_ms : idle_ms;
	case POP3_CHECKING:
		return (int64_t)p->env->auth_wait_s * 1000;
	case POP3_OPENING:
	case POP3_TRANSACTION:
	case POP3_LISTING:
	case POP3_SENDING:
	case POP3_UPDATE:
	case POP3_CLOSING:
		break;
	}
	return idle_ms;
}

static void
step(void *session)
{
	struct pop3 *p = session;
	enum pop3_step r;

	if (conn_timed_out(p->conn)) {
		/* RFC 1939 3: no UPDATE state, and nothing is said. */
		p->state = POP3_CLOSING;
		conn_close(p->conn);
		return;
	}
	r = run_slice(p);
	if (p->state == POP3_CLOSING)
		return;
	/* The client has ended, and all that it asked is answered. */
	if (r == POP3_WAIT && is_reading(p) && conn_is_eof(p->conn)) {
		p->state = POP3_CLOSING;
		conn_close(p->conn);
		return;
	}
	conn_set_deadline(p->conn, deadline_ms(p));
}

static void
log_end_of(const struct pop3 *p)
{
	struct log l;

	if (p->account_id == 0)
		return; /* auth has logged what was tried */
	log_begin(&l, LOG_NOTE, "pop3.closed");
	log_num(&l, "account", p->account_id);
	log_num(&l, "retrieved", p->n_retrieved);
	log_end(&l);
}

/* Of this process: opened and not yet freed. */
static uint32_t n_sessions;

static void
free_session(void *session)
{
	struct pop3 *p = session;

	log_end_of(p);
	pop3_forget_login(p);
	pop3_forget_message(p);
	maildrop_close(p->drop);
	mem_free(p);
	n_sessions--;
}

static const struct conn_ops ops = { step, free_session };

void
pop3_open_session(struct conn *c, struct pop3_env *env)
{
	struct pop3 *p = mem_alloc(sizeof(*p));

	if (p == NULL) {
		conn_put_str(c, "-ERR [SYS/TEMP] Too busy, try later\r\n");
		conn_close(c);
		return;
	}
	n_sessions++;
	p->conn = c;
	p->env = env;
	p->state = POP3_AUTHORIZATION;
	buf_init(&p->user, MAX_POP3_LINE);
	conn_attach(c, &ops, p);
	p->started_ms = clock_mono_ms();
	conn_set_deadline(c, deadline_ms(p));
	pop3_reply(p, "+OK Tinpost is ready");
}

void
pop3_accept(struct conn *c, enum listen_refusal why, void *arg)
{
	const struct pop3_env *e = arg;

	if (why == LISTEN_OK &&
	    (e->max_sessions == 0 || n_sessions < e->max_sessions)) {
		pop3_open_session(c, arg);
		return;
	}
	conn_put_str(c, "-ERR [SYS/TEMP] Too many connections, try later\r\n");
	conn_close(c);
}
