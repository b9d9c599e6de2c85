/* STAT, LIST, UIDL (RFC 1939 5 and 7). */
#include "pop3/pop3_session.h"

/* The longest line: two numbers, or a number and a unique-id. */
#define LIST_LINE_BYTES 64
/* Lines in one step, so that a list of 100,000 leaves the others their turn;
 * one costs about a microsecond. */
#define LIST_STEP_LINES 500

void
pop3_stat(struct pop3 *p, const struct pop3_line *line)
{
	struct buf *out = conn_out(p->conn);

	(void)line;
	buf_put_str(out, "+OK ");
	buf_put_u64(out, maildrop_count(p->drop));
	buf_put_char(out, ' ');
	buf_put_u64(out, maildrop_bytes(p->drop));
	buf_put_str(out, "\r\n");
}

/* "number size" or "number unique-id". */
static void
put_line(struct pop3 *p, uint32_t number, const struct message *m)
{
	struct buf *out = conn_out(p->conn);

	buf_put_u64(out, number);
	buf_put_char(out, ' ');
	if (p->is_uidl)
		maildrop_put_uidl(p->drop, m->uid, out);
	else
		buf_put_u64(out, m->bytes);
	buf_put_str(out, "\r\n");
}

static void
list_one(struct pop3 *p, struct span argument)
{
	struct message m;
	uint32_t number;
	int rc = pop3_line_number(argument, &number);

	if (rc == 0)
		rc = maildrop_get(p->drop, number, &m);
	if (rc < 0) {
		pop3_reply_error(p, rc);
		return;
	}
	buf_put_str(conn_out(p->conn), "+OK ");
	put_line(p, number, &m);
}

static void
list(struct pop3 *p, const struct pop3_line *line)
{
	struct buf *out = conn_out(p->conn);
	struct span a, b;

	if (pop3_line_args(line, &a, &b) < 0 || b.len > 0) {
		pop3_reply_error(p, ERR_SYNTAX);
		return;
	}
	if (a.len > 0) {
		list_one(p, a);
		return;
	}
	buf_put_str(out, "+OK ");
	buf_put_u64(out, maildrop_count(p->drop));
	buf_put_str(out, " messages (");
	buf_put_u64(out, maildrop_bytes(p->drop));
	buf_put_str(out, " octets)\r\n");
	p->number = 0;
	p->uid = 0;
	p->state = POP3_LISTING;
}

void
pop3_list(struct pop3 *p, const struct pop3_line *line)
{
	p->is_uidl = false;
	list(p, line);
}

void
pop3_uidl(struct pop3 *p, const struct pop3_line *line)
{
	p->is_uidl = true;
	list(p, line);
}

enum pop3_step
pop3_step_listing(struct pop3 *p)
{
	struct message m;

	for (int i = 0; i < LIST_STEP_LINES; i++) {
		if (conn_out_room(p->conn) < POP3_REPLY_BYTES)
			return POP3_WAIT; /* woken when it has drained */
		if (!maildrop_next(p->drop, &p->number, &p->uid)) {
			pop3_reply(p, ".");
			p->state = POP3_TRANSACTION;
			return POP3_MORE;
		}
		m.uid = p->uid;
		/* One that was expunged elsewhere has no size any more; its
		 * number stays unused. */
		if (message_get(p->drop->store, p->drop->mailbox, p->uid, &m) ==
		    0)
			put_line(p, p->number, &m);
	}
	conn_wake(p->conn);
	return POP3_WAIT;
}
