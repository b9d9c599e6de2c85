/* USER, PASS, AUTH, STLS, UTF8: the AUTHORIZATION state (RFC 1939 4). */
#include "base/limits.h"
#include "base/utf8.h"
#include "pop3/pop3_session.h"

void
pop3_forget_login(struct pop3 *p)
{
	sasl_free(p->sasl);
	p->sasl = NULL;
	buf_wipe(&p->user);
}

void
pop3_put_mechanisms(struct pop3 *p, struct buf *out)
{
	struct tls_info info;
	struct sasl_env e =
	    sasl_env_of(p->env->auth, p->conn, pop3_allows_plain(p), &info);

	sasl_put_mechanisms(out, &e);
}

/* Somebody is signed in: open the maildrop, or say why not. */
static void
open_maildrop(struct pop3 *p)
{
	uint32_t account_id = sasl_account(p->sasl);
	int rc = maildrop_open(p->env->store, account_id, &p->drop);

	pop3_forget_login(p);
	if (rc == 0) {
		p->account_id = account_id;
		p->state = POP3_OPENING;
		return;
	}
	p->state = POP3_AUTHORIZATION;
	if (rc == ERR_BUSY) /* RFC 2449 8.1.2 */
		pop3_reply(p, "-ERR [IN-USE] Another session is open");
	else
		pop3_reply(p, "-ERR [SYS/TEMP] Cannot open the mailbox now");
}

/* One more failure; true: it was one too many. */
static bool
is_last_failure(struct pop3 *p)
{
	if (++p->n_failures < p->env->max_failures)
		return false;
	pop3_close(p, "-ERR [AUTH] Too many failures, goodbye");
	return true;
}

/* The login has ended without success. */
static void
refuse_login(struct pop3 *p, enum sasl_result r)
{
	struct buf *out = conn_out(p->conn);

	switch (r) {
	case SASL_FAIL: /* RFC 3206 4 */
		if (!is_last_failure(p))
			pop3_reply(p, "-ERR [AUTH] Wrong name or password");
		return;
	case SASL_THROTTLED:
		if (is_last_failure(p))
			return;
		buf_put_str(out, "-ERR [SYS/TEMP] Too many failures, try in ");
		buf_put_u64(out, sasl_delay_s(p->sasl));
		buf_put_str(out, " seconds\r\n");
		return;
	case SASL_BAD:
		pop3_reply(p, "-ERR Cannot read this answer");
		return;
	case SASL_ABORTED: /* RFC 5034 4 */
		pop3_reply(p, "-ERR Given up");
		return;
	case SASL_UNKNOWN:
		pop3_reply(p, "-ERR No such mechanism");
		return;
	case SASL_NEEDS_TLS:
		pop3_reply(p, "-ERR Only with TLS: STLS first");
		return;
	case SASL_BUSY:
	case SASL_CONTINUE:
	case SASL_WAIT:
	case SASL_OK:
		break;
	}
	pop3_reply(p, "-ERR [SYS/TEMP] Too busy, try later");
}

/* Go where the login stands now. challenge: what it wants said, if it goes
 * on. */
static void
follow(struct pop3 *p, enum sasl_result r, const struct buf *challenge)
{
	struct buf *out = conn_out(p->conn);

	if (r == SASL_CONTINUE) {
		p->state = POP3_SASL;
		conn_set_in_max(p->conn, MAX_AUTH_LINE);
		buf_put_str(out, "+ ");
		buf_put(out, buf_span(challenge));
		buf_put_str(out, "\r\n");
	} else if (r == SASL_WAIT) {
		p->state = POP3_CHECKING;
	} else if (r == SASL_OK) {
		open_maildrop(p);
	} else {
		p->state = POP3_AUTHORIZATION;
		refuse_login(p, r);
		pop3_forget_login(p);
	}
}

enum pop3_step
pop3_step_checking(struct pop3 *p)
{
	char storage[SASL_REPLY_BYTES];
	struct buf challenge;
	enum sasl_result r;

	buf_init_fixed(&challenge, storage, sizeof(storage));
	r = sasl_poll(p->sasl, &challenge);
	if (r == SASL_WAIT)
		return POP3_WAIT;
	follow(p, r, &challenge);
	return POP3_MORE;
}

enum pop3_step
pop3_step_opening(struct pop3 *p)
{
	struct buf *out = conn_out(p->conn);
	int rc = maildrop_fill(p->drop);

	if (rc == 1) {
		conn_wake(p->conn);
		return POP3_WAIT;
	}
	if (rc < 0) {
		pop3_close(p, "-ERR [SYS/TEMP] Cannot read the mailbox now");
		return POP3_WAIT;
	}
	p->state = POP3_TRANSACTION;
	buf_put_str(out, "+OK ");
	buf_put_u64(out, maildrop_count(p->drop));
	buf_put_str(out, " messages\r\n");
	return POP3_MORE;
}

/* A name is the whole rest of the line. Any is welcome: whether it exists is
 * not told (RFC 1939 7). */
void
pop3_user(struct pop3 *p, const struct pop3_line *line)
{
	struct span name = span_trim(line->rest);

	p->state = POP3_AUTHORIZATION;
	buf_reset(&p->user);
	if (name.len == 0) {
		pop3_reply_error(p, ERR_SYNTAX);
		return;
	}
	/* Deviation: RFC 6856 2.2 lets UTF-8 in only after UTF8. */
	if (!utf8_is_valid(name)) {
		pop3_reply(p, "-ERR Names are UTF-8");
		return;
	}
	buf_put(&p->user, name);
	if (buf_failed(&p->user)) {
		pop3_reply_error(p, ERR_NOMEM);
		return;
	}
	p->state = POP3_USER;
	pop3_reply(p, "+OK And the password?");
}

/* Make p->sasl; false: refused. */
static bool
begin_login(struct pop3 *p)
{
	struct tls_info info;
	struct sasl_env e =
	    sasl_env_of(p->env->auth, p->conn, pop3_allows_plain(p), &info);

	if (sasl_new(&e, &p->sasl) == 0)
		return true;
	p->state = POP3_AUTHORIZATION;
	pop3_reply_error(p, ERR_NOMEM);
	return false;
}

/* RFC 1939 7: the argument is the rest of the line, spaces and all. */
void
pop3_pass(struct pop3 *p, const struct pop3_line *line)
{
	if (!begin_login(p))
		return;
	follow(p, sasl_password(p->sasl, buf_span(&p->user), line->rest), NULL);
}

void
pop3_auth(struct pop3 *p, const struct pop3_line *line)
{
	char storage[SASL_REPLY_BYTES];
	struct buf challenge;
	struct span mechanism, initial;

	if (pop3_line_args(line, &mechanism, &initial) < 0 ||
	    mechanism.len == 0) {
		pop3_reply_error(p, ERR_SYNTAX);
		return;
	}
	pop3_forget_login(p);
	if (!begin_login(p))
		return;
	buf_init_fixed(&challenge, storage, sizeof(storage));
	follow(p,
	    sasl_begin(
	        p->sasl, mechanism, initial.len > 0, initial, &challenge),
	    &challenge);
}

void
pop3_sasl_line(struct pop3 *p, struct span line)
{
	char storage[SASL_REPLY_BYTES];
	struct buf challenge;

	buf_init_fixed(&challenge, storage, sizeof(storage));
	follow(p, sasl_step(p->sasl, line, &challenge), &challenge);
}

/* RFC 2595 4. What was sent behind STLS in plain text is discarded, and so is
 * what was said before it. */
void
pop3_stls(struct pop3 *p, const struct pop3_line *line)
{
	(void)line;
	if (conn_is_tls(p->conn)) {
		pop3_reply(p, "-ERR TLS is on already");
		return;
	}
	if (!conn_can_start_tls(p->conn)) {
		pop3_reply(p, "-ERR TLS is not available");
		return;
	}
	if (p->is_utf8) { /* RFC 6856 2.1 */
		pop3_reply(p, "-ERR Not after UTF8");
		return;
	}
	pop3_reply(p, "+OK Begin TLS");
	pop3_forget_login(p);
	p->state = POP3_AUTHORIZATION;
	conn_start_tls(p->conn);
}

void
pop3_utf8(struct pop3 *p, const struct pop3_line *line)
{
	(void)line;
	p->is_utf8 = true;
	pop3_reply(p, "+OK UTF-8 it is");
}
