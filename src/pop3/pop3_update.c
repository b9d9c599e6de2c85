/* DELE, RSET, QUIT (RFC 1939 5 and 6). */
#include "pop3/pop3_session.h"

#include "base/log.h"

void
pop3_dele(struct pop3 *p, const struct pop3_line *line)
{
	struct span a, b;
	uint32_t number;
	int rc;

	if (pop3_line_args(line, &a, &b) < 0 || b.len > 0 ||
	    pop3_line_number(a, &number) < 0)
		rc = ERR_SYNTAX;
	else
		rc = maildrop_mark(p->drop, number);
	if (rc < 0)
		pop3_reply_error(p, rc);
	else
		pop3_reply(p, "+OK Deleted at QUIT");
}

void
pop3_rset(struct pop3 *p, const struct pop3_line *line)
{
	(void)line;
	maildrop_reset(p->drop);
	pop3_reply(p, "+OK Nothing is to be deleted");
}

void
pop3_quit(struct pop3 *p, const struct pop3_line *line)
{
	(void)line;
	if (p->drop == NULL || p->drop->n_marked == 0)
		pop3_close(p, "+OK Bye");
	else
		p->state = POP3_UPDATE;
}

static void
log_deleted(const struct pop3 *p)
{
	struct log l;

	log_begin(&l, LOG_NOTE, "pop3.deleted");
	log_num(&l, "account", p->account_id);
	log_num(&l, "messages", p->drop->n_marked);
	log_end(&l);
}

/* The answer is put in the turn of the change, and so leaves behind its
 * flush. */
enum pop3_step
pop3_step_update(struct pop3 *p)
{
	int rc = maildrop_commit(p->drop);

	if (rc == 1) {
		conn_wake(p->conn);
		return POP3_WAIT;
	}
	if (rc < 0) { /* RFC 1939 6: none is removed, and the session ends */
		pop3_close(p, "-ERR [SYS/TEMP] Nothing was deleted, try later");
		return POP3_WAIT;
	}
	log_deleted(p);
	pop3_close(p, "+OK Deleted, bye");
	return POP3_WAIT;
}
