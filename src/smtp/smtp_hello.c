/* smtp_hello.c - EHLO and HELO, and what we offer (RFC 5321 4.1.1.1). */
#include "auth/auth.h"
#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "smtp/smtp_session.h"

struct extension {
	const char *text;
	bool (*is_offered)(const struct smtp *s); /* NULL: always */
	/* Put what stands behind the keyword; NULL: nothing. */
	void (*put)(struct smtp *s, struct buf *out);
};

static bool
offers_tls(const struct smtp *s)
{
	return conn_can_start_tls(s->conn);
}

/* RFC 8689 2: not before. */
static bool
is_tls(const struct smtp *s)
{
	return conn_is_tls(s->conn);
}

/* Not without TLS, unless it is allowed (RFC 6409 4.3, RFC 8314 3.3). */
static bool
offers_auth(const struct smtp *s)
{
	return smtp_is_submission(s) && s->env->auth != NULL &&
	       s->account == 0 &&
	       (conn_is_tls(s->conn) || smtp_allows_plain(s));
}

static void
put_size(struct smtp *s, struct buf *out)
{
	buf_put_u64(out, smtp_limits_of(s)->max_message_bytes);
}

static void
put_rcptmax(struct smtp *s, struct buf *out)
{
	buf_put_str(out, "RCPTMAX=");
	buf_put_u64(out, smtp_limits_of(s)->max_rcpts);
}

/* clang-format off */
static const struct extension extensions[] = {
	{ "PIPELINING",          NULL,        NULL },        /* RFC 2920 2 */
	{ "SIZE ",               NULL,        put_size },    /* RFC 1870 3 */
	{ "8BITMIME",            NULL,        NULL },        /* RFC 6152 2 */
	{ "STARTTLS",            offers_tls,  NULL },        /* RFC 3207 2 */
	{ "AUTH ",               offers_auth, smtp_auth_put_mechanisms }, /* RFC 4954 3 */
	{ "ENHANCEDSTATUSCODES", NULL,        NULL },        /* RFC 2034 3 */
	{ "SMTPUTF8",            NULL,        NULL },        /* RFC 6531 3.1 */
	{ "CHUNKING",            NULL,        NULL },        /* RFC 3030 2 */
	{ "DSN",                 NULL,        NULL },        /* RFC 3461 3 */
	{ "REQUIRETLS",          is_tls,      NULL },        /* RFC 8689 2 */
	{ "LIMITS ",             NULL,        put_rcptmax }, /* RFC 9422 3 */
	{ "HELP",                NULL,        NULL },        /* RFC 5321 4.1.1.8 */
};
/* clang-format on */

void
smtp_hello_put_extensions(struct smtp *s)
{
	const size_t n = sizeof(extensions) / sizeof(extensions[0]);
	struct buf *out = conn_out(s->conn);

	for (size_t i = 0; i < n; i++) {
		const struct extension *x = &extensions[i];

		if (x->is_offered != NULL && !x->is_offered(s))
			continue;
		/* The last row is always offered. */
		buf_put_str(out, i + 1 < n ? "250-" : "250 ");
		buf_put_str(out, x->text);
		if (x->put != NULL)
			x->put(s, out);
		buf_put_str(out, "\r\n");
	}
}

/* RFC 5321 4.1.3, or a name. Deviation: any word of the characters of names
 * and literals is one; RFC 5321 4.1.4 forbids to refuse for what it says. */
static bool
is_client_name(struct span s)
{
	if (s.len == 0 || s.len > MAX_DOMAIN_BYTES || !utf8_is_valid(s))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (!ascii_is_alnum(c) && !ascii_is_8bit(c) &&
		    strchr("-._:[]", c) == NULL)
			return false;
	}
	return true;
}

/* Start afresh under this name. Returns whether it was one. */
static bool
greet(struct smtp *s, struct span name, bool is_esmtp)
{
	char storage[64];
	struct buf literal;
	char *copy;

	/* Deviation: a device may not know its name. */
	if (s->device != NULL && !is_client_name(name)) {
		buf_init_fixed(&literal, storage, sizeof(storage));
		buf_put_char(&literal, '[');
		peer_put_literal(&literal, conn_peer(s->conn));
		buf_put_char(&literal, ']');
		name = buf_span(&literal);
	}
	if (!is_client_name(name)) {
		smtp_refuse(s, "501 5.5.4 Say your host name");
		return false;
	}
	copy = mem_alloc(name.len + 1);
	if (copy == NULL) {
		smtp_reply(s, smtp_error_text(ERR_NOMEM));
		return false;
	}
	memcpy(copy, name.p, name.len);
	mem_free(s->helo);
	s->helo = copy;
	s->is_esmtp = is_esmtp;
	smtp_txn_free(s); /* RFC 5321 4.1.4: as RSET */
	s->state = SMTP_READY;
	return true;
}

void
smtp_hello_ehlo(struct smtp *s, struct span args)
{
	if (!greet(s, args, true))
		return;
	conn_put_str(s->conn, "250-");
	conn_put(s->conn, s->env->host);
	smtp_reply(s, "");
	smtp_hello_put_extensions(s);
}

void
smtp_hello_helo(struct smtp *s, struct span args)
{
	if (!greet(s, args, false))
		return;
	conn_put_str(s->conn, "250 ");
	conn_put(s->conn, s->env->host);
	smtp_reply(s, "");
}
