/* smtp_srs.c - senders of what an alias here sends on, and the reports that
 * come back to them (trust/srs.h). */
#include "auth/auth.h"
#include "base/clock.h"
#include "smtp/smtp_session.h"
#include "trust/trust.h"

static int
get_srs(struct smtp *s, struct srs *out)
{
	_Static_assert(
	    SRS_KEY_BYTES == SIGNING_SECRET_BYTES, "the key is the secret");
	out->now_s = clock_wall_s();
	return signing_key_secret(s->env->store, SPAN("srs"), out->key);
}

int
smtp_srs_sender(struct smtp *s, struct span *out)
{
	struct smtp_txn *t = s->txn;
	char storage[2 * MAX_ADDRESS_BYTES];
	struct srs srs;
	struct buf b;
	int rc;

	*out = t->from;
	/* SPF of the next server looks for us in the sender's domain, and
	 * finds us in our own. */
	if (t->from.len == 0 || resolve_is_local(s->env->store, t->from_domain))
		return 0;
	buf_init_fixed(&b, storage, sizeof(storage));
	rc = get_srs(s, &srs);
	if (rc == 0)
		rc = srs_forward(&srs, t->from, t->alias_domain, &b);
	wipe(&srs, sizeof(srs));
	if (rc == ERR_LIMIT || rc == ERR_INVALID)
		return 0; /* as it is, it may arrive */
	return rc < 0 ? rc : arena_copy(&t->arena, buf_span(&b), out);
}

const char *
smtp_srs_back(struct smtp *s, struct span local, struct buf *out)
{
	struct srs srs;
	int rc;

	/* Only reports come there, and only once accepted mail was sent. */
	if (s->txn->from.len > 0)
		return "550 5.7.1 Only reports of delivery are taken here";
	rc = get_srs(s, &srs);
	if (rc == 0)
		rc = srs_reverse(&srs, local, out);
	wipe(&srs, sizeof(srs));
	if (rc == ERR_GONE)
		return "550 5.1.6 This address was good for some weeks only";
	if (rc == ERR_DENIED || rc == ERR_NONE || rc == ERR_LIMIT)
		return "550 5.1.1 Nobody here has this address";
	return rc < 0 ? smtp_error_text(rc) : NULL;
}
