/* imap_reply.h - the one writer of what goes to an IMAP client: strings,
 * flags, names, sets, dates in the forms of RFC 9051 9. All append to a buf
 * with its sticky error.
 */
#ifndef TINPOST_IMAP_IMAP_REPLY_H
#define TINPOST_IMAP_IMAP_REPLY_H

#include "base/buf.h"
#include "base/rangeset.h"

struct store;

/* A quoted string, or a literal where it must be one (CR, LF, 8 bit unless
 * is_utf8 and the text is UTF-8, or very long). NUL becomes 0x80 in a
 * literal. */
void imap_put_string(struct buf *out, struct span s, bool is_utf8);
/* NIL when s.p is NULL. */
void imap_put_nstring(struct buf *out, struct span s, bool is_utf8);
/* An atom where it can be, else as a string. */
void imap_put_astring(struct buf *out, struct span s, bool is_utf8);
/* A path as a mailbox name: modified UTF-7 unless is_utf8 (RFC 9051 5.1). */
void imap_put_mailbox(struct buf *out, struct span path, bool is_utf8);
/* "(\Seen $Forwarded)": MESSAGE_ bits, and IMAP_FLAG_RECENT. */
void imap_put_flags(struct buf *out, struct store *s, uint32_t mailbox,
    uint16_t flags, uint64_t keywords);
/* 1:3,5 */
void imap_put_set(struct buf *out, const struct rangeset *set);
/* The 26 characters of date-time, in quotes. */
void imap_put_date_time(struct buf *out, int64_t unix_s, int16_t zone_minutes);
/* Object ids (RFC 8474): one letter and 16 hex digits. */
void imap_put_object_id(struct buf *out, char kind, uint64_t id);

#endif
