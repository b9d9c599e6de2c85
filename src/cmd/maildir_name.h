/* maildir_name.h - the names of a Maildir's messages: flags and keywords. Pure.
 *
 *	1700000000.M1P2.host,S=4096:2,FSac
 *
 * Behind the base stands ":2," with letters in order: D draft, F flagged,
 * P passed on ($Forwarded), R answered, S seen, T deleted, and a to z for
 * the keywords 0 to 25 of the file dovecot-keywords, as Dovecot has them
 * ("0 $Forwarded", a line each). Where file names have no colon, programs
 * write "!2," or ";2,". Tinpost keeps up to 64 keywords: those from 26 on are
 * written into the base as ",K=26-40", which other programs leave alone.
 */
#ifndef TINPOST_CMD_MAILDIR_NAME_H
#define TINPOST_CMD_MAILDIR_NAME_H

#include "base/buf.h"
#include "base/limits.h"

struct maildir_keywords {
	struct span name[MAX_KEYWORDS]; /* into the text; empty: none */
};

/* Read a dovecot-keywords file; lines that make no sense are passed over. */
void maildir_keywords_parse(struct span text, struct maildir_keywords *out);

/* What of a name stays when its flags change. */
struct span maildir_name_base(struct span name);

/* Read the flags (store/message.h) and the keywords, each with a space behind
 * it, of a name. */
void maildir_name_read(struct span name, const struct maildir_keywords *k,
    uint16_t *flags_out, struct buf *keywords);

/* Append ",K=..." for the base, if there are such keywords. */
void maildir_name_put_keywords(struct buf *out, uint64_t keywords);

/* Append ":2," and the letters. */
void maildir_name_put_info(
    struct buf *out, uint16_t flags, uint64_t keywords, bool is_forwarded);

#endif
