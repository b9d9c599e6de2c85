/* smtp_tls.c - STARTTLS (RFC 3207). */
#include "auth/auth.h"
#include "base/mem.h"
#include "smtp/smtp_session.h"

void
smtp_tls_start(struct smtp *s, struct span args)
{
	if (args.len > 0) {
		/* RFC 3207 4 */
		smtp_refuse(s, "501 5.5.4 STARTTLS takes no argument");
		return;
	}
	if (conn_is_tls(s->conn)) {
		smtp_refuse(s, "503 5.5.1 TLS is running");
		return;
	}
	if (!conn_can_start_tls(s->conn)) {
		smtp_refuse(s, "454 4.7.0 No TLS here");
		return;
	}
	smtp_reply(s, "220 2.0.0 Begin TLS");
	conn_start_tls(s->conn);
	/* RFC 3207 4.2: nothing is known any more. */
	smtp_txn_free(s);
	sasl_free(s->sasl);
	s->sasl = NULL;
	mem_free(s->helo);
	s->helo = NULL;
	s->account = 0;
	s->is_esmtp = false;
	s->state = SMTP_NEW;
}
