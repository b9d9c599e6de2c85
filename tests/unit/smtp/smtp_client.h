/* smtp_client.h - an SMTP server and clients of it: house.h. */
#ifndef TINPOST_TESTS_SMTP_CLIENT_H
#define TINPOST_TESTS_SMTP_CLIENT_H

#include "smtp/smtp.h"

#define HOUSE_ENV    struct smtp_env
#define HOUSE_ACCEPT smtp_accept

#include "../house.h"

static inline void
house_furnish(struct house *h)
{
	h->env.host = SPAN("mx.mail.test");
	h->env.allows_plain = true;
	h->env.limits = smtp_limits_default;
}

#endif
