/* cmd_namespace.c - NAMESPACE (RFC 9051 6.3.10, RFC 2342): everybody sees their
 * own mailboxes, and nobody else's. */
#include "imap/imap_session.h"

void
imap_namespace(struct imap *i, struct cur *args)
{
	(void)args;
	conn_put_str(i->conn, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	imap_done(i, "OK These are all");
}
