/* volume.h - the files that hold bodies: DATA/volume-0001 and so on, each an
 * LMDB environment of its own, mapped when it is needed (room-private).
 *
 * A volume has three trees:
 *
 *	chunk		body id (8 bytes), chunk number (4) -> stored chunk
 *	summary		body id -> what the parser found, opaque here
 *	unfinished	body id -> nothing: spilled, and not yet delivered
 *
 * Chunk 0 is the prefix of a body (absent when that is empty), 1 to n_chunks
 * are its data, each but the last of CHUNK_BYTES. A body is in one volume,
 * and never changes.
 *
 * References and counts are in the index only. Putting and trimming may be
 * repeated: the result is the same. Replay writes and never reads.
 *
 * Body ids grow, and none is given twice: a body in a volume whose id is over
 * the greatest that the index knows after replay is left over from a crash
 * (a volume may be committed at any time, before the journal too), and so is
 * an unfinished one that the index does not know. volume_recover finds them.
 * For this the id of an inline body is drawn when its operation is made, in
 * journal order, and `deliver` puts the greatest id seen into the index.
 *
 * Errors     ERR_IO and ERR_DAMAGED from a put or trim mean that this
 *            volume's transaction is lost: volume_health says so until
 *            volume_abort_all. Whoever applies operations aborts and replays
 *            (rule 6).
 * Space      files are extended ahead, so ERR_FULL comes from
 *            volume_choose at admission and never from a commit (rule 7).
 */
#ifndef TINPOST_STORE_VOLUME_H
#define TINPOST_STORE_VOLUME_H

#include "base/buf.h"
#include "base/limits.h"

struct store;
struct volumes;

/* Where a body is: what the index's row for it says. */
struct body_place {
	uint64_t data_bytes;   /* without the prefix, uncompressed */
	uint64_t stored_bytes; /* all its chunks and its summary, as stored */
	uint32_t volume;
	uint32_t n_chunks; /* of data; the prefix is chunk 0 */
	uint32_t refs;
	uint32_t prefix_bytes;
};

/* What store.c gives to this module's users (body.c, upload.c). */
struct volumes *store_volumes(struct store *s);

/* Read the index's row of a body. ERR_NONE. */
MUST_USE int store_body_place(
    struct store *s, uint64_t body_id, struct body_place *out);

struct volume_options {
	uint64_t map_bytes;  /* 0: 256 MB on 32 bit, 8 GB on 64 bit */
	uint32_t max_open;   /* 0: 2 on 32 bit, 16 on 64 bit; at least 2 */
	uint32_t step_bytes; /* files grow by this; 0: 1 MB */
};

/* Find the volumes of a data folder; opens none. The options are copied.
 * ERR_NOMEM, ERR_IO. */
MUST_USE int volumes_open(
    const char *folder, const struct volume_options *o, struct volumes **out);

/* Close all; what was not committed is lost. NULL is fine. */
void volumes_close(struct volumes *vs);

/* --- body ids --- */

/* After replay, before the first new id: look into every volume and note what
 * the sweep shall remove. last_id is the greatest body id that the index has
 * ever held. One open and a few seeks a volume. A volume that cannot be
 * opened is passed by: its bodies are reported when they are read. ERR_NOMEM.
 */
MUST_USE int volume_recover(struct volumes *vs, uint64_t last_id);

/* Draw a fresh body id. */
uint64_t volume_new_id(struct volumes *vs);

/* --- writing --- */

/* Choose a volume for a new body whose stored chunks and summary take bytes,
 * and extend its file for them; makes a new one when none has room.
 * ERR_FULL: the device is full. ERR_IO, ERR_NOMEM. */
MUST_USE int volume_choose(struct volumes *vs, uint64_t bytes, uint32_t *out);

/* The same for a body that spills: bytes now, and promised in all, of which
 * the volume keeps the room free from other bodies. */
MUST_USE int volume_choose_spill(
    struct volumes *vs, uint64_t bytes, uint64_t promised_bytes, uint32_t *out);

/* Promise more (or give back, negative) in a volume. ERR_FULL. */
MUST_USE int volume_promise(struct volumes *vs, uint32_t volume, int64_t bytes);

/* How much a body that spills is promised at a time. */
uint64_t volume_promise_bytes(const struct volumes *vs);

/* Put one stored chunk (chunk.h), or the summary of a body; the volume is
 * made if it is not there (replay). ERR_FULL, ERR_IO, ERR_DAMAGED. */
MUST_USE int volume_put(struct volumes *vs, uint32_t volume, uint64_t body_id,
    uint32_t chunk_no, struct span stored);
MUST_USE int volume_put_summary(
    struct volumes *vs, uint32_t volume, uint64_t body_id, struct span summary);

/* Remove at most n chunks of a body from from_chunk on, and when none is left
 * behind them its summary too. Call it only when the op that made the body
 * dead is durable. Returns 1 when chunks are left, 0 when none is. A volume
 * that does not exist holds none. */
MUST_USE int volume_trim(struct volumes *vs, uint32_t volume, uint64_t body_id,
    uint32_t from_chunk, uint32_t n);

/* Note in the volume, in the same transaction as its chunks, that a body is
 * not delivered yet. */
MUST_USE int volume_mark_unfinished(
    struct volumes *vs, uint32_t volume, uint64_t body_id);

/* A spilled body was delivered or given up: the next sweep looks whether the
 * index knows it and removes its mark, or the body. */
void volume_settle(struct volumes *vs, uint32_t volume);

/* Make one volume's changes durable. ERR_IO: they are lost. */
MUST_USE int volume_commit(struct volumes *vs, uint32_t volume);

/* The first part of a checkpoint (rule 4), the journal being flushed. */
MUST_USE int volume_commit_all(struct volumes *vs);

/* Forget all that is not committed, before a replay. Uploads that lose bytes
 * by it fail later with ERR_IO. Closes what LMDB gave up (rule 10), to be
 * opened anew. Call volume_recover after the replay. */
void volume_abort_all(struct volumes *vs);

/* How often a transaction was lost; uploads compare it. */
uint32_t volume_losses(const struct volumes *vs);

/* 0, or the error that lost a transaction since the last abort. */
MUST_USE int volume_health(const struct volumes *vs);

/* About how many bytes of dirty pages the open transactions hold: counts for
 * the checkpoint's bound (rule 9). */
size_t volume_dirty_bytes(const struct volumes *vs);
/* The same of one volume. */
uint64_t volume_dirty_bytes_of(const struct volumes *vs, uint32_t volume);

/* The most pages that the transaction of one volume freed. Their numbers are
 * one value, which has to fit the file's reserve: past VOLUME_MAX_FREED, where
 * they fill half of it, a checkpoint is due. */
#define VOLUME_MAX_FREED 16384
size_t volume_n_freed(const struct volumes *vs);

/* Make what was removed fit for use on a full device, where it was committed.
 * n: pages that are worth it. Returns 1 when something was done, 0, or an error.
 */
MUST_USE int volume_reclaim(struct volumes *vs, size_t n);

/* --- housekeeping --- */

/* Remove a bounded part of what was dropped or left over. `s` tells which
 * bodies the index knows. Call it when the journal is flushed. Returns 1 when
 * more is left, 0, or an error. */
MUST_USE int volume_sweep(struct volumes *vs, struct store *s);

/* Would `bytes` more fit, on the device with a reserve left over, or into the
 * freed pages of a volume? For admission. */
bool volume_has_room(
    struct volumes *vs, uint64_t bytes, uint64_t reserve_bytes);

/* Bytes of the device that ordinary users may still fill. ERR_IO. */
MUST_USE int volume_free_bytes(struct volumes *vs, uint64_t *out);

/* --- reading: of what is put, committed or not --- */

/* Append a stored chunk, or the summary, to out. ERR_NONE: not there.
 * ERR_DAMAGED: cut file. ERR_IO. */
MUST_USE int volume_get(struct volumes *vs, uint32_t volume, uint64_t body_id,
    uint32_t chunk_no, struct buf *out);
MUST_USE int volume_get_summary(
    struct volumes *vs, uint32_t volume, uint64_t body_id, struct buf *out);

/* The volume numbers in use: the least >= from. ERR_NONE. */
MUST_USE int volume_next(struct volumes *vs, uint32_t from, uint32_t *out);

/* What the check walks over. */
enum volume_tree { VOLUME_CHUNK, VOLUME_SUMMARY, VOLUME_UNFINISHED };

/* The least key >= (*body_id, *chunk_no) in a tree, with the length of its
 * value; set to it. chunk_no is 0 outside of VOLUME_CHUNK. ERR_NONE: no more;
 * ERR_DAMAGED: also for a key of a wrong form. */
MUST_USE int volume_next_key(struct volumes *vs, uint32_t volume,
    enum volume_tree tree, uint64_t *body_id, uint32_t *chunk_no,
    size_t *value_bytes_out);

/* --- pins (body.h) --- */
MUST_USE int volume_pin(struct volumes *vs, uint64_t body_id);
void volume_unpin(struct volumes *vs, uint64_t body_id);

/* Is a body being streamed, so that it must not be trimmed now? All are while
 * a backup runs. */
bool volume_is_pinned(const struct volumes *vs, uint64_t body_id);

/* A backup begins (n = 1) or ends (n = -1). */
void volume_pin_all(struct volumes *vs, int n);

/* --- for uploads and the reader: what belongs to the set as a whole --- */
struct volume_cache {
	uint64_t body_id; /* 0: empty */
	uint32_t chunk_no;
	struct buf raw;
};
struct volume_cache *volume_cache(struct volumes *vs);
/* Bytes that all uploads hold in memory. */
size_t *volume_staged_bytes(struct volumes *vs);

#endif
