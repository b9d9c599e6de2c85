/* cmd_idle.c - IDLE (RFC 9051 6.3.13, RFC 2177). The session keeps nothing but
 * itself while it waits; the store's watcher wakes it (imap_view_changed). */
#include "imap/imap_session.h"

#define MAX_DONE_LINE 64

static enum imap_step
step_idle(struct imap *i)
{
	struct span line;
	size_t n;
	int rc = i->view != NULL ? imap_view_sync(i, true) : 0;

	if (rc == 1)
		return IMAP_MORE;
	if (rc < 0) {
		imap_lose_view(i, rc);
		return IMAP_WAIT;
	}
	switch (imap_read_line(i, MAX_DONE_LINE, &line, &n)) {
	case PARSE_MORE:
		return IMAP_WAIT;
	case PARSE_BAD:
		imap_refuse(i, "BAD Say DONE", NULL);
		return IMAP_MORE;
	case PARSE_OK:
		break;
	}
	if (span_is_nocase(line, SPAN("DONE")))
		imap_done(i, "OK Done");
	else
		imap_done(i, "BAD Say DONE");
	conn_consume(i->conn, n);
	return IMAP_MORE;
}

static void
free_idle(struct imap *i)
{
	if (i->view != NULL)
		i->view->is_idle = false;
}

static const struct imap_job idle_job = { step_idle, free_idle, true };

void
imap_idle(struct imap *i, struct cur *args)
{
	(void)args;
	if (i->view != NULL)
		i->view->is_idle = true;
	arena_reset(&i->arena); /* nothing is kept while it waits */
	conn_put_str(i->conn, "+ idling\r\n");
	imap_start_job(i, &idle_job, NULL);
}
