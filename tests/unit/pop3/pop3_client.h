/* pop3_client.h - a POP3 server and clients of it: house.h. */
#ifndef TINPOST_TESTS_POP3_CLIENT_H
#define TINPOST_TESTS_POP3_CLIENT_H

#include "pop3/pop3.h"

#define HOUSE_ENV    struct pop3_env
#define HOUSE_ACCEPT pop3_accept

#include "../house.h"

static inline void
house_furnish(struct house *h)
{
	h->env = pop3_defaults;
}

#endif
