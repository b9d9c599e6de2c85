#include "store/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/rand.h"
#include "store/guard.h"
#include "store/hidden.h"
#include "store/op.h"
#include "store/open.h"
#include "store/starts.h"

/* The index's file grows by so much, and has so much ready (rule 7). */
#define EXTEND_STEP_BYTES (1024 * 1024)

#define META_KEY SPAN("store")

void
recover_abort(struct store *s)
{
	tree_close_cursors(s);
	if (s->txn != NULL)
		mdb_txn_abort(s->txn);
	s->txn = NULL;
	if (s->volumes != NULL)
		volume_abort_all(s->volumes);
	s->is_poisoned = false;
	s->forget_body = 0; /* the sweep begins its body again */
}

static int
begin(struct store *s, unsigned flags)
{
	struct span value;
	int rc = mdb_txn_begin(s->env, NULL, flags, &s->txn);

	if (rc != 0) {
		s->txn = NULL;
		return tree_error(s, rc);
	}
	rc = tree_get(s, TREE_META, META_KEY, &value);
	if (rc == 0)
		return record_get_meta(value, &s->meta);
	return rc == ERR_NONE ? ERR_FOREIGN : rc;
}

int
recover_look(struct store *s)
{
	int rc = begin(s, MDB_RDONLY);

	recover_abort(s);
	return rc;
}

int
recover_begin(struct store *s)
{
	int rc = begin(s, s->options.is_read_only ? MDB_RDONLY : 0);

	if (rc == 0)
		rc = hidden_load(s);
	if (rc == 0)
		s->sequence = s->meta.applied;
	return rc;
}

/* One frame: skip, apply, or refuse. ERR_NONE: nothing from here on counts. */
static int
replay_frame(struct store *s, const struct journal_frame *f)
{
	uint64_t last = f->sequence + f->n_ops - 1;
	uint64_t before = s->sequence;
	int rc;

	if (f->sequence == 0 || f->sequence > s->sequence + 1)
		return ERR_DAMAGED;
	if (f->generation != s->meta.generation) {
		/* A generation that was ended at `applied`: what follows was
		 * never acknowledged (rule 5). */
		if (f->generation == s->meta.closed_generation)
			return ERR_NONE;
		/* Another one's: fine while it tells nothing new. */
		return last <= s->sequence ? 0 : ERR_DAMAGED;
	}
	rc = op_replay(s, f->payload, f->sequence, f->n_ops);
	if (rc == 0)
		s->stats.n_replayed += s->sequence - before;
	return rc;
}

int
recover_replay(struct store *s, uint64_t end)
{
	struct journal *j = &s->journal;
	struct journal_frame f;
	struct buf b;
	uint64_t at = 0;
	uint32_t crc = 0;
	int rc = 0;

	buf_init(&b, JOURNAL_FRAME_BYTES);
	s->is_replaying = true;
	while (at < end) {
		uint64_t next = at;

		rc = journal_read(j, &next, &crc, &b, &f);
		if (rc == 0)
			rc = replay_frame(s, &f);
		if (rc < 0)
			break;
		at = next;
	}
	s->is_replaying = false;
	buf_deinit(&b);
	if (rc == ERR_NONE)
		rc = 0; /* rule 2 */
	return rc;
}

/* Have the device keep the index's file up to this byte. */
static int
allocate(struct store *s, uint64_t bytes)
{
	int rc;

	if (fault_hit(FAULT_FULL))
		return ERR_FULL;
	do
		rc = posix_fallocate(s->index_fd, 0, (off_t)bytes);
	while (rc == EINTR);
	if (rc == ENOSPC || rc == EDQUOT || rc == EFBIG)
		return ERR_FULL;
	/* Others: this file system cannot; LMDB extends as it writes. */
	s->index_file_bytes = bytes;
	return 0;
}

struct count {
	struct store *s;
	size_t n_pages;
};

static int
call_count(void *arg)
{
	struct count *c = arg;

	return lmdb_n_reusable(c->s->txn, 1, c->n_pages) >= c->n_pages;
}

int
recover_extend(struct store *s, uint64_t bytes)
{
	struct count c = { .s = s };
	uint64_t want, whole;
	MDB_stat st;

	if (s->txn == NULL || mdb_env_stat(s->env, &st) != 0)
		return ERR_IO;
	want = (uint64_t)lmdb_next_page(s->txn) * st.ms_psize + bytes;
	if (want <= s->index_file_bytes && want <= s->options.map_bytes)
		return 0;
	whole = (want / EXTEND_STEP_BYTES + 1) * EXTEND_STEP_BYTES;
	if (want <= s->options.map_bytes && allocate(s, whole) == 0)
		return 0;
	/* The last bit of the device. */
	want += st.ms_psize - want % st.ms_psize;
	if (want <= s->options.map_bytes && allocate(s, want) == 0)
		return 0;
	/* And for the rest, pages that were freed. */
	if (bytes == 0 || want <= s->index_file_bytes)
		return ERR_FULL;
	c.n_pages = (size_t)((want - s->index_file_bytes) / st.ms_psize);
	return guard_call(call_count, &c) == 1 ? 0 : ERR_FULL;
}

int
recover_make_room(struct store *s, size_t n_rows)
{
	/* A row may copy its leaf and the branch above; many share them. */
	uint64_t bytes = OPEN_RESERVE_BYTES / 2 + 8192 * (uint64_t)n_rows;

	return recover_extend(
	    s, bytes < OPEN_RESERVE_BYTES ? bytes : OPEN_RESERVE_BYTES);
}

/* Rule 4. Leaves no transaction open when it fails. */
static int
commit(struct store *s, bool is_new_generation)
{
	struct journal *j = &s->journal;
	struct meta meta = s->meta;
	struct record r;
	int rc = volume_commit_all(s->volumes);

	if (rc < 0)
		return rc;
	meta.applied = s->sequence;
	if (is_new_generation) {
		meta.closed_generation = meta.generation;
		meta.generation = rand_u64();
	}
	record_put_meta(&r, &meta);
	rc = tree_put(s, TREE_META, META_KEY, record_span(&r));
	if (rc < 0)
		return rc;
	/* On a full device the reserve has to do, or LMDB itself fails. */
	rc = recover_extend(s, 0);
	if (rc < 0 && rc != ERR_FULL)
		return rc;
	if (fault_hit(FAULT_SYNC))
		return ERR_IO;
	tree_close_cursors(s);
	rc = fault_hit(FAULT_PANIC) ? lmdb_panic(s->txn)
	                            : mdb_txn_commit(s->txn);
	s->txn = NULL;
	if (rc != 0)
		return tree_error(s, rc);
	s->meta = meta;
	s->durable = s->sequence;
	s->turn.len = JOURNAL_HEADER_BYTES;
	s->n_turn_ops = 0;
	s->stats.n_checkpoints++;
	journal_restart(j);
	rc = mdb_txn_begin(s->env, NULL, 0, &s->txn);
	if (rc != 0) {
		s->txn = NULL;
		return tree_error(s, rc);
	}
	if (is_new_generation)
		return journal_begin(j, meta.generation, s->sequence + 1);
	return 0;
}

/* Back to the last durable state, the turn's buffer untouched. */
static int
back_to_durable(struct store *s, uint64_t end)
{
	int rc;

	recover_abort(s);
	rc = recover_begin(s);
	if (rc == 0 && s->sequence < s->durable)
		rc = recover_replay(s, end);
	if (rc == 0 && s->sequence != s->durable)
		rc = ERR_DAMAGED;
	if (rc == 0)
		rc = volume_recover(s->volumes, s->meta.last_body);
	return rc;
}

static void
forget_turn(struct store *s)
{
	s->turn.len = JOURNAL_HEADER_BYTES;
	s->turn.has_failed = false;
	s->n_turn_ops = 0;
}

static void
turn_read_only(struct store *s, int code)
{
	struct log l;

	s->is_read_only = true;
	log_begin(&l, LOG_FAULT, "store.read_only");
	log_err(&l, "reason", code);
	log_end(&l);
	if (s->txn != NULL)
		return;
	/* At least what was committed can be read. */
	s->options.is_read_only = true;
	if (recover_begin(s) < 0)
		recover_abort(s);
}

/* Rule 5: the turn is lost; whatever was durable stays. */
static void
fail_turn(struct store *s, int code)
{
	uint64_t end = s->journal.offset;
	struct log l;
	int rc;

	log_begin(&l, LOG_FAULT, "store.flush_failed");
	log_err(&l, "reason", code);
	log_num(&l, "sequence", (int64_t)s->durable);
	log_end(&l);
	forget_turn(s);
	rc = back_to_durable(s, end);
	if (rc == 0)
		rc = commit(s, true);
	if (rc == 0)
		return;
	/* Show at least all that is durable. */
	if (s->is_lost || back_to_durable(s, end) < 0)
		recover_abort(s);
	turn_read_only(s, rc);
}

int
recover_checkpoint(struct store *s, bool is_new_generation)
{
	int rc;

	if (s->is_read_only)
		return ERR_READ_ONLY;
	rc = commit(s, is_new_generation);
	if (rc < 0)
		fail_turn(s, rc);
	return rc;
}

bool
recover_is_heavy(const struct store *s, unsigned quarters)
{
	const struct journal *j = &s->journal;
	uint64_t dirty;

	if (s->txn == NULL || s->is_read_only)
		return false;
	dirty = lmdb_n_dirty(s->txn) +
	        volume_dirty_bytes(s->volumes) / JOURNAL_BLOCK_BYTES;
	return dirty >= (uint64_t)s->options.max_dirty_pages * quarters / 4 ||
	       volume_n_freed(s->volumes) >= VOLUME_MAX_FREED * quarters / 4 ||
	       j->offset >=
	           (j->size_bytes - JOURNAL_FRAME_BYTES) * quarters / 4;
}

int
recover_flush_turn(struct store *s)
{
	uint64_t durable;
	int rc;

	if (s->n_turn_ops == 0)
		return 0;
	if (s->turn.len - JOURNAL_HEADER_BYTES > journal_room(&s->journal))
		return recover_checkpoint(s, false);
	rc =
	    journal_write(&s->journal, &s->turn, s->durable + 1, s->n_turn_ops);
	if (rc < 0) {
		fail_turn(s, rc);
		return rc;
	}
	s->durable = s->sequence;
	forget_turn(s);
	if (s->scratch.cap > 2 * JOURNAL_BLOCK_BYTES)
		buf_deinit(&s->scratch);
	/* An idle server keeps no large buffer; op_group makes a new one. */
	if (s->turn.cap > 4 * JOURNAL_BLOCK_BYTES)
		buf_deinit(&s->turn);
	durable = s->durable;
	if (recover_is_heavy(s, 4)) {
		rc = recover_checkpoint(s, false);
		/* The journal has the turn, so it did not fail. */
		if (rc < 0 && s->sequence == durable)
			rc = 0;
	}
	return rc;
}

void
recover_note(struct store *s, uint64_t sequence, unsigned kind)
{
	starts_note(s->starts_fd, sequence, kind);
}

int
recover_undo(struct store *s)
{
	int rc = back_to_durable(s, s->journal.offset);

	if (rc == 0) {
		struct span ops = span_sub(
		    buf_span(&s->turn), JOURNAL_HEADER_BYTES, s->turn.len);

		s->is_replaying = true;
		rc = op_replay(s, ops, s->durable + 1, s->n_turn_ops);
		s->is_replaying = false;
	}
	if (rc < 0)
		fail_turn(s, rc);
	return rc;
}

int
recover_start(struct store *s)
{
	int rc;

	/* Rules 3 and 10: what a killed process wrote may not be on the disk
	 * yet, and what follows builds on it. */
	rc = mdb_env_sync(s->env, 1);
	if (rc != 0)
		return tree_error(s, rc);
	rc = file_sync(s->journal.fd);
	if (rc == 0)
		rc = recover_replay(s, s->journal.size_bytes);
	if (rc == 0)
		rc = volume_recover(s->volumes, s->meta.last_body);
	if (rc == 0)
		rc = commit(s, true);
	return rc;
}
