#include "auth/recent.h"

/* The set of places in which an account may stand. */
static size_t
set_of(uint32_t account_id)
{
	size_t n_sets = RECENT_ENTRIES / RECENT_WAYS;

	return (account_id % n_sets) * RECENT_WAYS;
}

bool
recent_has(const struct recent *r, uint32_t account_id,
    const uint8_t mark[MAC_BYTES], int64_t now_s)
{
	size_t at = set_of(account_id);

	for (size_t i = at; i < at + RECENT_WAYS; i++) {
		const struct recent_entry *e = &r->entries[i];

		if (e->account_id == account_id && now_s < e->until_s)
			return span_is_secret(span_of(e->mark, MAC_BYTES),
			    span_of(mark, MAC_BYTES));
	}
	return false;
}

void
recent_put(struct recent *r, uint32_t account_id, const uint8_t mark[MAC_BYTES],
    int64_t until_s)
{
	size_t at = set_of(account_id);
	struct recent_entry *best = &r->entries[at];

	for (size_t i = at; i < at + RECENT_WAYS; i++) {
		struct recent_entry *e = &r->entries[i];

		if (e->account_id == account_id) {
			best = e;
			break;
		}
		if (best->account_id != 0 &&
		    (e->account_id == 0 || e->until_s < best->until_s))
			best = e;
	}
	best->account_id = account_id;
	best->until_s = until_s;
	memcpy(best->mark, mark, MAC_BYTES);
}

void
recent_forget(struct recent *r, uint32_t account_id)
{
	size_t at = set_of(account_id);

	for (size_t i = at; i < at + RECENT_WAYS; i++) {
		if (r->entries[i].account_id == account_id)
			wipe(&r->entries[i], sizeof(r->entries[i]));
	}
}
