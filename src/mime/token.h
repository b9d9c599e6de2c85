/* token.h - the lexical tokens of structured field values (RFC 5322 3.2),
 * private to this room. Obsolete and broken forms are taken: what is not
 * closed ends with the value. Linear, and no recursion for comments.
 */
#ifndef TINPOST_MIME_TOKEN_H
#define TINPOST_MIME_TOKEN_H

#include "base/buf.h"
#include "base/cursor.h"

enum token_kind {
	TOKEN_END,
	TOKEN_ATOM,    /* a run without space and specials */
	TOKEN_QUOTED,  /* text: between the quotes */
	TOKEN_LITERAL, /* text: with its brackets */
	TOKEN_SPECIAL  /* text: the one character */
};

struct token {
	enum token_kind kind;
	struct span text;
	struct span comment; /* the last one before it; p NULL: none */
	bool has_gap;        /* space or a comment before it */
};

/* Which characters end an atom, besides space. */
enum token_specials {
	TOKEN_ADDRESS_SPECIALS = 1, /* RFC 5322 3.2.3 without "." */
	TOKEN_MIME_SPECIALS = 2,    /* RFC 2045 5.1 tspecials */
	TOKEN_DATE_SPECIALS = 4     /* those of addresses, "/" and "." */
};

/* The next token; at the end TOKEN_END, again and again. */
struct token token_next(struct cur *c, enum token_specials specials);

/* Does it end an atom of addresses? */
bool token_ends_address_atom(char ch);

/* Append the inside of a quoted string or comment without its backslashes,
 * CR, LF and NUL. */
void token_put_unquoted(struct buf *b, struct span inside);

#endif
