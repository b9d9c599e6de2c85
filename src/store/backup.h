/* backup.h - the whole store as one stream, readable without Tinpost, and
 * back into a new store on any kind of board.
 *
 * THE FORMAT is a tar archive (pax), format 1:
 *
 *	tinpost/0001.txt	what this is; the first entry
 *	settings/0001.txt ...	lists: lines of records, each file at most
 *	domains/ people/	about 32 KB, numbered on
 *	aliases/ mailboxes/
 *	bodies/ID.txt		about the message that follows
 *	bodies/ID.eml		a message, byte for byte; each once
 *	messages/0001.txt ...	which message is where, with flags and dates
 *	mail/PERSON/MAILBOX/UID.eml	hard links to bodies/, for people who
 *				unpack the archive; a restore passes them by
 *	end/0001.txt		sums; the last entry
 *
 * A line is a word and fields, separated by tabs, each field KEY=VALUE. In a
 * value the bytes 0 to 31, 127 and "%" are written as %XX. Lines that begin
 * with "#" are for people. Numbers are decimal, where not said otherwise;
 * times are seconds since 1970 (UTC). A reader ignores keys and words that it
 * does not know.
 *
 *	backup	format made store(hex)
 *	setting	key value
 *	domain	name
 *	person	id address name quota flags(1 owner, 2 disabled) created
 *		iterations salt stored server (the password as SCRAM-SHA-256
 *		keeps it, RFC 5802 3; hex)
 *	alias	address kind(alias or group)
 *	target	address target
 *	mailbox	id person parent(0: top) name use(RFC 6154 name, or empty)
 *		uidvalidity uidnext modseq object created
 *	keyword	mailbox bit name
 *	subscription	person path
 *	body	id prefix(bytes of trace header) summary(base64, of the parser)
 *	message	mailbox uid body flags(s a f d t: seen, answered, flagged,
 *		deleted, draft) keywords(hex, bit n: keyword n) date zone(minutes
 *		east) saved modseq born thread
 *	end	bodies messages bytes crc32c(hex; both of the content of all
 *		files before end/0001.txt, in their order)
 *
 * Not kept: the event log, and the log of changes (a client that was offline
 * compares all UIDs once).
 *
 * restore.h reads it.
 *
 * A backup reads one snapshot of the index (rule 11); bodies are not removed
 * meanwhile. When the index has grown too much because of it, a new snapshot
 * is taken, and the backup goes on at its place: then a message that was
 * changed meanwhile is as it was at one time or the other.
 */
#ifndef TINPOST_STORE_BACKUP_H
#define TINPOST_STORE_BACKUP_H

#include "base/buf.h"
#include "base/limits.h"

struct store;
struct backup;

/* The most that one step appends. */
#define BACKUP_STEP_BYTES (256 * 1024)

struct backup_totals {
	uint64_t n_bodies; /* messages written or read, each once */
	uint64_t n_messages;
	/* Bodies that could not be read: left out, or where the damage is in
	 * the middle, with "[unreadable]" lines in its place. */
	uint64_t n_damaged;
	uint64_t bytes; /* of the archive */
};

/* Begin: a checkpoint, then a snapshot. ERR_BUSY: a backup runs. ERR_IO,
 * ERR_FULL, ERR_NOMEM. */
MUST_USE int backup_new(struct store *s, struct backup **out);

/* Append the next piece, at most BACKUP_STEP_BYTES, to out. Returns 1 when
 * more is to come, 0 at the end, or an error. A few ms at most. */
MUST_USE int backup_step(struct backup *b, struct buf *out);

void backup_totals(const struct backup *b, struct backup_totals *out);

/* Release, done or not. NULL is fine. */
void backup_free(struct backup *b);

#endif
