/* RETR, TOP (RFC 1939 5 and 7): messages, piece by piece. */
#include "pop3/pop3_session.h"

void
pop3_forget_message(struct pop3 *p)
{
	if (p->is_pinned)
		body_unpin(p->env->store, p->body);
	p->is_pinned = false;
}

/* Begin to send message number, with so many lines of its body. */
static void
send_message(struct pop3 *p, uint32_t number, uint32_t n_lines)
{
	struct buf *out = conn_out(p->conn);
	struct message m;
	int rc = maildrop_get(p->drop, number, &m);

	if (rc == 0)
		rc = body_pin(p->env->store, m.body);
	if (rc < 0) {
		pop3_reply_error(p, rc);
		return;
	}
	p->is_pinned = true;
	p->body = m.body;
	p->offset_bytes = 0;
	dotstuff_init(&p->stuff, n_lines);
	p->state = POP3_SENDING;
	buf_put_str(out, "+OK");
	if (n_lines == DOTSTUFF_ALL_LINES) {
		buf_put_char(out, ' ');
		buf_put_u64(out, m.bytes);
		buf_put_str(out, " octets");
		p->n_retrieved++;
	}
	buf_put_str(out, "\r\n");
}

void
pop3_retr(struct pop3 *p, const struct pop3_line *line)
{
	struct span a, b;
	uint32_t number;

	if (pop3_line_args(line, &a, &b) < 0 || b.len > 0 ||
	    pop3_line_number(a, &number) < 0) {
		pop3_reply_error(p, ERR_SYNTAX);
		return;
	}
	send_message(p, number, DOTSTUFF_ALL_LINES);
}

void
pop3_top(struct pop3 *p, const struct pop3_line *line)
{
	struct span a, b;
	uint32_t number;
	uint64_t n_lines;

	if (pop3_line_args(line, &a, &b) < 0 ||
	    pop3_line_number(a, &number) < 0 ||
	    span_to_u64(b, DOTSTUFF_ALL_LINES - 1, &n_lines) < 0) {
		pop3_reply_error(p, ERR_SYNTAX);
		return;
	}
	send_message(p, number, (uint32_t)n_lines);
}

/* Read and put one piece. Returns 1 when there is more, 0 at the end, or an
 * error. */
static int
send_piece(struct pop3 *p)
{
	char storage[POP3_PIECE_BYTES];
	struct buf piece;
	size_t want = (conn_out_room(p->conn) - 16) / 3 * 2;
	int rc;

	if (want > POP3_PIECE_BYTES)
		want = POP3_PIECE_BYTES;
	buf_init_fixed(&piece, storage, sizeof(storage));
	rc = body_read(p->env->store, p->body, p->offset_bytes, want, &piece);
	if (rc < 0)
		return rc;
	p->offset_bytes += piece.len;
	dotstuff_put(&p->stuff, buf_span(&piece), conn_out(p->conn));
	return piece.len > 0 && !p->stuff.is_done;
}

enum pop3_step
pop3_step_sending(struct pop3 *p)
{
	int rc = 1;

	/* Output that is full enough ends the step: at most CONN_OUT_MAX. */
	while (rc == 1) {
		if (conn_out_room(p->conn) < 2 * POP3_REPLY_BYTES)
			return POP3_WAIT; /* woken when it has drained */
		rc = send_piece(p);
	}
	pop3_forget_message(p);
	if (rc < 0) {
		/* Half a message must not look like a whole one. */
		p->state = POP3_CLOSING;
		conn_abort(p->conn);
		return POP3_WAIT;
	}
	dotstuff_end(&p->stuff, conn_out(p->conn));
	p->state = POP3_TRANSACTION;
	return POP3_MORE;
}
