/* spf_record.h - the text of an SPF record. Pure; private to this room. */
#ifndef TINPOST_TRUST_SPF_RECORD_H
#define TINPOST_TRUST_SPF_RECORD_H

#include "base/buf.h"
#include "base/cursor.h"

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT, /* the modifiers */
	SPF_EXP,
	SPF_OTHER
};

struct spf_term {
	enum spf_kind kind;
	char qualifier;   /* of a mechanism: + - ? ~ */
	struct span spec; /* domain-spec, macros and all; empty: none */
	uint8_t addr[16]; /* ip4 (4 bytes), ip6 */
	uint8_t bits4, bits6;
	bool is_never; /* ip6 of an address that counts as IPv4 */
};

/* Is this TXT an SPF record (RFC 7208 4.5)? */
bool spf_record_is(struct span txt);

/* Where the terms begin. */
struct cur spf_record_terms(struct span record);

/* The next term (RFC 7208 4.6.1, 12). ERR_NONE: no more. ERR_SYNTAX. */
MUST_USE int spf_term_next(struct cur *c, struct spf_term *out);

/* Look through all of a record, as RFC 7208 4.6 wants before anything is
 * evaluated. Sets the values of redirect= and exp=; p is NULL where there is
 * none. ERR_SYNTAX. */
MUST_USE int spf_record_check(
    struct span record, struct span *redirect_out, struct span *exp_out);

#endif
