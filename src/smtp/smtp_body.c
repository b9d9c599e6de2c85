/* smtp_body.c - a message on its way in: the trace header, one pass for
 * everything that looks at the text, and the judgement at its end. */
#include "auth/auth.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "smtp/smtp_session.h"

/* Of one From address. */
#define MAX_FROM_ADDRESS (MAX_ADDRESS_BYTES + 1024)

static void
put_tls(const struct smtp *s, struct buf *out)
{
	struct tls_info tls;

	if (conn_tls_info(s->conn, &tls) < 0)
		return;
	buf_put_str(out, "TLSv1.2 ");
	buf_put_str(out, tls.cipher);
}

/* Return-Path and Received (RFC 5321 4.4), which come to stand in front. */
static int
put_trace(struct smtp *s)
{
	struct smtp_txn *t = s->txn;
	char tls_storage[80], peer_storage[64];
	struct buf tls, peer;
	int64_t now = clock_wall_s();
	struct received r = {
		.helo = span_str(s->helo),
		.by = s->env->host,
		.id = span_of(t->id, SMTP_ID_BYTES),
		.wall_s = now,
		.zone_minutes = clock_zone_minutes(now),
		.is_esmtp = s->is_esmtp,
		.is_auth = s->account != 0,
		.is_utf8 = t->params.is_utf8,
	};

	buf_init_fixed(&tls, tls_storage, sizeof(tls_storage));
	put_tls(s, &tls);
	r.tls = buf_span(&tls);
	buf_init_fixed(&peer, peer_storage, sizeof(peer_storage));
	peer_put(&peer, conn_peer(s->conn));
	r.peer = buf_span(&peer);
	/* RFC 5321 7.2: several recipients must not see each other. */
	if (t->n_rcpts == 1) {
		r.for_local = t->rcpts->local;
		r.for_domain = t->rcpts->domain;
	}
	buf_init(&t->prefix, MAX_PREFIX_BYTES);
	/* RFC 5321 4.4: at the last delivery only; the queue has the same
	 * text. */
	if (t->n_onward == 0)
		trace_put_return_path(
		    &t->prefix, t->from_local, t->from_domain);
	t->n_return_path = t->prefix.len;
	trace_put_received(&t->prefix, &r);
	return buf_failed(&t->prefix) ? ERR_NOMEM : 0;
}

int
smtp_body_begin(struct smtp *s, bool is_plain)
{
	struct smtp_txn *t = s->txn;
	int rc;

	t->started_ms = clock_mono_ms();
	dots_init(&t->dots, is_plain);
	t->dots.is_lax = s->device != NULL;
	t->dots.max_line_bytes = smtp_limits_of(s)->max_text_line;
	/* Return-Path is ours to write (RFC 5321 4.4); Bcc is the sender's
	 * secret (RFC 6409 8). */
	header_edit_init(
	    &t->edit, EDIT_RETURN_PATH | (smtp_is_ours(s) ? EDIT_BCC : 0));
	t->has_edit = true;
	/* RFC 8601 5; the setting may change on the way. */
	rc = arena_copy(&t->arena, s->env->host, &t->edit.results_of);
	if (rc < 0)
		return rc;
	rc = put_trace(s);
	if (rc < 0)
		return rc;
	t->parser = mime_parser_new();
	if (t->parser == NULL)
		return ERR_NOMEM;
	mime_parser_feed(t->parser, buf_span(&t->prefix));
	buf_init(&t->summary, MAX_SUMMARY_BYTES);
	rc = smtp_sign_begin(s);
	if (rc == 0)
		rc = smtp_judge_begin(s);
	if (rc < 0)
		return rc;
	return upload_new(s->env->store, &t->upload);
}

/* Into the store and the parser. */
static void
keep(struct smtp_txn *t, struct span bytes)
{
	if (t->fault < 0 || bytes.len == 0)
		return;
	t->fault = upload_put(t->upload, bytes);
	if (t->fault == 0) {
		mime_parser_feed(t->parser, bytes);
		smtp_sign_feed(t, bytes);
	}
}

/* The header is over: add what a mail client forgot (RFC 6409 8). */
static void
end_header(struct smtp *s)
{
	struct smtp_txn *t = s->txn;
	char storage[1024];
	struct buf b;
	int64_t now = clock_wall_s();

	t->is_header_done = true;
	if (!smtp_is_ours(s))
		return;
	buf_init_fixed(&b, storage, sizeof(storage));
	if (t->edit.n_date == 0)
		trace_put_date(&b, now, clock_zone_minutes(now));
	if (t->edit.n_message_id == 0)
		trace_put_message_id(
		    &b, clock_wall_ms(), rand_u64(), s->env->host);
	if (!buf_failed(&b))
		keep(t, buf_span(&b));
}

/* Text of the message, unstuffed. */
static void
take_text(struct smtp *s, struct span text)
{
	struct smtp_txn *t = s->txn;
	struct cur c = cur_of(text);
	struct span kept;

	t->n_bytes += text.len;
	t->has_8bit = t->has_8bit || utf8_has_8bit(text);
	if (t->n_bytes > smtp_limits_of(s)->max_message_bytes)
		t->is_too_large = true; /* RFC 1870 6.3 */
	if (t->is_too_large || t->dots.faults != 0 || t->fault < 0)
		return;
	if (t->trust != NULL)
		trust_feed(t->trust, text);
	while (header_edit_step(&t->edit, &c, &kept)) {
		if (t->edit.is_over && !t->is_header_done)
			end_header(s);
		keep(t, kept);
	}
}

void
smtp_body_take(struct smtp *s, struct span *in)
{
	struct span text;

	while (dots_next(&s->txn->dots, in, &text))
		take_text(s, text);
}

static void
finish_text(struct smtp *s)
{
	struct smtp_txn *t = s->txn;
	struct span rest;

	if (t->dots.is_plain) {
		dots_finish(&t->dots, &rest);
		take_text(s, rest);
	}
	if (header_edit_finish(&t->edit, &rest)) {
		if (!t->is_header_done)
			end_header(s);
		keep(t, rest);
	} else if (!t->is_header_done) {
		end_header(s);
	}
}

/* Does each address of From belong to who signed in (RFC 6409 6.1)? A
 * message without From is its envelope's. 0, ERR_DENIED, or an error. */
static int
check_from(struct smtp *s)
{
	struct header_edit *e = &s->txn->edit;
	struct address_iter it;
	struct address a;
	struct buf scratch, address;
	int rc = e->is_from_cut ? ERR_DENIED : 0;

	if (buf_error(&e->from) == ERR_NOMEM)
		return ERR_NOMEM;
	buf_init(&scratch, MAX_FROM_ADDRESS);
	buf_init(&address, MAX_FROM_ADDRESS);
	address_iter_init(&it, buf_span(&e->from), &scratch);
	while (rc == 0 && address_iter_next(&it, &a) == 0) {
		if (buf_error(&scratch) == ERR_NOMEM)
			rc = ERR_NOMEM;
		if (rc < 0 || a.kind != ADDRESS_MAILBOX)
			continue;
		buf_reset(&address);
		buf_put(&address, a.mailbox);
		buf_put_char(&address, '@');
		buf_put(&address, a.host);
		if (buf_error(&address) == ERR_NOMEM)
			rc = ERR_NOMEM;
		else if (buf_failed(&address) || a.host.len == 0)
			rc = ERR_DENIED;
		else
			rc = smtp_owns(s, buf_span(&address));
	}
	buf_deinit(&scratch);
	buf_deinit(&address);
	return rc;
}

/* NULL: it may be stored. */
static const char *
judge(struct smtp *s)
{
	struct smtp_txn *t = s->txn;
	int rc;

	if (t->is_too_large)
		return "552 5.3.4 Message too large";
	if (t->dots.faults & DOTS_LONG_LINE)
		return "554 5.6.0 A line is too long";
	if (t->dots.faults != 0)
		return "554 5.6.0 Only CR LF ends a line, and NUL is no text";
	if (t->fault < 0)
		return smtp_error_text(t->fault);
	if (t->edit.n_received > smtp_limits_of(s)->max_hops)
		return "554 5.4.6 Mail loop: too many hops";
	if (!smtp_is_ours(s))
		return NULL;
	if (t->edit.n_from > 1)
		return "554 5.6.0 More than one From field";
	rc = check_from(s);
	if (rc == ERR_DENIED || rc == ERR_SYNTAX || rc == ERR_NONE ||
	    rc == ERR_LIMIT)
		return "550 5.7.1 The From address is not yours";
	return rc < 0 ? smtp_error_text(rc) : NULL;
}

/* Store the message, or say why not. */
static void
end_message(struct smtp *s, const char *refusal)
{
	if (refusal == NULL) /* it came by BDAT */
		refusal = smtp_judge_client(s);
	if (refusal == NULL) {
		smtp_judge_count(s);
		refusal = smtp_judge_refusal(s->txn);
	}
	if (refusal == NULL && smtp_judge_put(s->txn) < 0)
		refusal = smtp_error_text(ERR_NOMEM);
	if (refusal == NULL) {
		smtp_deliver(s, buf_span(&s->txn->summary));
	} else {
		smtp_note_refusal(s, span_of(NULL, 0), refusal);
		smtp_reply(s, refusal);
	}
	smtp_txn_free(s);
}

/* What is refused needs no signature. */
static bool
is_signing(struct smtp *s)
{
	return smtp_judge_refusal(s->txn) == NULL && smtp_sign_wait(s);
}

void
smtp_body_end(struct smtp *s)
{
	struct smtp_txn *t = s->txn;
	const char *refusal;

	finish_text(s);
	refusal = judge(s);
	if (refusal == NULL && mime_parser_finish(t->parser, &t->summary) < 0)
		refusal = smtp_error_text(ERR_NOMEM);
	if (refusal == NULL && (smtp_judge_wait(s) || is_signing(s))) {
		s->state = SMTP_END_WAIT;
		conn_pause_input(s->conn, true);
		return;
	}
	end_message(s, refusal);
}

enum step
smtp_body_wait(struct smtp *s)
{
	if (smtp_judge_is_waiting(s->txn) || is_signing(s))
		return STEP_WAIT;
	conn_pause_input(s->conn, false);
	s->has_moved = true;
	end_message(s, NULL);
	return STEP_MORE;
}
