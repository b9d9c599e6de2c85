/* recent.h - who signed in lately with which password, so that a phone that
 * looks for mail every minute costs no hash.
 *
 * A mark is a MAC, under a key of this process, of the account, its stored
 * key and the password: a new password makes old marks worthless by itself,
 * and one person's mark never fits another's account.
 */
#ifndef TINPOST_AUTH_RECENT_H
#define TINPOST_AUTH_RECENT_H

#include "auth/mac.h"

#define RECENT_ENTRIES 256
#define RECENT_WAYS    4

struct recent_entry {
	uint32_t account_id; /* 0: free */
	int64_t until_s;
	uint8_t mark[MAC_BYTES];
};

struct recent {
	struct recent_entry entries[RECENT_ENTRIES];
};

bool recent_has(const struct recent *r, uint32_t account_id,
    const uint8_t mark[MAC_BYTES], int64_t now_s);

/* Remember until until_s. */
void recent_put(struct recent *r, uint32_t account_id,
    const uint8_t mark[MAC_BYTES], int64_t until_s);

void recent_forget(struct recent *r, uint32_t account_id);

#endif
