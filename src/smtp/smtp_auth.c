/* smtp_auth.c - AUTH (RFC 4954): the lines of auth/sasl.h on the wire. */
#include "auth/auth.h"
#include "smtp/smtp_session.h"

void
smtp_auth_put_mechanisms(struct smtp *s, struct buf *out)
{
	struct tls_info tls;
	struct sasl_env e =
	    sasl_env_of(s->env->auth, s->conn, smtp_allows_plain(s), &tls);

	sasl_put_mechanisms(out, &e);
}

static void
end_exchange(struct smtp *s)
{
	sasl_free(s->sasl);
	s->sasl = NULL;
	s->state = SMTP_READY;
}

/* A wrong password, or what looks like a guesser's. */
static void
fail(struct smtp *s, const char *text)
{
	end_exchange(s);
	if (++s->n_auth_failures >= smtp_limits_of(s)->max_auth_failures)
		smtp_bye(s, "421 4.7.0 Too many wrong passwords");
	else
		smtp_reply(s, text);
}

static void
succeed(struct smtp *s)
{
	s->account = sasl_account(s->sasl);
	end_exchange(s);
	conn_set_in_max(s->conn, 2 * MAX_SMTP_LINE);
	smtp_reply(s, "235 2.7.0 Welcome");
}

void
smtp_auth_cancel(struct smtp *s, const char *text)
{
	end_exchange(s);
	smtp_refuse(s, text);
}

/* What is said for each answer of sasl.h (RFC 4954 4, 6). */
static void
answer(struct smtp *s, enum sasl_result r, struct span challenge)
{
	switch (r) {
	case SASL_CONTINUE:
		conn_put_str(s->conn, "334 ");
		conn_put(s->conn, challenge);
		smtp_reply(s, "");
		s->state = SMTP_AUTH;
		break;
	case SASL_WAIT:
		s->state = SMTP_AUTH_WAIT;
		conn_pause_input(s->conn, true);
		break;
	case SASL_OK:
		succeed(s);
		break;
	case SASL_FAIL:
		fail(s, "535 5.7.8 Wrong name or password");
		break;
	case SASL_THROTTLED:
		fail(s, "454 4.7.0 Too many tries, wait a while");
		break;
	case SASL_BUSY:
		end_exchange(s);
		smtp_reply(s, "454 4.7.0 Busy, try again");
		break;
	case SASL_BAD:
		smtp_auth_cancel(s, "501 5.5.2 Not understood");
		break;
	case SASL_ABORTED:
		smtp_auth_cancel(s, "501 5.7.0 Cancelled");
		break;
	case SASL_UNKNOWN:
		smtp_auth_cancel(s, "504 5.5.4 No such mechanism");
		break;
	case SASL_NEEDS_TLS:
		smtp_auth_cancel(s, "538 5.7.11 STARTTLS first");
		break;
	}
}

void
smtp_auth(struct smtp *s, struct span args)
{
	char storage[SASL_REPLY_BYTES];
	struct buf challenge;
	struct tls_info tls;
	struct sasl_env e;
	struct span initial = args;
	struct span mechanism = span_split(&initial, ' ');
	enum sasl_result r;

	if (s->account != 0) {
		smtp_refuse(s, "503 5.5.1 You are signed in"); /* RFC 4954 4 */
		return;
	}
	if (mechanism.len == 0) {
		smtp_refuse(s, "501 5.5.4 AUTH needs a mechanism");
		return;
	}
	if (s->env->auth == NULL) {
		smtp_refuse(s, "504 5.5.4 No such mechanism");
		return;
	}
	if (!conn_is_tls(s->conn) && !smtp_allows_plain(s)) {
		smtp_refuse(s, "538 5.7.11 STARTTLS first");
		return;
	}
	initial = span_trim(initial);
	e = sasl_env_of(s->env->auth, s->conn, smtp_allows_plain(s), &tls);
	if (sasl_new(&e, &s->sasl) < 0) {
		smtp_reply(s, "454 4.7.0 Busy, try again");
		return;
	}
	buf_init_fixed(&challenge, storage, sizeof(storage));
	r = sasl_begin(
	    s->sasl, mechanism, initial.len > 0, initial, &challenge);
	answer(s, r, buf_span(&challenge));
	wipe(storage, sizeof(storage));
}

void
smtp_auth_line(struct smtp *s, struct span line)
{
	char storage[SASL_REPLY_BYTES];
	struct buf challenge;
	enum sasl_result r;

	buf_init_fixed(&challenge, storage, sizeof(storage));
	r = sasl_step(s->sasl, line, &challenge);
	answer(s, r, buf_span(&challenge));
	wipe(storage, sizeof(storage));
}

enum step
smtp_auth_wait(struct smtp *s)
{
	char storage[SASL_REPLY_BYTES];
	struct buf challenge;
	enum sasl_result r;

	buf_init_fixed(&challenge, storage, sizeof(storage));
	r = sasl_poll(s->sasl, &challenge);
	if (r == SASL_WAIT)
		return STEP_WAIT;
	conn_pause_input(s->conn, false);
	s->has_moved = true;
	answer(s, r, buf_span(&challenge));
	wipe(storage, sizeof(storage));
	return STEP_MORE;
}
