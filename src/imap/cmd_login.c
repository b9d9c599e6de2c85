/* cmd_login.c - STARTTLS, AUTHENTICATE, LOGIN (RFC 9051 6.2). */
#include "base/limits.h"
#include "imap/imap_session.h"

void
imap_put_login_capabilities(struct imap *i, struct buf *out)
{
	char storage[128];
	struct buf mechanisms;
	struct span rest;
	struct tls_info info;
	struct sasl_env e =
	    sasl_env_of(i->env->auth, i->conn, imap_allows_plain(i), &info);

	if (conn_can_start_tls(i->conn))
		buf_put_str(out, " STARTTLS");
	if (!imap_allows_plain(i))
		buf_put_str(out, " LOGINDISABLED");
	buf_init_fixed(&mechanisms, storage, sizeof(storage));
	sasl_put_mechanisms(&mechanisms, &e);
	rest = buf_span(&mechanisms);
	while (rest.len > 0) {
		buf_put_str(out, " AUTH=");
		buf_put(out, span_split(&rest, ' '));
	}
}

/* What was sent behind STARTTLS in plain text is discarded (RFC 9051 6.2.1).
 * Nothing that matters was said before it. */
void
imap_starttls(struct imap *i, struct cur *args)
{
	(void)args;
	if (conn_is_tls(i->conn)) {
		imap_bad(i, "TLS is on already");
		return;
	}
	if (!conn_can_start_tls(i->conn)) {
		imap_done(i, "NO [CANNOT] TLS is not available");
		return;
	}
	i->starts_tls = true;
	imap_done(i, "OK Begin TLS");
}

/* --- the course of a login --- */

static void
forget_login(struct imap *i)
{
	sasl_free(i->sasl);
	i->sasl = NULL;
}

/* Make i->sasl; false: refused. */
static bool
begin_login(struct imap *i)
{
	struct tls_info info;
	struct sasl_env e =
	    sasl_env_of(i->env->auth, i->conn, imap_allows_plain(i), &info);

	if (sasl_new(&e, &i->sasl) == 0)
		return true;
	imap_error(i, ERR_NOMEM);
	return false;
}

/* The capabilities are others now (RFC 9051 6.2.3). */
static void
welcome(struct imap *i)
{
	struct buf b;

	i->account = sasl_account(i->sasl);
	i->state = IMAP_AUTHENTICATED;
	i->n_errors = 0;
	i->n_failures = 0;
	conn_set_in_max(i->conn, imap_max_command(i) + 2);
	buf_init(&b, IMAP_REPLY_BYTES / 2);
	imap_put_capabilities(i, &b);
	if (buf_failed(&b))
		imap_done(i, "OK Signed in");
	else
		imap_done_span(
		    i, "OK [CAPABILITY ", buf_span(&b), "] Signed in");
	buf_deinit(&b);
}

static void
throttle(struct imap *i)
{
	char storage[24];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_u64(&b, sasl_delay_s(i->sasl));
	imap_done_span(i, "NO [UNAVAILABLE] Too many failures, try in ",
	    buf_span(&b), " seconds");
}

/* The login has ended without success (RFC 5530 3). */
static void
refuse_login(struct imap *i, enum sasl_result r)
{
	switch (r) {
	case SASL_FAIL:
		i->n_failures++;
		imap_done(
		    i, "NO [AUTHENTICATIONFAILED] Wrong name or password");
		return;
	case SASL_THROTTLED:
		i->n_failures++;
		throttle(i);
		return;
	case SASL_BAD:
		imap_bad(i, "Cannot read this answer");
		return;
	case SASL_ABORTED: /* RFC 9051 6.2.2 */
		imap_bad(i, "Given up");
		return;
	case SASL_UNKNOWN:
		imap_done(i, "NO [CANNOT] No such mechanism");
		return;
	case SASL_NEEDS_TLS:
		imap_done(
		    i, "NO [PRIVACYREQUIRED] Only with TLS: STARTTLS first");
		return;
	case SASL_BUSY:
	case SASL_CONTINUE:
	case SASL_WAIT:
	case SASL_OK:
		break;
	}
	imap_done(i, "NO [UNAVAILABLE] Too busy, try later");
}

static enum imap_step step_answer(struct imap *i);
static enum imap_step step_check(struct imap *i);

/* The client's next line is an answer to a challenge. */
static const struct imap_job answer_job = { step_answer, NULL, true };
/* A password is being hashed. */
static const struct imap_job check_job = { step_check, NULL, false };

/* Go where the login stands now. challenge: what it wants said, if it goes
 * on. */
static void
follow(struct imap *i, enum sasl_result r, const struct buf *challenge)
{
	struct buf *out = conn_out(i->conn);

	if (r == SASL_CONTINUE) {
		conn_set_in_max(i->conn, MAX_AUTH_LINE + 2);
		buf_put_str(out, "+ ");
		buf_put(out, buf_span(challenge));
		buf_put_str(out, "\r\n");
		imap_start_job(i, &answer_job, NULL);
		return;
	}
	if (r == SASL_WAIT) {
		imap_start_job(i, &check_job, NULL);
		return;
	}
	if (r == SASL_OK)
		welcome(i);
	else
		refuse_login(i, r);
	forget_login(i);
}

static enum imap_step
step_check(struct imap *i)
{
	char storage[SASL_REPLY_BYTES];
	struct buf challenge;
	enum sasl_result r;

	buf_init_fixed(&challenge, storage, sizeof(storage));
	r = sasl_poll(i->sasl, &challenge);
	if (r == SASL_WAIT)
		return IMAP_WAIT;
	follow(i, r, &challenge);
	return IMAP_MORE;
}

static enum imap_step
step_answer(struct imap *i)
{
	char storage[SASL_REPLY_BYTES];
	struct buf challenge;
	struct span line;
	size_t n;

	switch (imap_read_line(i, MAX_AUTH_LINE, &line, &n)) {
	case PARSE_MORE:
		return IMAP_WAIT;
	case PARSE_BAD:
		forget_login(i);
		imap_refuse(i, "BAD The answer is too long", NULL);
		return IMAP_MORE;
	case PARSE_OK:
		break;
	}
	buf_init_fixed(&challenge, storage, sizeof(storage));
	follow(i, sasl_step(i->sasl, line, &challenge), &challenge);
	conn_consume(i->conn, n);
	return IMAP_MORE;
}

/* --- the commands --- */

void
imap_login(struct imap *i, struct cur *args)
{
	struct span user, password;

	if (imap_parse_sp(args) != PARSE_OK ||
	    imap_parse_astring(args, &i->arena, &user) != PARSE_OK ||
	    imap_parse_sp(args) != PARSE_OK ||
	    imap_parse_astring(args, &i->arena, &password) != PARSE_OK ||
	    imap_parse_end(args) != PARSE_OK) {
		imap_bad(i, "LOGIN takes a name and a password");
		return;
	}
	if (begin_login(i))
		follow(i, sasl_password(i->sasl, user, password), NULL);
}

void
imap_authenticate(struct imap *i, struct cur *args)
{
	char storage[SASL_REPLY_BYTES];
	struct span mechanism, initial = SPAN("");
	struct buf challenge;
	bool has_initial = false;

	if (imap_parse_sp(args) != PARSE_OK ||
	    imap_parse_atom(args, &mechanism) != PARSE_OK) {
		imap_bad(i, "AUTHENTICATE takes a mechanism");
		return;
	}
	if (imap_parse_sp(args) == PARSE_OK) { /* RFC 4959 3 */
		initial = cur_rest(args);
		has_initial = true;
	} else if (!cur_is_end(args)) {
		imap_bad(i, "AUTHENTICATE takes a mechanism and an answer");
		return;
	}
	if (!begin_login(i))
		return;
	buf_init_fixed(&challenge, storage, sizeof(storage));
	follow(i,
	    sasl_begin(i->sasl, mechanism, has_initial, initial, &challenge),
	    &challenge);
}
