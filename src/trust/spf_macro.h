/* spf_macro.h - the macros of SPF records (RFC 7208 7). Pure; private to this
 * room. */
#ifndef TINPOST_TRUST_SPF_MACRO_H
#define TINPOST_TRUST_SPF_MACRO_H

#include "base/buf.h"
#include "base/cursor.h"

/* Is s a macro-string (RFC 7208 7.1)? is_text: of an explanation, with spaces
 * and more letters. *is_macro_end_out: the last is a macro. */
bool spf_is_macro_string(struct span s, bool is_text, bool *is_macro_end_out);

/* What macros stand for (RFC 7208 7.2). */
struct spf_vars {
	struct span local, sender_domain; /* %{l}, %{o} */
	struct span domain;               /* %{d} */
	struct span helo, receiver;
	struct span ptr; /* %{p} */
	uint8_t addr[16];
	bool is_ip6;
	int64_t wall_s; /* %{t} */
};

/* Is the macro %{p} in it? */
bool spf_uses_ptr(struct span spec);

/* Append a domain-spec with its macros expanded, cut from the left to the
 * 253 bytes of a name (RFC 7208 7.3). ERR_NOMEM, ERR_LIMIT, ERR_SYNTAX. */
MUST_USE int spf_expand_domain(
    struct buf *out, struct span spec, const struct spf_vars *v);

/* Append an explanation (RFC 7208 6.2), in which c, r and t are known too.
 * ERR_SYNTAX: it is wrong, or not ASCII. ERR_LIMIT. */
MUST_USE int spf_expand_text(
    struct buf *out, struct span text, const struct spf_vars *v);

#endif
