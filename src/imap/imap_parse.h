/* imap_parse.h - the grammar that the commands share (RFC 9051 9).
 *
 * Pure functions over the text of a whole command, literals in place, the last
 * CRLF cut off. So PARSE_MORE means: the command ends too early; to a handler
 * that is as wrong as PARSE_BAD. One function for a rule, named after it. With
 * PARSE_OK the cursor moved; else it stands still.
 *
 * Memory     results are spans into the text, or decoded into the arena;
 *            an arena that is full is PARSE_BAD.
 */
#ifndef TINPOST_IMAP_IMAP_PARSE_H
#define TINPOST_IMAP_IMAP_PARSE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "base/rangeset.h"

/* One space, no more. */
enum parse imap_parse_sp(struct cur *c);
/* Nothing is left. */
enum parse imap_parse_end(struct cur *c);
/* Exactly this word in any case, not followed by another atom character. */
enum parse imap_parse_word(struct cur *c, struct span word);

bool imap_is_atom_char(char ch);
bool imap_is_astring_char(char ch); /* atom characters and "]" */
enum parse imap_parse_tag(struct cur *c, struct span *out);
enum parse imap_parse_atom(struct cur *c, struct span *out);
/* quoted or literal: {n}, {n+}, without NUL. (literal8 of RFC 3516 stands in
 * APPEND alone, which streams it.) 8 bit is for the caller to judge. */
enum parse imap_parse_string(struct cur *c, struct arena *a, struct span *out);
enum parse imap_parse_astring(struct cur *c, struct arena *a, struct span *out);
/* out->p is NULL for NIL. */
enum parse imap_parse_nstring(struct cur *c, struct arena *a, struct span *out);

enum parse imap_parse_number(struct cur *c, uint32_t *out);
enum parse imap_parse_nz_number(struct cur *c, uint32_t *out);
enum parse imap_parse_number64(struct cur *c, uint64_t *out); /* < 2^63 */

/* A mailbox's name as a UTF-8 path: modified UTF-7 (RFC 3501 5.1.3) is decoded
 * unless is_utf8 (RFC 6855, RFC 9051 5.1), INBOX in any case becomes "INBOX",
 * one trailing "/" is kept for the caller. A name that is neither is
 * PARSE_BAD only for the grammar: *is_valid_out says whether it could be
 * decoded (CREATE of a bad name is NO, not BAD). */
enum parse imap_parse_mailbox(struct cur *c, struct arena *a, bool is_utf8,
    struct span *out, bool *is_valid_out);

/* RFC 9051 9: list-mailbox: the same with wildcards in it, case as given. */
enum parse imap_parse_list_mailbox(struct cur *c, struct arena *a, bool is_utf8,
    struct span *out, bool *is_valid_out);

/* RFC 9051 9: sequence-set, or "$" (RFC 5182). A "*" is UINT32_MAX here. */
struct imap_set {
	bool is_saved; /* "$" */
	struct range *r;
	uint32_t n;
};
/* Ranges are put in order (4:2 is 2:4), not merged. At most MAX_IMAP_RANGES. */
#define MAX_IMAP_RANGES 16000
enum parse imap_parse_set(struct cur *c, struct arena *a, struct imap_set *out);

/* One flag: *flag_out is a MESSAGE_ bit, or 0 and *keyword_out is set.
 * \Recent and unknown \flags: PARSE_BAD. */
enum parse imap_parse_flag(
    struct cur *c, uint16_t *flag_out, struct span *keyword_out);
struct imap_flags {
	uint16_t flags;
	struct span *keywords; /* at most MAX_KEYWORDS, distinct */
	uint32_t n_keywords;
};
/* "(" flags ")". STORE takes them bare too. \Recent in APPEND is left out:
 * imapcopy gives the flags that it was told (RFC 3501 2.3.2: no client can set
 * it); in STORE it is PARSE_BAD. */
enum parse imap_parse_flags(
    struct cur *c, struct arena *a, bool is_store, struct imap_flags *out);

/* date: 1-Feb-2026, quoted or not: days since 1970. */
enum parse imap_parse_date(struct cur *c, int64_t *days_out);
/* date-time: " 1-Feb-2026 12:00:00 +0100". */
enum parse imap_parse_date_time(
    struct cur *c, int64_t *unix_s_out, int16_t *zone_minutes_out);

/* Does a line end with the announcement of a literal? For the reader of
 * commands. line is without CRLF. */
struct imap_literal {
	uint64_t bytes;
	bool is_synchronizing; /* wants "+ " first */
	bool is_binary;        /* ~{n}: literal8 */
};
/* A number over 63 bits: bytes is UINT64_MAX. */
bool imap_ends_in_literal(struct span line, struct imap_literal *out);

#endif
