/* smtp_data.c - DATA and its text (RFC 5321 4.1.1.4, 4.5.2). */
#include "base/clock.h"
#include "smtp/smtp_session.h"

/* RFC 5321 4.3.2: a refusal for policy may come before the text. */
static void
begin_data(struct smtp *s)
{
	const char *refusal = smtp_judge_client(s);
	int rc;

	if (refusal != NULL) {
		smtp_judge_note(s, refusal);
		smtp_reply(s, refusal);
		smtp_txn_free(s); /* with the text */
		return;
	}
	rc = smtp_body_begin(s, false);
	if (rc < 0) {
		smtp_txn_free(s);
		smtp_reply(s, smtp_error_text(rc));
		return;
	}
	conn_set_in_max(s->conn, CONN_IN_MAX);
	s->state = SMTP_DATA;
	smtp_reply(s, "354 End with a line of one dot");
}

void
smtp_data(struct smtp *s, struct span args)
{
	if (args.len > 0) {
		smtp_refuse(s, "501 5.5.4 DATA takes no argument");
	} else if (smtp_judge_wait_client(s)) {
		s->state = SMTP_DATA_WAIT;
	} else {
		begin_data(s);
	}
}

enum step
smtp_data_wait(struct smtp *s)
{
	if (conn_in(s->conn).len > 0) {
		/* A message may not turn into commands (RFC 2920 3.1). */
		conn_consume(s->conn, conn_in(s->conn).len);
		smtp_bye(s, "503 5.5.0 Wait for my reply");
		return STEP_WAIT;
	}
	if (smtp_judge_is_asking(s->txn))
		return STEP_WAIT;
	s->has_moved = true;
	s->state = SMTP_RCPT;
	begin_data(s);
	return STEP_MORE;
}

static void
end_data(struct smtp *s)
{
	conn_set_in_max(
	    s->conn, 2 * MAX_SMTP_LINE); /* 8 KB: a pipelined group */
	if (s->txn->dots.faults & (DOTS_BARE_CR | DOTS_BARE_LF | DOTS_NUL)) {
		/* What comes behind may be a smuggled second message. */
		smtp_note_refusal(
		    s, span_of(NULL, 0), "554 5.6.0 bare CR, LF or NUL");
		smtp_bye(
		    s, "554 5.6.0 Only CR LF ends a line, and NUL is no text");
		return;
	}
	smtp_body_end(s);
}

enum step
smtp_data_step(struct smtp *s)
{
	struct span in = conn_in(s->conn);
	const struct smtp_limits *l = smtp_limits_of(s);
	size_t n = in.len;
	bool was_faulty = s->txn->dots.faults != 0;

	if (n == 0)
		return STEP_WAIT;
	smtp_body_take(s, &in);
	conn_consume(s->conn, n - in.len);
	if (!was_faulty)
		s->has_moved = true; /* a fault gets no more time */
	if (dots_is_over(&s->txn->dots)) {
		s->has_moved = true;
		end_data(s);
		return STEP_MORE;
	}
	if (s->txn->n_bytes > l->max_message_bytes + l->max_refused_bytes)
		smtp_bye(s, "552 5.3.4 Message much too large");
	return STEP_WAIT;
}
