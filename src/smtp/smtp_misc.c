/* smtp_misc.c - the commands that change little or nothing. */
#include "smtp/smtp_session.h"

void
smtp_misc_rset(struct smtp *s, struct span args)
{
	if (args.len > 0) {
		smtp_refuse(s, "501 5.5.4 RSET takes no argument");
		return;
	}
	smtp_txn_free(s);
	smtp_reply(s, "250 2.0.0 Forgotten");
}

void
smtp_misc_noop(struct smtp *s, struct span args)
{
	(void)args; /* RFC 5321 4.1.1.9: ignored */
	smtp_reply(s, "250 2.0.0 Ok");
}

void
smtp_misc_quit(struct smtp *s, struct span args)
{
	if (args.len > 0) {
		smtp_refuse(s, "501 5.5.4 QUIT takes no argument");
		return;
	}
	smtp_bye(s, "221 2.0.0 Bye");
}

/* RFC 5321 7.3: the same for everybody, so that nothing is given away. */
void
smtp_misc_vrfy(struct smtp *s, struct span args)
{
	if (args.len == 0)
		smtp_refuse(s, "501 5.5.4 VRFY whom?");
	else
		smtp_reply(s, "252 2.5.0 Send mail to find out");
}

void
smtp_misc_help(struct smtp *s, struct span args)
{
	struct buf *out = conn_out(s->conn);

	(void)args;
	buf_put_str(out, "214 2.0.0 ");
	smtp_session_put_verbs(s, out);
	buf_put_str(out, "\r\n");
}

void
smtp_misc_not_here(struct smtp *s, struct span args)
{
	(void)args;
	smtp_refuse(s, "502 5.5.1 Not implemented");
}

/* A web browser was made to talk to us: what follows is a stranger's text. */
void
smtp_misc_http(struct smtp *s, struct span args)
{
	(void)args;
	conn_consume(s->conn, conn_in(s->conn).len);
	smtp_bye(s, "421 4.7.0 This is no web server");
}
