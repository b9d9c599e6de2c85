/* imap_client.h - an IMAP server and clients of it: house.h. */
#ifndef TINPOST_TESTS_IMAP_CLIENT_H
#define TINPOST_TESTS_IMAP_CLIENT_H

#include "imap/imap.h"

#define HOUSE_ENV    struct imap_env
#define HOUSE_ACCEPT imap_accept

#include "../house.h"

static inline void
house_furnish(struct house *h)
{
	h->env = imap_defaults;
	store_watch(h->world.store, imap_changed, NULL);
}

#endif
