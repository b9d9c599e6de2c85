/* token_answer.h - what a provider's token endpoint says (RFC 6749 5).
 *
 * Pure: bytes in, texts out. They hold secrets: deinit wipes them.
 */
#ifndef TINPOST_QUEUE_TOKEN_ANSWER_H
#define TINPOST_QUEUE_TOKEN_ANSWER_H

#include "base/buf.h"

#define TOKEN_MAX_BYTES 4096 /* an access token, as MAX_RELAY_TOKEN_BYTES */
#define TOKEN_MAX_WORDS 300  /* of an error */
/* RFC 6749 5.1: where no time is told. */
#define TOKEN_DEFAULT_S 600

struct token_answer {
	struct buf access;  /* visible ASCII; empty: there is none */
	struct buf refresh; /* a new refresh token; empty: the old one stays */
	uint32_t expires_s; /* from now; at most a day */
	struct buf error;   /* "invalid_grant: words", printable ASCII */
};

void token_answer_init(struct token_answer *a);
void token_answer_deinit(struct token_answer *a);

/* Read the body of an answer. ERR_SYNTAX: it holds neither a bearer's token nor
 * an error. */
MUST_USE int token_answer_parse(struct token_answer *a, struct span body);

#endif
