/* smtp_bdat.c - BDAT and its chunks (RFC 3030 2). */
#include "base/clock.h"
#include "smtp/smtp_session.h"

#define TOO_LARGE "552 5.3.4 Message too large"

/* The command may come in any state: its bytes must be taken before it is
 * refused, or they would be read as commands. NULL: it is in order. */
static const char *
begin_chunk(struct smtp *s)
{
	const char *text = NULL;
	int rc;

	if (s->state != SMTP_RCPT && s->state != SMTP_CHUNKS)
		return "503 5.5.1 MAIL and RCPT first";
	if (s->txn->n_bytes + s->chunk_left >
	    smtp_limits_of(s)->max_message_bytes)
		text = TOO_LARGE;
	if (text == NULL && s->state == SMTP_RCPT) {
		rc = smtp_body_begin(s, true);
		if (rc < 0)
			text = smtp_error_text(rc);
	}
	if (text != NULL)
		smtp_txn_free(s);
	return text;
}

void
smtp_bdat(struct smtp *s, struct span args)
{
	const char *text;

	if (smtp_params_bdat(args, &s->chunk_left, &s->is_last_chunk) < 0) {
		/* Where the next command begins cannot be known. */
		smtp_bye(s, "501 5.5.4 BDAT size [LAST]");
		return;
	}
	/* Nobody sends so much after hearing the limit from EHLO. */
	if (s->chunk_left > smtp_limits_of(s)->max_message_bytes &&
	    s->chunk_left - smtp_limits_of(s)->max_message_bytes >
	        smtp_limits_of(s)->max_message_bytes) {
		smtp_bye(s, TOO_LARGE);
		return;
	}
	text = begin_chunk(s);
	/* SMTP_CHUNK returns to the state before: remembered by the
	 * transaction and the greeting. */
	s->chunk_reply = text;
	if (s->state == SMTP_NEW)
		s->chunk_reply = "503 5.5.1 Say EHLO first";
	conn_set_in_max(s->conn, CONN_IN_MAX);
	s->state = SMTP_CHUNK;
}

/* The state that a chunk leaves behind. */
static enum smtp_state
state_after(const struct smtp *s)
{
	if (s->helo == NULL)
		return SMTP_NEW;
	if (s->txn == NULL)
		return SMTP_READY;
	if (s->txn->upload != NULL)
		return SMTP_CHUNKS;
	return s->txn->n_rcpts > 0 ? SMTP_RCPT : SMTP_MAIL;
}

static void
end_chunk(struct smtp *s)
{
	const char *text = s->chunk_reply;

	conn_set_in_max(
	    s->conn, 2 * MAX_SMTP_LINE); /* 8 KB: a pipelined group */
	s->state = state_after(s);
	s->chunk_reply = NULL;
	if (text != NULL) {
		smtp_refuse(s, text);
	} else if (s->is_last_chunk) {
		smtp_body_end(s);
	} else if (s->txn->fault < 0) {
		text = smtp_error_text(s->txn->fault);
		smtp_txn_free(s);
		smtp_reply(s, text);
	} else {
		smtp_reply(s, "250 2.0.0 Go on");
	}
}

enum step
smtp_bdat_step(struct smtp *s)
{
	struct span in = conn_in(s->conn);
	struct span chunk;

	if (in.len > s->chunk_left)
		in.len = (size_t)s->chunk_left;
	if (in.len == 0 && s->chunk_left > 0)
		return STEP_WAIT;
	chunk = in;
	if (s->chunk_reply == NULL)
		smtp_body_take(s, &chunk);
	s->chunk_left -= in.len;
	conn_consume(s->conn, in.len);
	s->has_moved = true;
	if (s->chunk_left == 0)
		end_chunk(s);
	return STEP_MORE;
}
