/* smtp_offer.h - what another server says that it can do, in its reply to EHLO
 * (RFC 5321 4.1.1.1). Pure. */
#ifndef TINPOST_SMTP_SMTP_OFFER_H
#define TINPOST_SMTP_SMTP_OFFER_H

#include "base/span.h"

enum {
	OFFER_PIPELINING = 1u << 0, /* RFC 2920 */
	OFFER_SIZE = 1u << 1,       /* RFC 1870 */
	OFFER_8BITMIME = 1u << 2,   /* RFC 6152 */
	OFFER_SMTPUTF8 = 1u << 3,   /* RFC 6531 */
	OFFER_CHUNKING = 1u << 4,   /* RFC 3030 */
	OFFER_DSN = 1u << 5,        /* RFC 3461 */
	OFFER_STARTTLS = 1u << 6,   /* RFC 3207 */
	OFFER_REQUIRETLS = 1u << 7, /* RFC 8689 */
	OFFER_AUTH = 1u << 8        /* RFC 4954 */
};

/* In the order of preference. */
enum {
	MECH_SCRAM_SHA_256 = 1u << 0, /* RFC 7677 */
	MECH_PLAIN = 1u << 1,         /* RFC 4616 */
	MECH_LOGIN = 1u << 2,
	MECH_OAUTHBEARER = 1u << 3, /* RFC 7628 */
	MECH_XOAUTH2 = 1u << 4
};

struct smtp_offer {
	uint32_t words; /* OFFER_ */
	uint32_t mechs; /* MECH_ */
	uint64_t size;  /* of SIZE; 0: no fixed maximum */
	uint32_t n_lines;
};

/* Take the text of one line. The first is the greeting, and is passed over. */
void smtp_offer_take(struct smtp_offer *f, struct span text);

/* The name of a mechanism. */
const char *smtp_offer_mech_name(uint32_t mech);

#endif
