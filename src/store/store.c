#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/hidden.h"
#include "store/recover.h"
#include "store/open.h"
#include "store/sweep.h"

void
store_watch(struct store *s, store_changed_fn *changed, void *arg)
{
	s->changed = changed;
	s->changed_arg = arg;
}

bool
store_is_dirty(const struct store *s)
{
	return s->n_turn_ops > 0 || s->has_turn_failed ||
	       (volume_health(s->volumes) < 0 && !s->is_read_only);
}

int
store_flush(struct store *s)
{
	assert(!s->is_in_group); /* no watcher flushes */
	if (s->has_turn_failed) {
		/* An early flush failed: what came before it is gone, and
		 * what came after was refused. */
		s->has_turn_failed = false;
		return ERR_IO;
	}
	/* An upload lost a volume's transaction, and with it bodies that the
	 * journal still has. */
	if (volume_health(s->volumes) < 0 && !s->is_read_only) {
		int rc = recover_undo(s);

		if (rc < 0)
			return rc;
	}
	return recover_flush_turn(s);
}

int
store_checkpoint(struct store *s)
{
	int rc = store_flush(s);

	if (rc < 0)
		return rc;
	return recover_checkpoint(s, false);
}

/* Pages that are worth two commits. */
#define RECLAIM_PAGES 48

/* Something was refused for lack of space. What was freed meanwhile serves only
 * when it was committed, and one more commit is behind that. */
static int
reclaim(struct store *s)
{
	if (volume_n_freed(s->volumes) > 0 ||
	    lmdb_n_freed(s->txn) >= RECLAIM_PAGES) {
		int rc = recover_checkpoint(s, false);

		if (rc < 0)
			return ERR_IO;
	}
	return volume_reclaim(s->volumes, RECLAIM_PAGES);
}

int
store_idle(struct store *s)
{
	int rc;

	if (s->is_read_only || s->is_lost)
		return 0;
	rc = store_flush(s);
	if (rc < 0)
		return rc;
	if (recover_is_heavy(s, 3))
		return recover_checkpoint(s, false) < 0 ? ERR_IO : 1;
	rc = sweep_step(s);
	if (rc != 0 || !s->is_short)
		return rc;
	s->is_short = false;
	return reclaim(s);
}

bool
store_has_room(struct store *s, uint64_t bytes)
{
	bool has_room;

	if (s->is_read_only || s->is_lost)
		return false;
	if (fault_hit(FAULT_FULL))
		return false;
	/* What the index takes for a message, and the reserve that only
	 * expunge may use (rule 7); on a device that stays full, what is left
	 * of it for a delivery. */
	has_room = recover_extend(s, OPEN_RESERVE_BYTES) == 0 ||
	           recover_make_room(s, 16) == 0;
	has_room = has_room &&
	           volume_has_room(s->volumes, bytes, s->options.reserve_bytes);
	s->is_short = s->is_short || !has_room;
	return has_room;
}

void
store_set_reserve(struct store *s, uint64_t bytes)
{
	s->options.reserve_bytes = bytes;
}

int
store_set_journal(struct store *s, uint64_t bytes)
{
	struct journal *j = &s->journal;
	uint64_t old = s->meta.journal_bytes;
	bool is_shorter;
	int rc;

	bytes = journal_size(bytes);
	is_shorter = bytes < j->size_bytes;
	if (bytes == j->size_bytes && bytes == old)
		return 0;
	rc = store_flush(s);
	/* A start refuses a journal that is shorter than the index says: so it
	 * says less before, and more behind. */
	if (rc == 0 && !is_shorter)
		rc = journal_resize(j, bytes);
	if (rc < 0)
		return rc;
	s->meta.journal_bytes = bytes;
	rc = recover_checkpoint(s, true);
	if (rc < 0) {
		s->meta.journal_bytes = old;
		return rc;
	}
	return is_shorter ? journal_resize(j, bytes) : 0;
}

bool
store_is_read_only(const struct store *s)
{
	return s->is_read_only;
}

bool
store_is_lost(const struct store *s)
{
	return s->is_lost;
}

uint64_t
store_id(const struct store *s)
{
	return s->meta.store_id;
}

int64_t
store_created_s(const struct store *s)
{
	return s->meta.created_s;
}

static uint64_t
live_bytes(struct store *s)
{
	struct span key, value;
	uint64_t sum = 0, n;
	int rc;

	for (rc = tree_seek(s, TREE_VOLUME, span_of(NULL, 0), &key, &value);
	     rc == 0; rc = tree_next(s, TREE_VOLUME, &key, &value))
		if (record_get_number(value, &n) == 0)
			sum += n;
	return sum;
}

void
store_stats(struct store *s, struct store_stats *out)
{
	MDB_stat st;

	*out = s->stats;
	out->n_flushes = s->journal.n_flushes;
	out->sequence = s->sequence;
	out->journal_used_bytes = s->journal.offset;
	out->journal_bytes = s->journal.size_bytes;
	out->index_map_bytes = s->options.map_bytes;
	if (s->txn != NULL && mdb_env_stat(s->env, &st) == 0) {
		out->index_used_bytes =
		    (uint64_t)lmdb_next_page(s->txn) * st.ms_psize;
		out->dirty_bytes =
		    s->options.is_read_only
		        ? 0
		        : (uint64_t)lmdb_n_dirty(s->txn) * st.ms_psize +
		              volume_dirty_bytes(s->volumes);
	}
	if (volume_free_bytes(s->volumes, &out->free_bytes) < 0)
		out->free_bytes = 0;
	out->n_accounts = tree_count(s, TREE_ACCOUNT);
	out->n_mailboxes = tree_count(s, TREE_MAILBOX);
	out->n_messages = tree_count(s, TREE_MESSAGE);
	out->n_bodies = tree_count(s, TREE_BODY);
	out->n_intents = tree_count(s, TREE_INTENT);
	out->body_bytes = live_bytes(s);
}

struct volumes *
store_volumes(struct store *s)
{
	return s->volumes;
}

int
store_body_place(struct store *s, uint64_t body_id, struct body_place *out)
{
	struct key k = key_u64(body_id);
	struct span value;
	int rc = tree_find(s, TREE_BODY, key_span(&k), &value);

	return rc == 0 ? record_get_body(value, out) : rc;
}
