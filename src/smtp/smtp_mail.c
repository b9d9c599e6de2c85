/* smtp_mail.c - MAIL, which begins a transaction (RFC 5321 4.1.1.2). */
#include "auth/auth.h"
#include "base/clock.h"
#include "base/idna.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "smtp/smtp_session.h"

/* For the longest paths, parameters and lists of recipients. */
#define TXN_BYTES (512 * 1024)

/* An id that does not depend on the clock, which may be wrong. */
static void
draw_id(char id[SMTP_ID_BYTES])
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint8_t random[SMTP_ID_BYTES];

	rand_bytes(random, sizeof(random));
	for (size_t i = 0; i < SMTP_ID_BYTES; i++)
		id[i] = digits[random[i] & 31];
}

int
smtp_txn_new(struct smtp *s)
{
	struct smtp_txn *t = mem_alloc(sizeof(*t));

	if (t == NULL)
		return ERR_NOMEM;
	arena_init(&t->arena, TXN_BYTES);
	t->rcpts_end = &t->rcpts;
	t->onward_end = &t->onward;
	draw_id(t->id);
	s->txn = t;
	return 0;
}

void
smtp_txn_free(struct smtp *s)
{
	struct smtp_txn *t = s->txn;

	if (t != NULL) {
		trust_free(t->trust);
		upload_free(t->upload);
		mime_parser_free(t->parser);
		if (t->has_edit)
			header_edit_deinit(&t->edit);
		smtp_sign_free(t);
		buf_deinit(&t->prefix);
		buf_deinit(&t->summary);
		mem_free(t->accounts);
		arena_reset(&t->arena);
		mem_free(t);
		s->txn = NULL;
	}
	if (s->state != SMTP_NEW && s->state != SMTP_CLOSING)
		s->state = SMTP_READY;
}

static const char *
params_text(int rc)
{
	switch (rc) {
	case ERR_EXISTS:
		return "501 5.5.4 A parameter came twice";
	case ERR_UNSUPPORTED:
		return "555 5.5.4 Unknown parameter"; /* RFC 5321 4.1.1.11 */
	case ERR_LIMIT:
		return "552 5.3.4 Message too large";
	default:
		return "501 5.5.4 Bad parameter";
	}
}

int
smtp_owns(struct smtp *s, struct span address)
{
	return s->device != NULL
	           ? smtp_device_owns(s, address)
	           : resolve_owns(s->env->store, s->account, address);
}

/* May this sender be, with these parameters? NULL: yes. */
static const char *
check_sender(struct smtp *s, const struct smtp_txn *t, bool is_8bit)
{
	int rc;

	if (!t->params.is_utf8 && is_8bit)
		return "550 5.6.7 SMTPUTF8 is needed for this address";
	if (t->params.requires_tls && !conn_is_tls(s->conn))
		return "530 5.7.0 REQUIRETLS is for connections with TLS";
	if (t->params.size_bytes > smtp_limits_of(s)->max_message_bytes)
		return "552 5.3.4 Message too large"; /* RFC 1870 6.1 */
	if (store_is_read_only(s->env->store))
		return smtp_error_text(ERR_READ_ONLY);
	if (!store_has_room(s->env->store, t->params.size_bytes))
		return smtp_error_text(ERR_FULL); /* RFC 1870 6.1 */
	if (!smtp_is_ours(s) || (t->from.len == 0 && s->device == NULL))
		return NULL;
	rc = smtp_owns(s, t->from);
	if (rc == ERR_DENIED && s->device != NULL)
		return "553 5.7.1 This device may not send as this address; "
		       "the "
		       "owner can allow it: tinpost device set";
	if (rc == ERR_DENIED || rc == ERR_SYNTAX || rc == ERR_NONE)
		return "553 5.7.1 This sender address is not yours";
	return rc < 0 ? smtp_error_text(rc) : NULL;
}

/* Keep the sender, with its quotes undone, in the arena. */
static int
keep_sender(struct smtp_txn *t, const struct path *p)
{
	char storage[2 * MAX_ADDRESS_BYTES];
	struct buf b;
	size_t n_local;

	if (p->is_null)
		return 0;
	buf_init_fixed(&b, storage, sizeof(storage));
	address_put_local(&b, p->local);
	n_local = b.len;
	buf_put_char(&b, '@');
	if (idna_to_ascii(&b, p->domain) == ERR_SYNTAX)
		return ERR_SYNTAX;
	if (buf_failed(&b))
		return ERR_NOMEM;
	if (arena_copy(&t->arena, buf_span(&b), &t->from) < 0)
		return ERR_NOMEM;
	t->from_local = span_sub(t->from, 0, n_local);
	t->from_domain = span_sub(t->from, n_local + 1, t->from.len);
	return 0;
}

/* Copy what must outlive the line. */
static int
keep_params(struct smtp_txn *t)
{
	if (arena_copy(&t->arena, t->params.envid, &t->params.envid) < 0)
		return ERR_NOMEM;
	return arena_copy(&t->arena, t->params.auth, &t->params.auth);
}

void
smtp_mail(struct smtp *s, struct span args)
{
	char storage[MAX_SMTP_LINE + 2];
	struct cur c = cur_of(args);
	struct smtp_mail_params params;
	struct path path;
	const char *refusal;
	int rc;

	if (!cur_skip_nocase(&c, SPAN("FROM:"))) {
		smtp_refuse(s, "501 5.5.4 MAIL FROM:<address>");
		return;
	}
	cur_skip(&c, ' '); /* Deviation: scanners and Outlook put one here. */
	c = cur_of(smtp_device_brackets(s, cur_rest(&c), storage));
	if (path_parse(&c, true, &path) != PARSE_OK ||
	    (!path.is_null && path.domain.len == 0)) {
		smtp_refuse(s, "501 5.1.7 Not an address in angle brackets");
		return;
	}
	rc = smtp_params_mail(cur_rest(&c), &params);
	if (rc < 0) {
		smtp_refuse(s, params_text(rc));
		return;
	}
	/* What is begun and left again costs DNS all the same. */
	if (s->n_messages >= smtp_limits_of(s)->max_messages ||
	    s->n_judged >= smtp_limits_of(s)->max_messages) {
		smtp_bye(s, "421 4.7.0 Enough messages, connect again");
		return;
	}
	if (mem_is_tight() || smtp_txn_new(s) < 0) {
		smtp_reply(s, smtp_error_text(ERR_NOMEM));
		return;
	}
	s->txn->params = params;
	rc = keep_sender(s->txn, &path);
	if (rc == ERR_SYNTAX)
		refusal = "553 5.1.7 Not a domain name";
	else if (rc < 0 || keep_params(s->txn) < 0)
		refusal = smtp_error_text(ERR_NOMEM);
	else
		refusal = check_sender(s, s->txn,
		    utf8_has_8bit(path.local) || utf8_has_8bit(path.domain));
	if (refusal != NULL) {
		smtp_note_refusal(s, span_of(NULL, 0), refusal);
		smtp_txn_free(s);
		smtp_refuse(s, refusal);
		return;
	}
	s->state = SMTP_MAIL;
	smtp_reply(s, "250 2.1.0 Ok");
}
