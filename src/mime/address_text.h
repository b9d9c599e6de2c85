/* address_text.h - the paths of SMTP and the addresses of message headers.
 *
 * Ownership  spans of a path point into the parsed input; those of a struct
 *            address into the iterator's scratch buffer, until its next step.
 */
#ifndef TINPOST_MIME_ADDRESS_TEXT_H
#define TINPOST_MIME_ADDRESS_TEXT_H

#include "base/buf.h"
#include "base/cursor.h"

/* A reverse or forward path, its source route dropped. */
struct path {
	struct span local; /* as written: with its quotes, if any */
	struct span
	    domain;   /* empty for <postmaster>; a literal with brackets */
	bool is_null; /* <> */
	bool is_literal;
};

/* RFC 5321 4.1.2: "<" [route ":"] mailbox ">", "<>" or "<postmaster>" in any
 * case. is_utf8: the command carried SMTPUTF8 (RFC 6531 3.3). PARSE_BAD also
 * for controls and for parts over the limits of RFC 5321 4.5.3.1. */
enum parse path_parse(struct cur *c, bool is_utf8, struct path *out);

/* Append a local part without its quotes and backslashes. */
void address_put_local(struct buf *b, struct span local);

/* Append the mailbox as SMTP and header fields write it: the local part
 * (unquoted) quoted where it must be, "@", the domain; no "@" when the domain
 * is empty. */
void address_put(struct buf *b, struct span local, struct span domain);

/* Split local@domain (no angle brackets, UTF-8 allowed) as a person types it.
 * ERR_SYNTAX: not an address. */
MUST_USE int address_split(
    struct span s, struct span *local_out, struct span *domain_out);

/* A domain name (no literal) of letters, digits, "-", "_" and UTF-8. */
bool address_is_domain(struct span s);

/* Append the key under which an address is found: the local part unquoted,
 * both parts case folded, "@" between them (none when the domain is empty).
 * ERR_SYNTAX: not UTF-8. ERR_LIMIT: b is full. */
MUST_USE int address_put_normal(
    struct buf *b, struct span local, struct span domain);

/* Append an address in UTF-8 as the type utf-8 has it (RFC 6533 3): "\x{...}" in
 * place of what could be mistaken for something else, and of all that is not
 * ASCII if is_ascii. What is no UTF-8 is "?". */
void address_put_unitext(struct buf *out, struct span address, bool is_ascii);

/* The same in ASCII from such a form, whose "\x{...}" stay. */
void address_put_ascii(struct buf *out, struct span unitext);

enum address_item { ADDRESS_MAILBOX, ADDRESS_GROUP_START, ADDRESS_GROUP_END };

/* What an ENVELOPE needs of one address (RFC 9051 7.5.2). A group's name
 * stands in mailbox. A mailbox without a domain has an empty host: the
 * caller must put something there, for NIL would mean a group. */
struct address {
	enum address_item kind;
	struct span name;    /* unquoted, encoded words left as they are */
	struct span route;   /* "@a,@b", obsolete */
	struct span mailbox; /* unquoted */
	struct span host;
};

struct address_iter {
	struct cur c;
	struct buf *scratch;
	bool is_in_group;
};

/* Read the addresses of an unfolded value of From, To, Cc, ... in linear
 * time, obsolete and broken forms included (RFC 5322 3.4, 4.4). scratch holds
 * one address; what exceeds its maximum is cut. */
void address_iter_init(
    struct address_iter *it, struct span value, struct buf *scratch);

/* The next address, group start or group end. ERR_NONE: no more. */
MUST_USE int address_iter_next(struct address_iter *it, struct address *out);

#endif
