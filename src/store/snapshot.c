#include "store/snapshot.h"

#include "base/mem.h"
#include "store/inside.h"

/* What intents have expunged is kept in memory, and the store goes on
 * changing its own. */
static int
copy_hidden(const struct hidden *from, struct hidden **to)
{
	for (; from != NULL; from = from->next) {
		struct hidden *h = mem_alloc(sizeof(*h));
		int rc;

		if (h == NULL)
			return ERR_NOMEM;
		h->intent = from->intent;
		h->mailbox = from->mailbox;
		h->swept_to = from->swept_to;
		rangeset_init(&h->uids);
		*to = h;
		to = &h->next;
		rc = rangeset_copy(&h->uids, &from->uids);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A store that reads through a transaction of its own, and owns nothing else
 * that is s's. */
static void
fill(struct store *snap, const struct store *s)
{
	memcpy(snap->folder, s->folder, sizeof(snap->folder));
	snap->options = s->options;
	snap->lock_fd = -1;
	snap->index_fd = -1;
	snap->journal.fd = -1;
	snap->env = s->env;
	memcpy(snap->dbi, s->dbi, sizeof(snap->dbi));
	snap->volumes = s->volumes;
	snap->meta = s->meta;
	snap->index_file_bytes = s->index_file_bytes;
	snap->is_read_only = true;
	rangeset_init(&snap->locked);
}

static uint64_t
end_of_index(const struct store *s)
{
	MDB_envinfo info;

	mdb_env_info(s->env, &info);
	return info.me_last_pgno;
}

int
snapshot_open(struct store *s, struct store **out)
{
	struct store *snap;
	int rc;

	rc = store_checkpoint(s);
	if (rc < 0)
		return rc;
	snap = mem_alloc(sizeof(*snap));
	if (snap == NULL)
		return ERR_NOMEM;
	volume_pin_all(s->volumes, 1);
	fill(snap, s);
	snap->index_file_bytes = end_of_index(s);
	rc = copy_hidden(s->hidden, &snap->hidden);
	if (rc == 0 &&
	    mdb_txn_begin(s->env, NULL, MDB_RDONLY, &snap->txn) != 0) {
		snap->txn = NULL;
		rc = ERR_IO;
	}
	if (rc < 0) {
		snapshot_close(snap);
		return rc;
	}
	*out = snap;
	return 0;
}

void
snapshot_close(struct store *snap)
{
	if (snap == NULL)
		return;
	tree_close_cursors(snap);
	if (snap->txn != NULL)
		mdb_txn_abort(snap->txn);
	while (snap->hidden != NULL) {
		struct hidden *h = snap->hidden;

		snap->hidden = h->next;
		rangeset_deinit(&h->uids);
		mem_free(h);
	}
	volume_pin_all(snap->volumes, -1);
	mem_free(snap);
}

uint64_t
snapshot_growth(struct store *s, const struct store *snapshot)
{
	MDB_stat st;

	mdb_env_stat(s->env, &st);
	return (end_of_index(s) - snapshot->index_file_bytes) * st.ms_psize;
}
