#include "store/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/hidden.h"
#include "store/intake.h"
#include "store/rate_in.h"
#include "store/recover.h"
#include "store/starts.h"

#define JOURNAL_BYTES   (4 * 1024 * 1024)
#define MAX_DIRTY_PAGES 256
#define MAX_EVENTS      20000
#define MIN_MAP_BYTES   (16 * 1024 * 1024)

static struct store_options
options_of(const struct store_options *given)
{
	struct store_options o = { 0 };

	if (given != NULL)
		o = *given;
	if (o.map_bytes == 0)
		o.map_bytes = sizeof(void *) == 4 ? 1ull << 30 : 1ull << 36;
	if (o.journal_bytes == 0)
		o.journal_bytes = JOURNAL_BYTES;
	if (o.max_dirty_pages == 0)
		o.max_dirty_pages = MAX_DIRTY_PAGES;
	if (o.max_events == 0)
		o.max_events = MAX_EVENTS;
	if (o.reserve_bytes == 0)
		o.reserve_bytes = OPEN_RESERVE_BYTES;
	return o;
}

static void
say(struct buf *why, const char *text)
{
	if (why != NULL)
		buf_put_str(why, text);
}

/* Rule 7: set once; less where the address space does not have it. */
static int
open_env(MDB_env **out, const char *path, uint64_t *map_bytes, unsigned flags)
{
	int rc;

	for (;;) {
		MDB_env *env = NULL;

		rc = mdb_env_create(&env);
		if (rc == 0)
			rc = mdb_env_set_maxdbs(env, N_TREES);
		if (rc == 0)
			rc = mdb_env_set_mapsize(env, (size_t)*map_bytes);
		if (rc == 0)
			rc = mdb_env_open(
			    env, path, flags | MDB_NOSUBDIR | MDB_NOTLS, 0600);
		if (rc == 0) {
			*out = env;
			return 0;
		}
		mdb_env_close(env);
		if (rc != ENOMEM || *map_bytes / 2 < MIN_MAP_BYTES)
			return rc;
		*map_bytes /= 2;
	}
}

/* Stores that older versions made have the trees before this one only. */
#define FIRST_LATER_TREE TREE_QUEUE

/* Open the trees' handles in a transaction of their own. */
static int
open_trees(struct store *s, unsigned flags)
{
	unsigned txn_flags = flags & MDB_CREATE ? 0 : MDB_RDONLY;
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, txn_flags, &txn);

	if (rc != 0)
		return rc;
	s->lacks_trees = false;
	for (int i = 0; i < N_TREES && rc == 0; i++) {
		rc = mdb_dbi_open(
		    txn, tree_name((enum tree)i), flags, &s->dbi[i]);
		if (rc == MDB_NOTFOUND && i >= FIRST_LATER_TREE) {
			s->lacks_trees = true;
			rc = 0;
		}
	}
	if (rc != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

/* --- making --- */

static int
put_first_meta(struct store *s, const struct store_options *o)
{
	struct meta m = { 0 };
	struct record r;
	MDB_val k, v;
	MDB_txn *txn;
	char key[] = "store";
	int rc;

	m.format = STORE_FORMAT;
	m.store_id = rand_u64();
	m.created_s = clock_wall_s();
	m.generation = rand_u64();
	m.journal_bytes = o->journal_bytes;
	m.next_event = m.next_intent = 1;
	m.next_account = m.next_mailbox = m.next_alias = 1;
	record_put_meta(&r, &m);
	rc = mdb_txn_begin(s->env, NULL, 0, &txn);
	if (rc != 0)
		return rc;
	k = (MDB_val){ strlen(key), key };
	v = (MDB_val){ r.buf.len, r.buf.p };
	rc = mdb_put(txn, s->dbi[TREE_META], &k, &v, 0);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

/* The index gets its name when it is whole: a crash leaves no half store. */
static int
make_index(const char *folder, const struct store_options *o)
{
	char path[FILE_PATH_BYTES], lock[FILE_PATH_BYTES],
	    final[FILE_PATH_BYTES];
	struct store *s = mem_alloc(sizeof(*s));
	uint64_t map = MIN_MAP_BYTES;
	int rc;

	if (s == NULL)
		return ERR_NOMEM;
	rc = file_path(folder, "index.new", path, sizeof(path));
	if (rc == 0)
		rc = file_path(folder, "index.new-lock", lock, sizeof(lock));
	if (rc == 0)
		rc = file_path(folder, "index", final, sizeof(final));
	if (rc < 0)
		goto out;
	(void)unlink(path);
	rc = open_env(&s->env, path, &map, 0);
	if (rc == 0)
		rc = open_trees(s, MDB_CREATE);
	if (rc == 0)
		rc = put_first_meta(s, o);
	if (s->env != NULL)
		mdb_env_close(s->env);
	(void)unlink(lock);
	if (rc != 0)
		rc = tree_error(s, rc);
	else if (rename(path, final) < 0)
		rc = ERR_IO;
	else
		rc = file_sync_folder(final);
out:
	mem_free(s);
	return rc;
}

/* A journal without an index is what a crash in here leaves: all zeros. */
static int
remove_unused_journal(const char *path)
{
	char head[JOURNAL_HEADER_BYTES] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : ERR_IO;
	n = read(fd, head, sizeof(head));
	close(fd);
	for (size_t i = 0; i < sizeof(head); i++)
		if (n < 0 || head[i] != 0)
			return ERR_FOREIGN;
	return unlink(path) < 0 ? ERR_IO : 0;
}

int
store_create(const char *folder, const struct store_options *options)
{
	struct store_options o = options_of(options);
	char index[FILE_PATH_BYTES], journal[FILE_PATH_BYTES];
	int rc;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return errno == ENOSPC ? ERR_FULL : ERR_IO;
	rc = file_path(folder, "index", index, sizeof(index));
	if (rc == 0)
		rc = file_path(folder, "journal", journal, sizeof(journal));
	if (rc < 0)
		return rc;
	if (access(index, F_OK) == 0)
		return ERR_EXISTS;
	rc = remove_unused_journal(journal);
	if (rc == 0)
		rc = journal_create(journal, o.journal_bytes);
	if (rc == 0)
		rc = make_index(folder, &o);
	return rc;
}

/* --- opening --- */

static int
take_lock(struct store *s, struct buf *why)
{
	char path[FILE_PATH_BYTES];
	int rc = file_path(s->folder, "index", path, sizeof(path));

	if (rc == 0 && access(path, F_OK) < 0 && errno == ENOENT) {
		say(why, "There is no store in this folder.");
		return ERR_NONE;
	}
	if (rc == 0)
		rc = file_path(s->folder, "lock", path, sizeof(path));
	if (rc < 0)
		return rc;
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0) {
		say(why, "The store's lock file cannot be opened.");
		return ERR_IO;
	}
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		say(why, "Another process has the store open.");
		return errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
	}
	return 0;
}

static int
open_journal(struct store *s, struct buf *why)
{
	char path[FILE_PATH_BYTES];
	int rc = file_path(s->folder, "journal", path, sizeof(path));

	if (rc == 0)
		rc = journal_open(&s->journal, path);
	if (rc == ERR_NONE) {
		say(why, "The store's journal is missing.");
		return ERR_DAMAGED;
	}
	if (rc < 0)
		say(why, "The store's journal cannot be read, or is cut.");
	return rc;
}

/* LMDB would make a new file of an empty one, and die on a cut one. */
static int
check_file(struct store *s, const char *path, struct buf *why)
{
	struct stat st;

	s->index_fd = open(path, O_RDWR | O_CLOEXEC);
	if (s->index_fd < 0 || fstat(s->index_fd, &st) < 0) {
		say(why, errno == ENOENT ? "There is no store in this folder."
		                         : "The store cannot be opened.");
		return errno == ENOENT ? ERR_NONE : ERR_IO;
	}
	s->index_file_bytes = (uint64_t)st.st_size;
	if (st.st_size < 2 * 4096) {
		say(why, "The store's index is cut: it has lost its head.");
		return ERR_DAMAGED;
	}
	return 0;
}

static int
say_env_error(struct store *s, int mdb_rc, struct buf *why)
{
	int rc = tree_error(s, mdb_rc);

	if (rc == ERR_NONE || rc == ERR_FOREIGN) {
		say(why,
		    "The index is not a store of Tinpost, or was written on a "
		    "machine of another kind: restore a backup there.");
		return ERR_FOREIGN;
	}
	say(why, "The store's index cannot be opened.");
	return rc;
}

static int
open_index(struct store *s, struct buf *why)
{
	char path[FILE_PATH_BYTES];
	MDB_envinfo info;
	MDB_stat st;
	unsigned flags = s->options.is_read_only ? MDB_RDONLY : 0;
	int rc = file_path(s->folder, "index", path, sizeof(path));

	if (rc == 0)
		rc = check_file(s, path, why);
	if (rc < 0)
		return rc;
	rc = open_env(&s->env, path, &s->options.map_bytes, flags);
	if (rc != 0)
		return say_env_error(s, rc, why);
	rc = mdb_env_info(s->env, &info);
	if (rc == 0)
		rc = mdb_env_stat(s->env, &st);
	if (rc != 0)
		return say_env_error(s, rc, why);
	/* Rule 10. */
	if (((uint64_t)info.me_last_pgno + 1) * st.ms_psize >
	    s->index_file_bytes) {
		say(why, "The store's index is cut: it has lost its end.");
		return ERR_DAMAGED;
	}
	rc = open_trees(s, 0);
	return rc == 0 ? 0 : say_env_error(s, rc, why);
}

static int
open_volumes(struct store *s, struct buf *why)
{
	struct volume_options o = { .map_bytes = s->options.volume_map_bytes };
	int rc = volumes_open(s->folder, &o, &s->volumes);

	if (rc < 0)
		say(why, "The folder of the store cannot be read.");
	return rc;
}

/* Words for what kept the recovery from its end. */
static void
say_start_error(int rc, struct buf *why)
{
	switch (rc) {
	case ERR_TOO_NEW:
		say(why,
		    "The store was written by a newer version of Tinpost: use "
		    "that version, or restore a backup of this one.");
		return;
	case ERR_FOREIGN:
		say(why, "The index is not a store of Tinpost.");
		return;
	case ERR_DAMAGED:
		say(why,
		    "The journal does not fit the index: one of them is of "
		    "another time or store, or damaged. Nothing was changed.");
		return;
	case ERR_FULL:
		say(why, "The device is full: the store needs a few free "
		         "megabytes to start.");
		return;
	default:
		say(why, "The store could not be started: ");
		say(why, err_text(rc));
		say(why, ".");
	}
}

/* Make the trees that a store of an older version lacks. */
static int
make_later_trees(struct store *s, struct buf *why)
{
	int rc;

	if (!s->lacks_trees)
		return 0;
	if (s->options.is_read_only) {
		say(why, "The store was written by an older version of Tinpost "
		         "and must be opened for writing once.");
		return ERR_READ_ONLY;
	}
	rc = mdb_env_sync(s->env, 1); /* rule 10 */
	if (rc == 0)
		rc = open_trees(s, MDB_CREATE);
	return rc == 0 ? 0 : tree_error(s, rc);
}

static int
start(struct store *s, struct buf *why)
{
	int rc = recover_look(s);

	/* Not ours to open: no failed start, so none is noted either. */
	if (rc == ERR_TOO_NEW || rc == ERR_FOREIGN) {
		say_start_error(rc, why);
		return rc;
	}
	if (!s->options.is_read_only) {
		rc = starts_begin(s->folder, why);
		if (rc == 1)
			s->options.is_read_only = true;
	}
	s->is_read_only = s->options.is_read_only;
	if (rc >= 0)
		rc = make_later_trees(s, why);
	if (rc == 0)
		rc = recover_begin(s);
	if (rc == 0 && intake_is_marked(s)) {
		say(why,
		    "A restore into this store did not end. Remove the folder, "
		    "and restore the backup again.");
		return ERR_DAMAGED;
	}
	if (rc == 0 && s->journal.size_bytes < s->meta.journal_bytes)
		rc = ERR_DAMAGED;
	if (rc == 0 && s->is_read_only)
		return 0;
	s->starts_fd = starts_open(s->folder);
	if (rc == 0)
		rc = recover_start(s);
	if (s->starts_fd >= 0)
		close(s->starts_fd);
	s->starts_fd = -1;
	if (rc == 0)
		starts_end(s->folder);
	else
		say_start_error(rc, why);
	return rc;
}

/* Release; nothing is written. */
static void
free_store(struct store *s)
{
	if (s->env != NULL)
		recover_abort(s);
	volumes_close(s->volumes);
	if (s->env != NULL)
		mdb_env_close(s->env);
	journal_close(&s->journal);
	if (s->index_fd >= 0)
		close(s->index_fd);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	hidden_clear(s);
	rangeset_deinit(&s->locked);
	buf_deinit(&s->turn);
	buf_deinit(&s->scratch);
	mem_free(s);
}

int
store_open(const char *folder, const struct store_options *options,
    struct store **out, struct buf *why)
{
	struct store *s = mem_alloc(sizeof(*s));
	int rc;

	if (s == NULL)
		return ERR_NOMEM;
	s->options = options_of(options);
	s->lock_fd = s->index_fd = s->starts_fd = s->journal.fd = -1;
	rangeset_init(&s->locked);
	buf_init(&s->turn, JOURNAL_FRAME_BYTES + 4 * JOURNAL_BLOCK_BYTES);
	buf_init(&s->scratch, 2 * MAX_OP_BYTES);
	rc = span_to_cstr(span_str(folder), s->folder, sizeof(s->folder));
	if (rc == 0)
		rc = take_lock(s, why);
	if (rc == 0)
		rc = open_index(s, why);
	if (rc == 0)
		rc = open_journal(s, why);
	if (rc == 0)
		rc = open_volumes(s, why);
	if (rc == 0)
		rc = start(s, why);
	if (rc < 0) {
		free_store(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	rate_close(s);
	/* Rule 12: an empty journal, unless there is nothing to say. */
	if (!s->is_read_only && !s->is_lost && !s->has_turn_failed &&
	    (s->n_turn_ops > 0 || s->journal.offset > JOURNAL_BLOCK_BYTES)) {
		int rc = recover_flush_turn(s);

		if (rc == 0)
			rc = recover_checkpoint(s, true);
		(void)rc; /* logged where it failed; the journal has it */
	}
	free_store(s);
}
