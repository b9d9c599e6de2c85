#include "smtp/smtp_session.h"

#include "auth/auth.h"
#include "base/ascii.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

_Static_assert(sizeof(struct smtp) <= 512,
    "an idle session must stay small: lend, do not keep");

const struct smtp_limits smtp_limits_default = {
	.max_message_bytes = 50 * 1024 * 1024,
	.max_refused_bytes = 64 * 1024 * 1024,
	.max_rcpts = 200,
	.max_errors = 10,
	.max_unknown_rcpts = 20,
	.max_auth_failures = 5,
	.max_messages = 1000,
	.max_hops = 100,
	.max_line = MAX_SMTP_LINE,
	.max_text_line = MAX_TEXT_LINE,
	.command_ms = 5 * 60 * 1000,
	.data_block_ms = 3 * 60 * 1000,
	.data_total_ms = 60 * 60 * 1000,
	.auth_wait_ms = 2 * 60 * 1000,
	.refused_ms = 10 * 1000,
	.banner_delay_ms = 0,
};

#define IN(state) (1u << (state))
#define GREETED                                                                \
	(IN(SMTP_READY) | IN(SMTP_MAIL) | IN(SMTP_RCPT) | IN(SMTP_CHUNKS))
#define ANY (IN(SMTP_NEW) | GREETED)

enum smtp_flags {
	ALONE = 1,       /* RFC 2920 3.1: nothing may wait behind it */
	DISCARD = 2,     /* and what does is never a command */
	NEEDS_TLS = 4,   /* submission: no secret or mail in the clear */
	NEEDS_AUTH = 8,  /* submission: RFC 6409 4.3 */
	SUBMISSION = 16, /* unknown elsewhere */
};

struct smtp_cmd {
	const char *verb;
	unsigned states;
	unsigned flags;
	void (*run)(struct smtp *s, struct span args);
};

/* clang-format off */
static const struct smtp_cmd cmds[] = {
	/* verb      states            flags                   run */
	{ "EHLO",     ANY,              ALONE,                  smtp_hello_ehlo },    /* RFC 5321 4.1.1.1 */
	{ "HELO",     ANY,              ALONE,                  smtp_hello_helo },    /* RFC 5321 4.1.1.1 */
	{ "STARTTLS", IN(SMTP_READY),   ALONE | DISCARD,        smtp_tls_start },     /* RFC 3207 4 */
	{ "AUTH",     IN(SMTP_READY),   ALONE | SUBMISSION,     smtp_auth },          /* RFC 4954 4 */
	{ "MAIL",     IN(SMTP_READY),   NEEDS_TLS | NEEDS_AUTH, smtp_mail },          /* RFC 5321 4.1.1.2 */
	{ "RCPT",     IN(SMTP_MAIL) | IN(SMTP_RCPT), 0,         smtp_rcpt },          /* RFC 5321 4.1.1.3 */
	{ "DATA",     IN(SMTP_RCPT),    ALONE | DISCARD,        smtp_data },          /* RFC 5321 4.1.1.4 */
	{ "BDAT",     ANY,              0,                      smtp_bdat },          /* RFC 3030 2 */
	{ "RSET",     ANY,              0,                      smtp_misc_rset },     /* RFC 5321 4.1.1.5 */
	{ "NOOP",     ANY,              0,                      smtp_misc_noop },     /* RFC 5321 4.1.1.9 */
	{ "QUIT",     ANY,              0,                      smtp_misc_quit },     /* RFC 5321 4.1.1.10 */
	{ "VRFY",     ANY,              0,                      smtp_misc_vrfy },     /* RFC 5321 4.1.1.6 */
	{ "HELP",     ANY,              0,                      smtp_misc_help },     /* RFC 5321 4.1.1.8 */
	{ "EXPN",     ANY,              0,                      smtp_misc_not_here }, /* RFC 5321 4.1.1.7 */
	{ "ETRN",     ANY,              0,                      smtp_misc_not_here }, /* RFC 1985 */
	{ "ATRN",     ANY,              0,                      smtp_misc_not_here }, /* RFC 2645 */
	{ "TURN",     ANY,              0,                      smtp_misc_not_here }, /* RFC 5321 F.1 */
	{ "SEND",     ANY,              0,                      smtp_misc_not_here }, /* RFC 5321 F.6 */
	{ "SOML",     ANY,              0,                      smtp_misc_not_here },
	{ "SAML",     ANY,              0,                      smtp_misc_not_here },
	{ "GET",      ANY,              0,                      smtp_misc_http },     /* a browser was tricked here */
	{ "POST",     ANY,              0,                      smtp_misc_http },
	{ "PUT",      ANY,              0,                      smtp_misc_http },
	{ "HEAD",     ANY,              0,                      smtp_misc_http },
	{ "OPTIONS",  ANY,              0,                      smtp_misc_http },
	{ "CONNECT",  ANY,              0,                      smtp_misc_http },
};
/* clang-format on */

#define N_CMDS (sizeof(cmds) / sizeof(cmds[0]))

void
smtp_session_put_verbs(const struct smtp *s, struct buf *out)
{
	for (size_t i = 0; i < N_CMDS; i++) {
		if (cmds[i].run == smtp_misc_not_here ||
		    cmds[i].run == smtp_misc_http ||
		    ((cmds[i].flags & SUBMISSION) && !smtp_is_submission(s)))
			continue;
		if (i > 0)
			buf_put_char(out, ' ');
		buf_put_str(out, cmds[i].verb);
	}
}

static const char *
wrong_state(const struct smtp *s, const struct smtp_cmd *c)
{
	if (s->state == SMTP_NEW)
		return "503 5.5.1 Say EHLO first";
	if (c->run == smtp_rcpt)
		return "503 5.5.1 MAIL first";
	if (c->run == smtp_data)
		return s->state == SMTP_CHUNKS
		           ? "503 5.5.1 DATA and BDAT do not mix"
		           : "503 5.5.1 MAIL and RCPT first";
	return "503 5.5.1 Not during a mail transaction";
}

/* What the columns forbid; NULL: nothing. */
static const char *
gate(struct smtp *s, const struct smtp_cmd *c)
{
	if ((c->flags & SUBMISSION) && !smtp_is_submission(s))
		return "502 5.5.1 Not here: sign in at the submission port";
	if (!(c->states & IN(s->state)))
		return wrong_state(s, c);
	if ((c->flags & NEEDS_TLS) && smtp_is_submission(s) &&
	    !conn_is_tls(s->conn) && !smtp_allows_plain(s))
		return "530 5.7.0 STARTTLS first";
	if ((c->flags & NEEDS_AUTH) && smtp_is_submission(s) && s->account == 0)
		return "530 5.7.0 Sign in first";
	if ((c->flags & ALONE) && conn_in(s->conn).len > 0)
		return "503 5.5.0 Wait for my reply";
	return NULL;
}

static void
dispatch(struct smtp *s, struct span line)
{
	struct span args = line;
	struct span verb = span_split(&args, ' ');
	const char *forbidden;

	for (size_t i = 0; i < line.len; i++) {
		if (ascii_is_ctl(line.p[i]) && line.p[i] != '\t') {
			smtp_refuse(s, "500 5.5.2 Control characters");
			return;
		}
	}
	for (size_t i = 0; i < N_CMDS; i++) {
		if (!span_is_nocase(verb, span_str(cmds[i].verb)))
			continue;
		forbidden = gate(s, &cmds[i]);
		if (forbidden == NULL) {
			cmds[i].run(s, span_trim(args));
			return;
		}
		smtp_refuse(s, forbidden);
		if ((cmds[i].flags & DISCARD) && conn_in(s->conn).len > 0) {
			/* A message may not turn into commands. */
			conn_consume(s->conn, conn_in(s->conn).len);
			if (cmds[i].run == smtp_data)
				smtp_close(s);
		}
		return;
	}
	smtp_refuse(s, "500 5.5.1 Unknown command");
}

/* --- lines --- */

static size_t
max_line(const struct smtp *s, struct span in)
{
	if (s->state == SMTP_AUTH)
		return MAX_AUTH_LINE;
	/* RFC 4954 4: an initial response may be as long. */
	if (smtp_is_submission(s) && span_starts_nocase(in, SPAN("AUTH ")))
		return MAX_AUTH_LINE;
	return smtp_limits_of(s)->max_line;
}

static void
refuse_long_line(struct smtp *s)
{
	if (s->state == SMTP_AUTH)
		smtp_auth_cancel(s, "500 5.5.6 Line too long");
	else
		smtp_refuse(s, "500 5.5.2 Line too long");
}

/* Drop the rest of a line that is too long, then say so. */
static enum step
skip_line(struct smtp *s, struct span in)
{
	size_t at = span_find(in, '\n');

	if (in.len == 0)
		return STEP_WAIT;
	if (at == in.len) {
		conn_consume(s->conn, in.len);
		return STEP_WAIT;
	}
	conn_consume(s->conn, at + 1);
	s->is_skipping = false;
	s->has_moved = true;
	refuse_long_line(s);
	return STEP_MORE;
}

static enum step
step_line(struct smtp *s)
{
	struct span in = conn_in(s->conn);
	size_t max = max_line(s, in);
	size_t at, n;
	/* The longest line is long for the stack, and the input's memory
	 * moves when the line is consumed. */
	char *line;

	if (s->is_skipping)
		return skip_line(s, in);
	at = span_find(span_sub(in, 0, max), '\n');
	if (at >= max) {
		s->is_skipping = true;
		return STEP_MORE;
	}
	if (at == in.len)
		return STEP_WAIT;
	line = mem_alloc(at + 1);
	if (line == NULL) {
		smtp_bye(s, "421 4.3.2 Out of memory, come again later");
		return STEP_WAIT;
	}
	memcpy(line, in.p, at + 1);
	conn_consume(s->conn, at + 1);
	s->has_moved = true;
	n = at > 0 && line[at - 1] == '\r' ? at - 1 : at;
	/* RFC 5321 2.3.8: a bare LF is no line end. Deviation: a device's. */
	if (n == at && s->device == NULL)
		smtp_refuse(s, "500 5.5.2 Lines end with CR LF");
	else if (s->state == SMTP_AUTH)
		smtp_auth_line(s, span_of(line, n));
	else
		dispatch(s, span_of(line, n));
	wipe(line, at + 1); /* it may hold a password */
	mem_free(line);
	return STEP_MORE;
}

/* --- replies --- */

void
smtp_reply(struct smtp *s, const char *text)
{
	conn_put_str(s->conn, text);
	conn_put_str(s->conn, "\r\n");
}

void
smtp_close(struct smtp *s)
{
	s->state = SMTP_CLOSING;
}

void
smtp_bye(struct smtp *s, const char *text)
{
	smtp_reply(s, text);
	smtp_close(s);
}

void
smtp_refuse(struct smtp *s, const char *text)
{
	smtp_reply(s, text);
	if (++s->n_errors >= smtp_limits_of(s)->max_errors)
		smtp_bye(s, "421 4.7.0 Too many errors");
}

const char *
smtp_error_text(int code)
{
	switch (code) {
	case ERR_FULL:
		return "452 4.3.1 No space left here, try again later";
	case ERR_NOMEM:
		return "452 4.3.1 Out of memory, try again later";
	case ERR_READ_ONLY:
		return "452 4.3.1 The store takes no mail now, try later";
	case ERR_QUOTA:
		return "452 4.2.2 Mailbox full";
	case ERR_LIMIT:
		return "452 4.5.3 Too many recipients";
	default:
		return "451 4.3.0 Local error, try again later";
	}
}

void
smtp_put_client(const struct smtp *s, struct buf *out)
{
	buf_put_char(out, '[');
	peer_put(out, conn_peer(s->conn));
	buf_put_char(out, ']');
	if (s->helo != NULL) {
		buf_put_char(out, ' ');
		buf_put_str(out, s->helo);
	}
}

void
smtp_note_refusal(struct smtp *s, struct span to, const char *text)
{
	char storage[400];
	struct buf client;
	struct span from = s->txn ? s->txn->from : span_of(NULL, 0);
	struct span id = span_of(NULL, 0);
	struct log l;
	int rc;

	if (s->txn != NULL)
		id = span_of(s->txn->id, SMTP_ID_BYTES);
	buf_init_fixed(&client, storage, sizeof(storage));
	smtp_put_client(s, &client);
	log_begin(&l, LOG_NOTE, "smtp.refused");
	log_str(&l, "id", id);
	log_str(&l, "client", buf_span(&client));
	log_str(&l, "from", from);
	log_str(&l, "to", to);
	log_str(&l, "reply", span_str(text));
	log_end(&l);
	rc = event_add(s->env->store, &(struct event){ .kind = EVENT_REFUSED,
	                                  .id = id,
	                                  .from = from,
	                                  .to = to,
	                                  .client = buf_span(&client),
	                                  .text = span_str(text) });
	if (rc < 0) {
		log_begin(&l, LOG_WARN, "smtp.event_lost");
		log_err(&l, "error", rc);
		log_end(&l);
	}
}

/* --- the session --- */

static void
put_banner(struct smtp *s)
{
	conn_put_str(s->conn, "220 ");
	conn_put(s->conn, s->env->host);
	smtp_reply(s, smtp_is_submission(s) ? " ESMTP submission" : " ESMTP");
	s->state = SMTP_NEW;
	s->has_moved = true;
}

/* Who cannot wait for the banner does not read replies either. */
static enum step
step_delay(struct smtp *s)
{
	if (conn_in(s->conn).len > 0) {
		conn_consume(s->conn, conn_in(s->conn).len);
		smtp_note_refusal(
		    s, span_of(NULL, 0), "spoke before the banner");
		smtp_bye(s, "554 5.5.0 You spoke before I did");
		return STEP_WAIT;
	}
	if (!conn_timed_out(s->conn))
		return STEP_WAIT;
	put_banner(s);
	return STEP_MORE;
}

static enum step
step_once(struct smtp *s)
{
	switch (s->state) {
	case SMTP_DELAY:
		return step_delay(s);
	case SMTP_NEW:
	case SMTP_READY:
	case SMTP_MAIL:
	case SMTP_RCPT:
	case SMTP_CHUNKS:
	case SMTP_AUTH:
		return step_line(s);
	case SMTP_DATA_WAIT:
		return smtp_data_wait(s);
	case SMTP_DATA:
		return smtp_data_step(s);
	case SMTP_CHUNK:
		return smtp_bdat_step(s);
	case SMTP_AUTH_WAIT:
		return smtp_auth_wait(s);
	case SMTP_END_WAIT:
		return smtp_body_wait(s);
	case SMTP_CLOSING:
		return STEP_WAIT;
	}
	return STEP_WAIT;
}

/* How long may the client take for its next move? -1: as long as before. */
static int64_t
deadline_ms(const struct smtp *s)
{
	const struct smtp_limits *l = smtp_limits_of(s);
	int64_t left;

	switch (s->state) {
	case SMTP_DELAY:
		return -1;
	case SMTP_NEW:
	case SMTP_READY:
	case SMTP_MAIL:
	case SMTP_RCPT:
	case SMTP_CHUNKS:
	case SMTP_AUTH:
		return l->command_ms;
	case SMTP_AUTH_WAIT:
		return l->auth_wait_ms;
	case SMTP_DATA_WAIT:
	case SMTP_END_WAIT:
		/* What is waited for has its own time; this is past it. */
		return l->auth_wait_ms + l->command_ms;
	case SMTP_DATA:
	case SMTP_CHUNK:
		if (s->txn == NULL || s->txn->started_ms == 0)
			return l->data_block_ms;
		left = s->txn->started_ms + l->data_total_ms - clock_mono_ms();
		if (left > l->data_block_ms)
			left = l->data_block_ms;
		if (s->txn->dots.faults != 0 && left > l->refused_ms)
			left = l->refused_ms;
		return left > 0 ? left : 0;
	case SMTP_CLOSING:
		return -1;
	}
	return -1;
}

/* A device that ends its text with LF . LF waits for ever, and its owner has to
 * learn why. */
static void
end_never_came(struct smtp *s)
{
	static const char text[] =
	    "421 4.4.2 I waited too long for CR LF . CR LF";

	smtp_note_refusal(s, span_of(NULL, 0), text);
	smtp_bye(s, text);
}

static void
time_out(struct smtp *s)
{
	if (s->state == SMTP_DATA && s->txn->dots.faults != 0)
		smtp_bye(s, "554 5.6.0 Lines end with CR LF");
	else if (s->state == SMTP_DATA && s->device != NULL)
		end_never_came(s);
	else
		smtp_bye(s, "421 4.4.2 I waited too long");
}

static void
smtp_step(void *session)
{
	struct smtp *s = session;
	enum step r = STEP_MORE;
	bool is_full = false;

	s->has_moved = false;
	while (r == STEP_MORE && s->state != SMTP_CLOSING) {
		is_full = conn_out_room(s->conn) < MAX_SMTP_REPLY;
		if (is_full)
			break; /* stepped again when it has drained */
		r = step_once(s);
	}
	if (s->state != SMTP_CLOSING && !s->has_moved && !is_full) {
		if (conn_timed_out(s->conn))
			time_out(s);
		else if (conn_is_eof(s->conn) && s->state != SMTP_AUTH_WAIT &&
		         s->state != SMTP_DATA_WAIT &&
		         s->state != SMTP_END_WAIT)
			smtp_close(s);
	}
	if (s->state == SMTP_CLOSING)
		conn_close(s->conn);
	else if (s->has_moved)
		conn_set_deadline(s->conn, deadline_ms(s));
	else if (conn_timed_out(s->conn))
		conn_abort(s->conn); /* it does not read our replies */
}

/* Of this process, both roles; what smtp_accept made and smtp_free ended. */
static uint32_t n_sessions;

static void
smtp_free(void *session)
{
	struct smtp *s = session;

	sasl_free(s->sasl);
	smtp_txn_free(s);
	mem_free(s->device);
	mem_free(s->helo);
	mem_free(s);
	n_sessions--;
}

static const struct conn_ops smtp_ops = { smtp_step, smtp_free };

static void
turn_away(struct conn *c, enum listen_refusal why)
{
	switch (why) {
	case LISTEN_OK:
	case LISTEN_NO_MEMORY:
		conn_put_str(c, "421 4.3.2 Out of memory, try again later\r\n");
		break;
	case LISTEN_TOO_MANY:
		conn_put_str(
		    c, "421 4.3.2 Too many connections, try later\r\n");
		break;
	case LISTEN_TOO_MANY_NETWORK:
		conn_put_str(c, "421 4.7.0 Too many connections from you\r\n");
		break;
	}
	conn_close(c);
}

void
smtp_accept(struct conn *c, enum listen_refusal why, void *arg)
{
	const struct smtp_env *e = arg;
	struct device_view *device = NULL;
	struct smtp *s;

	if (why == LISTEN_OK && e->limits.max_sessions > 0 &&
	    n_sessions >= e->limits.max_sessions)
		why = LISTEN_TOO_MANY;
	if (why == LISTEN_OK && e->role == SMTP_DEVICE &&
	    smtp_device_open(c, e, &device) < 0)
		return;
	s = why == LISTEN_OK ? mem_alloc(sizeof(*s)) : NULL;
	if (s == NULL) {
		mem_free(device);
		turn_away(c, why);
		return;
	}
	s->device = device;
	n_sessions++;
	s->conn = c;
	s->env = e;
	conn_attach(c, &smtp_ops, s);
	conn_speak_early(c); /* smtp_deliver holds */
	if (smtp_is_submission(s))
		conn_set_in_max(c, MAX_AUTH_LINE + MAX_SMTP_LINE);
	if (!smtp_is_ours(s) && e->limits.banner_delay_ms > 0) {
		s->state = SMTP_DELAY;
		conn_set_deadline(c, e->limits.banner_delay_ms);
		return;
	}
	put_banner(s);
	conn_set_deadline(c, deadline_ms(s));
}
