/* store.h - everything that Tinpost keeps: one folder, one way in.
 *
 *	DATA/lock		held with flock while a process has the store open
 *	DATA/index		LMDB: all small records
 *	DATA/volume-NNNN	LMDB: the bytes of messages (volume.h)
 *	DATA/journal		operations since the last checkpoint
 *	DATA/starts		failed starts, while there are any
 *
 * RECORDS  The index is a set of trees. Keys are big-endian, so that they
 * sort in the order in which they are read; each value begins with a version
 * byte. A mailbox is the unit of IMAP:
 *
 *	tree		key			value
 *	meta		name			format, applied, generation, next ids
 *	setting		key text		value text
 *	domain		name			time of creation
 *	account		account			address, name, quota, flags, secret
 *	usage		account			bytes, messages
 *	address		domain NUL local part	kind and id
 *	target		alias, target text	-
 *	mailbox		mailbox			owner, parent, leaf name,
 *						UIDVALIDITY, UIDNEXT,
 *						HIGHESTMODSEQ, counts, special
 *						use, random part of its object id
 *	name		account, parent, leaf	mailbox: RENAME of a tree is one
 *						record
 *	subscription	account, path		-
 *	keyword		mailbox, bit		the keyword's name
 *	message		mailbox, UID		flags, keyword bits, body, size,
 *						MODSEQ now and at birth, three
 *						dates, thread
 *	change		mailbox, MODSEQ		flags of these UIDs changed, or:
 *						these UIDs vanished
 *	body		body			volume, references, sizes
 *	dead		body			- (no reference left: to be removed)
 *	volume		number			live bytes
 *	event		number			time, kind, id, from, to, client, text
 *	intent		number			a large deletion under way
 *	queue and others: mail on its way out (queue.h)
 *	relay		scope			a way out (relay.h)
 *	memo		kind, key		until when, a fact (memo.h); kind
 *						alone: how many
 *	mtime		kind, until, key	-
 *
 * What the extensions of IMAP read: MODSEQ and HIGHESTMODSEQ (CONDSTORE,
 * QRESYNC) from `message`, `mailbox` and `change`; MAILBOXID from mailbox and
 * its random part, EMAILID from the body (copies share it), THREADID from
 * thread (OBJECTID); SAVEDATE from the save date; ENVELOPE, BODYSTRUCTURE,
 * PREVIEW and the keys of SORT and THREAD from the body's summary, made once
 * at delivery and kept beside it. Keywords are 64 bits a message, named once
 * in a mailbox.
 *
 * OPERATIONS  Every change is one: a record that carries all that it needs,
 * the time and fresh ids included. It is encoded into the turn's buffer and
 * then applied from that form, by the same function that replay uses. All
 * checks come before the first put. Operations that belong together (a
 * delivery to many people) are never parted by a frame of the journal.
 *
 * CHANGE LOG  Append, change of flags and expunge take the mailbox's next
 * MODSEQ in one function. The last two leave a row in `change`. An append
 * needs none: a message keeps the MODSEQ of its birth, which grows with the
 * UID, so what was appended since is the mailbox's tail. change_next() merges
 * both. The log of a mailbox is bounded; below its floor a reader looks at
 * the messages' own MODSEQs, and at the UIDs that are still there.
 *
 * THE RULES OF DURABILITY, cited by number in code and tests
 *
 *  1. Journal form: one file, written full of zeros and synced once. A turn
 *     is one frame on a fresh 4 KB block: version, generation, sequence,
 *     length, CRC-32C seeded with the previous frame's. Acknowledged bytes
 *     are not rewritten before a checkpoint.
 *  2. Replay stops at the first frame that does not continue the chain.
 *  3. Start: flush the journal, replay what is past `applied`, checkpoint,
 *     begin a new random generation. A first sequence beyond applied + 1 is
 *     damage and refused.
 *  4. Checkpoint order: volumes, then the index with `applied`, then the
 *     journal starts again at offset 0 with the sequence going on.
 *  5. After a failed journal write or flush nothing is appended behind it and
 *     nothing read back from it: abort, replay to the last durable sequence,
 *     checkpoint, new generation. If that fails too: read-only.
 *  6. A failed operation (any error of LMDB behind the checks): abort, replay
 *     the durable journal and the turn without it.
 *  7. The map is set once, files are extended ahead with a reserve, admission
 *     stops early enough.
 *  8. An operation has at most 64 records and 64 KB. What is larger is an
 *     intent: visible at once, carried out by bounded sweeps, resumed at start.
 *  9. The dirty bound is memory: 256 pages on small boards.
 * 10. After MDB_PANIC of the index the process exits; a volume is opened
 *     again. A start syncs before its first write, and compares the files'
 *     lengths with their last pages. Three failed starts within a minute:
 *     read-only, journal untouched, record named.
 * 11. A backup reads from a snapshot taken after a checkpoint; bodies are not
 *     removed meanwhile.
 * 12. An upgrade stops cleanly first: empty journal.
 *
 * CONVENTIONS of all modules of this room
 *
 * Ownership  what is read is copied out, into the caller's struct or buffer.
 *            Spans handed in are copied before the call returns.
 * Errors     0, or a negative ERR_ with nothing changed. Every changing
 *            function may also return ERR_READ_ONLY, ERR_FULL (no space),
 *            ERR_IO (the turn is lost: store_flush will say so too) and
 *            ERR_NOMEM; the headers list what is particular.
 * Durability a change is visible at once to reads of this process, and
 *            durable after store_flush. Only then may a reply tell of it.
 * Blocking   reads never, but for page faults. A change may flush the journal
 *            when the turn's buffer is full.
 */
#ifndef TINPOST_STORE_STORE_H
#define TINPOST_STORE_STORE_H

#include "base/buf.h"
#include "store/account.h"
#include "store/address.h"
#include "store/backup.h"
#include "store/body.h"
#include "store/change.h"
#include "store/check.h"
#include "store/device.h"
#include "store/domain.h"
#include "store/event.h"
#include "store/mailbox.h"
#include "store/memo.h"
#include "store/message.h"
#include "store/queue.h"
#include "store/rate.h"
#include "store/relay.h"
#include "store/relay_token.h"
#include "store/restore.h"
#include "store/setting.h"
#include "store/signing_key.h"
#include "store/tally.h"
#include "store/upload.h"

struct store;

/* Zero everywhere is a good default. */
struct store_options {
	uint64_t map_bytes;        /* 0: 1 GB on 32 bit, 64 GB on 64 bit */
	uint64_t volume_map_bytes; /* 0: as volume.h says */
	uint32_t journal_bytes;    /* of a new journal; 0: 4 MB */
	uint32_t max_dirty_pages;  /* rule 9; 0: 256 */
	uint32_t max_events;       /* 0: 20,000 */
	uint64_t reserve_bytes;    /* as store_set_reserve; 0: 1 MB */
	bool is_read_only;         /* open what is there, replay nothing */
};

struct store_stats {
	uint64_t n_ops;         /* since open */
	uint64_t n_flushes;     /* of the journal, since open */
	uint64_t n_checkpoints; /* since open */
	uint64_t n_replayed;    /* operations, at open */
	uint64_t sequence;      /* of the last operation, ever */
	uint64_t journal_used_bytes;
	uint64_t journal_bytes;
	uint64_t dirty_bytes; /* memory held by open transactions, about */
	uint64_t index_used_bytes;
	uint64_t index_map_bytes;
	uint64_t free_bytes; /* on the device */
	uint64_t n_accounts;
	uint64_t n_mailboxes;
	uint64_t
	    n_messages; /* of all mailboxes, hidden ones not yet swept too */
	uint64_t n_bodies;
	uint64_t body_bytes; /* as stored */
	uint64_t n_intents;  /* large deletions under way */
};

/* Make a new, empty store in folder, which is made if need be (mode 0700).
 * ERR_EXISTS: there is one. ERR_FOREIGN: the folder holds other things named
 * as ours. ERR_IO, ERR_FULL. */
MUST_USE int store_create(
    const char *folder, const struct store_options *options);

/* Open: lock, check, recover (rule 3). options may be NULL. `why` gets a plain
 * sentence for the user when the store cannot be opened, or is read-only.
 * ERR_NONE: no store there. ERR_BUSY: another process has it. ERR_TOO_NEW,
 * ERR_FOREIGN, ERR_DAMAGED, ERR_FULL, ERR_IO, ERR_NOMEM: left untouched. */
MUST_USE int store_open(const char *folder, const struct store_options *options,
    struct store **out, struct buf *why);

/* Flush, checkpoint, leave an empty journal (rule 12), release. NULL is fine.
 */
void store_close(struct store *s);

/* What is called when a mailbox changed. */
typedef void store_changed_fn(void *arg, uint32_t mailbox);

/* Have `changed` called with each mailbox whose MODSEQ an operation moved, or
 * that was made, renamed (not for those below it, whose paths change too),
 * deleted, or given another special use; also when its person was deleted, with
 * the sweep that follows. Once an operation and mailbox, while the operation
 * is made: it may still be undone with its group or turn, so look at
 * mailbox_modseq or mailbox_get when woken, in the next turn; what is seen then
 * is durable. Never called by recovery. It may read the store, and must not
 * change, flush or close it. There is one watcher in the process, for which
 * another, or NULL, comes in its place. */
void store_watch(struct store *s, store_changed_fn *changed, void *arg);

/* Is there something to flush: a change that is not durable yet, or a failure
 * to get over? */
bool store_is_dirty(const struct store *s);

/* The turn's one flush: all changes so far become durable. ERR_IO, ERR_FULL:
 * the store went back to the last durable state by itself (rule 5), or is
 * read-only: the caller drops every session that ran since the turn's first
 * change, and answers none of them. */
MUST_USE int store_flush(struct store *s);

/* Bounded housekeeping for when no session is ready, the turn being flushed:
 * a checkpoint past three quarters of its bound, some steps of a sweep. Returns 1
 * when more is to be done, 0 when not, or an error. Its own changes are made
 * durable with the next store_flush. */
MUST_USE int store_idle(struct store *s);

/* Commit now (before a backup or an upgrade). ERR_IO, ERR_FULL. */
MUST_USE int store_checkpoint(struct store *s);

/* Would a message of so many bytes fit, with the reserve left over (rule 7)?
 * Ask before taking it. */
bool store_has_room(struct store *s, uint64_t bytes);

/* How much of the device store_has_room leaves free. */
void store_set_reserve(struct store *s, uint64_t bytes);

/* Give the journal another size, at least 512 KB, in whole blocks: flushes,
 * checkpoints, and writes all that is added. For the start, as it may take
 * seconds. ERR_FULL, ERR_IO, ERR_READ_ONLY: it has the old size. */
MUST_USE int store_set_journal(struct store *s, uint64_t bytes);

/* Does the store take no changes? */
bool store_is_read_only(const struct store *s);

/* Must the process end, to be started again (rule 10)? */
bool store_is_lost(const struct store *s);

/* The store's own random number, made with it: part of object ids, and what a
 * backup is told apart by. */
uint64_t store_id(const struct store *s);

/* Fill out. O(1) but for reading a few counts. */
void store_stats(struct store *s, struct store_stats *out);

/* Time of the store's making, seconds since 1970. */
int64_t store_created_s(const struct store *s);

#endif
