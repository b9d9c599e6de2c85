#include "auth/identity.h"

#include "auth/mac.h"
#include "auth/resolve.h"
#include "auth/state.h"
#include "base/hash.h"

/* The whole address that an unknown name would be: folded, and with the
 * first domain of ours behind a bare local part, as a real one of one domain
 * has the same salt with and without its domain. */
static void
put_stand_in_name(struct store *s, struct span name, struct buf *out)
{
	char raw_storage[2 * MAX_ADDRESS_BYTES];
	char domain_storage[MAX_ADDRESS_BYTES];
	struct buf raw, domain;

	buf_init_fixed(&raw, raw_storage, sizeof(raw_storage));
	buf_put(&raw, span_sub(name, 0, MAX_ADDRESS_BYTES));
	buf_init_fixed(&domain, domain_storage, sizeof(domain_storage));
	if (span_find(name, '@') == name.len && domain_next(s, &domain) == 0) {
		buf_put_char(&raw, '@');
		buf_put(&raw, buf_span(&domain));
	}
	if (resolve_normalize(out, buf_span(&raw)) < 0) {
		buf_reset(out);
		buf_put(out, buf_span(&raw));
	}
}

static void
stand_in(struct auth *a, struct span name, struct identity *out)
{
	char storage[2 * MAX_ADDRESS_BYTES];
	struct buf full;
	uint8_t mac[MAC_BYTES];

	buf_init_fixed(&full, storage, sizeof(storage));
	put_stand_in_name(a->store, name, &full);
	mac_hmac(span_of(a->fake_key, MAC_BYTES), SPAN("salt"), buf_span(&full),
	    mac);
	memcpy(out->secret.salt, mac, sizeof(out->secret.salt));
	mac_hmac(span_of(a->fake_key, MAC_BYTES), SPAN("stored"),
	    buf_span(&full), out->secret.stored_key);
	mac_hmac(span_of(a->fake_key, MAC_BYTES), SPAN("server"),
	    buf_span(&full), out->secret.server_key);
	out->secret.iterations = a->iterations;
	out->key = hash_mem(buf_span(&full));
}

int
identity_find(struct auth *a, struct span name, struct identity *out)
{
	struct account_view view;
	uint32_t id;
	int rc;

	*out = (struct identity){ 0 };
	stand_in(a, name, out); /* always: a real name takes no less time */
	rc = resolve_login(a->store, name, &id);
	if (rc == 0)
		rc = account_get(a->store, id, &view);
	if (rc == ERR_NONE || rc == ERR_SYNTAX || rc == ERR_LIMIT)
		return 0;
	if (rc < 0)
		return rc;
	if ((view.flags & ACCOUNT_DISABLED) || view.secret.iterations == 0)
		return 0;
	out->account_id = id;
	out->secret = view.secret;
	out->key = hash_mem(span_of(&id, sizeof(id)));
	return 0;
}

bool
identity_is_current(struct auth *a, const struct identity *i)
{
	struct account_view view;

	return i->account_id != 0 &&
	       account_get(a->store, i->account_id, &view) == 0 &&
	       !(view.flags & ACCOUNT_DISABLED) &&
	       span_is_secret(span_of(view.secret.stored_key,
	                          sizeof(view.secret.stored_key)),
	           span_of(i->secret.stored_key, sizeof(i->secret.stored_key)));
}
