/* dns_answer.h - questions and answers as the resolver's messages have them.
 *
 * Pure functions: no socket, no clock. c-ares has seen that the id and the
 * question of an answer are those of ours; the rest may be anything.
 */
#ifndef TINPOST_NET_DNS_ANSWER_H
#define TINPOST_NET_DNS_ANSWER_H

#include "net/dns.h"
#include "net/dns_wire.h"

/* The answer that resolvers may send by UDP: what passes everywhere without
 * fragments (RFC 6891 6.2.5). */
#define DNS_UDP_BYTES 1232

/* Append a question for type at name. With EDNS it ends in an OPT record. */
void dns_question_put(struct buf *b, uint16_t id, enum dns_type type,
    const struct dns_wire *name, bool has_edns);

struct dns_answer {
	/* In and out: whose records are looked for. Where the answer follows
	 * aliases, it is the last of them. */
	struct dns_wire name;
	uint8_t n_aliases; /* in and out: followed so far */
	/* Out. DNS_PENDING: the answer ends in an alias whose records were
	 * not sent along: ask for name. */
	enum dns_state state;
	bool is_authentic;
	bool refuses_edns;  /* DNS_TEMPFAIL, but without EDNS it may answer */
	uint32_t ttl_s;     /* as the answer says; of its aliases too */
	struct buf records; /* for dns_answer_next */
};

/* With no records yet; name and n_aliases are the caller's to set. */
void dns_answer_init(struct dns_answer *a);
void dns_answer_deinit(struct dns_answer *a);

/* Read one message. Records past DNS_MAX_RECORDS are left out. */
void dns_answer_parse(
    struct dns_answer *a, enum dns_type type, struct span message);

/* The record at *at of an answer's records, which moves on. False at the
 * end. */
bool dns_answer_next(struct span records, enum dns_type type, size_t *at,
    struct dns_record *out);

#endif
