/* spf_in.h - one check of SPF, for its two modules: spf.c evaluates the terms
 * and asks, spf_answer.c takes what the DNS answers.
 */
#ifndef TINPOST_TRUST_SPF_IN_H
#define TINPOST_TRUST_SPF_IN_H

#include "base/arena.h"
#include "base/limits.h"
#include "trust/spf.h"
#include "trust/spf_macro.h"
#include "trust/spf_record.h"

/* One domain's record under evaluation: the first, and one for each include
 * below it. A redirect takes the place of its frame. */
struct frame {
	struct span domain;
	struct cur terms;
	struct span redirect, exp; /* p NULL: none */
	char qualifier;            /* of the include that led here */
	bool is_redirected;
};

/* What the pending query is for. */
enum asking {
	ASK_NOTHING,
	ASK_RECORD,
	ASK_ADDRESS, /* of the mechanism a */
	ASK_MX,
	ASK_MX_ADDRESS,
	ASK_PTR,
	ASK_PTR_ADDRESS,
	ASK_EXISTS,
	ASK_EXP
};

enum ptr_state { PTR_UNKNOWN, PTR_ASKED, PTR_KNOWN };

/* Records, names and domains of one check: eleven records of the longest kind,
 * and a hundred names. */
#define ARENA_BYTES (96 * 1024)

#define MAX_FRAMES (SPF_MAX_LOOKUPS + 1)

struct spf {
	struct dns *dns;
	void (*wake)(void *owner);
	void *owner;
	struct arena arena;
	struct spf_vars vars;
	struct peer client;
	struct span domain; /* that was checked */
	struct dns_query query;
	struct frame frames[MAX_FRAMES];
	size_t n_frames;
	struct spf_term term; /* being evaluated, if has_term */
	struct span target;
	struct span names[SPF_MAX_NAMES]; /* of an MX or PTR */
	size_t n_names, name_at;
	struct span hosts[SPF_MAX_NAMES]; /* validated names of the client */
	size_t n_hosts;
	struct span exp_text;
	struct span explanation;
	const char *reason;
	unsigned n_lookups, n_void;
	enum spf_result result;
	enum spf_result decided; /* an explanation is still fetched */
	enum asking asking;
	enum ptr_state ptr;
	bool has_term;
};

/* The check is over. */
void spf_end(struct spf *s, enum spf_result result, const char *reason);

/* Ask, and remember what for. */
void spf_ask(
    struct spf *s, enum asking what, enum dns_type type, struct span name);

/* The client's kind of address. */
enum dns_type spf_address_type(const struct spf *s);

/* The record under evaluation. */
struct frame *spf_top(struct spf *s);

/* Is addr, of the client's kind, in one network with the client, by the lengths
 * of the term? */
bool spf_is_client_in(const struct spf *s, const uint8_t *addr, bool is_ip6);

/* The term at hand matches, or does not. */
void spf_match_if(struct spf *s, bool is_match);

/* The record of the top frame says r. For an include, RFC 7208 5.2. */
void spf_finish_frame(struct spf *s, enum spf_result r, const char *reason);

/* Ask for the client's names; they are in s->hosts when s->ptr is PTR_KNOWN. */
void spf_ask_ptr(struct spf *s);

/* RFC 7208 7.3: the name that %{p} stands for. */
void spf_choose_ptr(struct spf *s);

/* Take the answer to s->query: the check is over, asks again, or goes on with
 * the terms. */
void spf_take_answer(struct spf *s);

#endif
