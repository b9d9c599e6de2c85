/* cmd_status.c - STATUS (RFC 9051 6.3.11). */
#include "imap/imap_name.h"
#include "imap/imap_session.h"
#include "imap/imap_status.h"

struct task {
	struct imap_status status;
	struct span path;
};

static enum imap_step
step_status(struct imap *i)
{
	struct task *t = i->task;
	int rc;

	if (conn_out_room(i->conn) < 512 + 3 * t->path.len)
		return IMAP_WAIT;
	rc = imap_status_step(i, &t->status, t->path);
	if (rc < 0)
		imap_error(i, rc);
	else if (rc == 0)
		imap_done(i, "OK Status is told");
	return IMAP_MORE;
}

static const struct imap_job status_job = { step_status, NULL, false };

void
imap_status(struct imap *i, struct cur *args)
{
	struct task *t = imap_alloc(i, sizeof(*t));
	uint32_t mailbox;

	if (t == NULL || !imap_name_take(i, args, &t->path))
		return;
	if (imap_parse_sp(args) != PARSE_OK ||
	    imap_status_parse(args, &t->status.items) != PARSE_OK ||
	    imap_parse_end(args) != PARSE_OK) {
		imap_bad(i, "STATUS takes a mailbox and a list of items");
		return;
	}
	if (!imap_name_find(i, t->path, &mailbox))
		return;
	if (imap_status_wants_modseq(t->status.items))
		imap_enable_condstore(i);
	imap_status_begin(&t->status, mailbox);
	imap_start_job(i, &status_job, t);
}
