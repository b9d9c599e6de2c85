/* spf.h - may this client send for this domain? RFC 7208, all of it.
 *
 * Ownership  spf_new copies what it is given; spf_free at any time.
 * Blocking   never. The wake comes from the loop, once; then look at
 *            spf_result.
 * Limits     of RFC 7208 4.6.4: 10 terms that ask, 2 of them in vain, 10 names
 *            of an MX or PTR. A record has at most SPF_MAX_RECORD bytes, an
 *            explanation SPF_MAX_EXPLANATION. The time is the caller's: after
 *            spf_give_up the result is temperror.
 */
#ifndef TINPOST_TRUST_SPF_H
#define TINPOST_TRUST_SPF_H

#include "net/dns.h"

#define SPF_MAX_LOOKUPS     10
#define SPF_MAX_VOID        2
#define SPF_MAX_NAMES       10 /* of one MX or PTR */
#define SPF_MAX_RECORD      4096
#define SPF_MAX_EXPLANATION 256

/* RFC 7208 2.6 */
enum spf_result {
	SPF_PENDING,
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR
};

struct spf_input {
	const struct peer *client;
	struct span helo;
	/* local@domain; empty: the HELO identity is checked, as
	 * postmaster@HELO (RFC 7208 2.3, 2.4). */
	struct span mail_from;
	struct span receiver; /* our host name, for %{r} */
};

struct spf;

/* Begin. ERR_NOMEM. The result may be there at once (an address that has no
 * domain to ask): then no wake comes. */
MUST_USE int spf_new(struct dns *dns, const struct spf_input *in,
    void (*wake)(void *owner), void *owner, struct spf **out);
void spf_free(struct spf *s); /* NULL is fine */

enum spf_result spf_result(const struct spf *s);

/* The domain that was checked: of MAIL FROM, or of HELO. */
struct span spf_domain(const struct spf *s);

/* The domain's own words for a fail (RFC 7208 6.2): ASCII, foreign, empty when
 * there are none. */
struct span spf_explanation(const struct spf *s);

/* Why it is a permerror or temperror; "" otherwise. */
const char *spf_reason(const struct spf *s);

/* Ask no more: what is not decided is a temperror. No wake comes. */
void spf_give_up(struct spf *s);

/* "none", "pass", ... */
const char *spf_name(enum spf_result r);

#endif
