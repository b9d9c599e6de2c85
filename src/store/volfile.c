#include "store/volfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "store/guard.h"

#define MIN_MAP_BYTES  (16u * 1024 * 1024)
#define VOLUME_READERS 8

static const char *const tree_names[N_VOLUME_TREES] = { "chunk", "summary",
	"unfinished" };

static int
from_lmdb(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return ERR_NONE;
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case ENOMEM:
		return ERR_NOMEM;
	case ENOENT:
		return ERR_NONE;
	case MDB_VERSION_MISMATCH:
		return ERR_TOO_NEW;
	case MDB_INVALID:
		return ERR_FOREIGN;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_BAD_VALSIZE:
	case MDB_BAD_TXN:
		return ERR_DAMAGED;
	default:
		return ERR_IO;
	}
}

static MDB_val
val_of(struct span s)
{
	MDB_val v = { .mv_size = s.len };

	/* LMDB does not write through it. */
	memcpy(&v.mv_data, &s.p, sizeof(v.mv_data));
	return v;
}

/* One call into LMDB: what it is given, so that the guard can run it. */
struct call {
	struct volfile *f;
	MDB_txn *txn;
	MDB_cursor *cursor;
	enum volume_tree tree;
	MDB_cursor_op op;
	MDB_val key;
	MDB_val value;
	unsigned n_run;
};

/* --- open --- */

static int
call_open_trees(void *arg)
{
	struct call *c = arg;
	unsigned flags = c->op ? MDB_CREATE : 0;
	int rc = 0;

	for (int i = 0; i < N_VOLUME_TREES && rc == 0; i++)
		rc = mdb_dbi_open(c->txn, tree_names[i], flags, &c->f->dbi[i]);
	return from_lmdb(rc);
}

/* Open the three trees; made where they are not there. */
static int
open_trees(struct volfile *f)
{
	struct call c = { .f = f };
	int rc;

	rc = from_lmdb(mdb_txn_begin(f->env, NULL, MDB_RDONLY, &c.txn));
	if (rc < 0)
		return rc;
	rc = guard_call(call_open_trees, &c);
	if (rc == 0) /* a commit keeps the handles */
		return from_lmdb(mdb_txn_commit(c.txn));
	mdb_txn_abort(c.txn);
	if (rc != ERR_NONE)
		return rc;
	rc = from_lmdb(mdb_txn_begin(f->env, NULL, 0, &c.txn));
	if (rc < 0)
		return rc;
	c.op = 1;
	rc = guard_call(call_open_trees, &c);
	if (rc == 0)
		return from_lmdb(mdb_txn_commit(c.txn));
	mdb_txn_abort(c.txn);
	return rc;
}

/* Note the end of the file, of the pages in use, and the live ones. */
static int
call_measure(void *arg)
{
	struct call *c = arg;
	struct volfile *f = c->f;
	MDB_envinfo info;
	uint64_t pages = 4; /* two meta pages, the main tree, the free list */

	mdb_env_info(f->env, &info);
	f->end_bytes = (uint64_t)(info.me_last_pgno + 1) * f->page_bytes;
	f->map_bytes = info.me_mapsize;
	for (int i = 0; i < N_VOLUME_TREES; i++) {
		MDB_stat st;
		int rc = mdb_stat(c->txn, f->dbi[i], &st);

		if (rc != 0)
			return from_lmdb(rc);
		pages += st.ms_branch_pages;
		pages += st.ms_leaf_pages;
		pages += st.ms_overflow_pages;
	}
	f->live_bytes = pages * f->page_bytes;
	return 0;
}

static int
call_begin_read(void *arg)
{
	struct volfile *f = arg;

	if (f->reader != NULL)
		return from_lmdb(mdb_txn_renew(f->reader));
	return from_lmdb(mdb_txn_begin(f->env, NULL, MDB_RDONLY, &f->reader));
}

static int
begin_read(struct volfile *f, MDB_txn **out)
{
	int rc;

	if (f->txn != NULL) {
		*out = f->txn;
		return 0;
	}
	rc = guard_call(call_begin_read, f);
	*out = f->reader;
	return rc;
}

static void
end_read(struct volfile *f, MDB_txn *txn)
{
	if (txn != f->txn)
		mdb_txn_reset(txn);
}

static int
measure(struct volfile *f)
{
	struct call c = { .f = f };
	int rc;

	rc = begin_read(f, &c.txn);
	if (rc < 0)
		return rc;
	rc = guard_call(call_measure, &c);
	end_read(f, c.txn);
	return rc;
}

/* A page contradicts itself. LMDB would abort; the file is cut or broken, and
 * the other volumes are not. */
static void
on_assert(MDB_env *env, const char *text)
{
	(void)env;
	(void)text;
	guard_escape();
}

static int
file_length(struct volfile *f, uint64_t *out)
{
	struct stat st;
	int fd;

	if (mdb_env_get_fd(f->env, &fd) != 0 || fstat(fd, &st) < 0)
		return ERR_IO;
	*out = (uint64_t)st.st_size;
	return 0;
}

/* Open and map; a map that the address space refuses is tried smaller. */
static int
open_env(struct volfile *f, const char *path, uint64_t map_bytes)
{
	int rc;

	for (;;) {
		rc = mdb_env_create(&f->env);
		if (rc != 0)
			return from_lmdb(rc);
		mdb_env_set_mapsize(f->env, (size_t)map_bytes);
		mdb_env_set_assert(f->env, on_assert);
		mdb_env_set_maxdbs(f->env, N_VOLUME_TREES);
		mdb_env_set_maxreaders(f->env, VOLUME_READERS);
		rc = mdb_env_open(f->env, path, MDB_NOSUBDIR | MDB_NOTLS, 0600);
		if (rc == 0)
			return 0;
		mdb_env_close(f->env);
		f->env = NULL;
		if (rc != ENOMEM || map_bytes / 2 < MIN_MAP_BYTES)
			return from_lmdb(rc);
		map_bytes /= 2;
	}
}

/* Open what is there, or with is_new begin a file. */
static int
open_file(struct volfile *f, const char *path, bool is_new, uint64_t map)
{
	struct stat st;
	MDB_stat page;
	bool is_there = stat(path, &st) == 0;
	int rc;

	if (!is_there && !is_new)
		return ERR_NONE;
	rc = open_env(f, path, map);
	if (rc < 0)
		return rc;
	mdb_env_stat(f->env, &page);
	f->page_bytes = page.ms_psize;
	rc = file_length(f, &f->file_bytes);
	if (rc == 0 && !is_there)
		rc = file_sync_folder(path);
	return rc;
}

int
volfile_open(const char *path, uint32_t no, bool is_new,
    const struct volume_options *o, struct volfile **out)
{
	struct volfile *f = mem_alloc(sizeof(*f));
	MDB_envinfo info;
	int rc;

	if (f == NULL)
		return ERR_NOMEM;
	list_init(&f->link);
	f->no = no;
	f->step_bytes = o->step_bytes;
	rc = open_file(f, path, is_new, o->map_bytes);
	if (rc < 0)
		goto out;
	/* Rule 10: a file shorter than its last page. */
	mdb_env_info(f->env, &info);
	if (f->file_bytes < (uint64_t)(info.me_last_pgno + 1) * f->page_bytes)
		rc = ERR_DAMAGED;
	if (rc == 0)
		rc = open_trees(f);
	if (rc == 0)
		rc = measure(f);
	if (rc == 0)
		rc = file_length(f, &f->file_bytes);
	if (rc < 0)
		goto out;
	*out = f;
	f = NULL;
out:
	volfile_close(f);
	return rc;
}

void
volfile_close(struct volfile *f)
{
	if (f == NULL)
		return;
	volfile_abort(f);
	if (f->reader != NULL)
		mdb_txn_abort(f->reader);
	if (f->env != NULL)
		mdb_env_close(f->env);
	list_remove(&f->link);
	mem_free(f);
}

/* --- space --- */

int
volfile_free_bytes(const char *path, uint64_t *out)
{
	struct statvfs v;

	if (fault_hit(FAULT_FULL)) {
		*out = 0;
		return 0;
	}
	if (statvfs(path, &v) < 0)
		return ERR_IO;
	*out = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

/* Have the device keep the room up to `bytes`. Where the file system cannot
 * do that (FAT, JFFS2), its free space must do. */
static int
allocate(struct volfile *f, uint64_t bytes)
{
	struct statvfs v;
	int fd, rc;

	if (fault_hit(FAULT_FULL))
		return ERR_FULL;
	if (mdb_env_get_fd(f->env, &fd) != 0)
		return ERR_IO;
	do
		rc = posix_fallocate(
		    fd, (off_t)f->file_bytes, (off_t)(bytes - f->file_bytes));
	while (rc == EINTR);
	if (rc == ENOSPC || rc == EDQUOT || rc == EFBIG)
		return ERR_FULL;
	if (rc != 0) {
		if (fstatvfs(fd, &v) < 0)
			return ERR_IO;
		if ((uint64_t)v.f_bavail * v.f_frsize < bytes - f->file_bytes)
			return ERR_FULL;
	}
	f->file_bytes = bytes;
	return 0;
}

/* What a value may take: its overflow pages, and the leaf and two branches
 * above that are copied for it. */
static uint64_t
pages_for(const struct volfile *f, uint64_t bytes, uint32_t n_values)
{
	return bytes + (uint64_t)n_values * 4 * f->page_bytes;
}

uint64_t
volfile_dirty_bytes(const struct volfile *f)
{
	if (f->txn == NULL)
		return 0;
	/* A run of pages counts as one with LMDB. */
	return (uint64_t)lmdb_n_dirty(f->txn) * f->page_bytes +
	       f->overflow_bytes;
}

uint64_t
volfile_end_bytes(const struct volfile *f)
{
	if (f->txn == NULL)
		return f->end_bytes;
	return (uint64_t)lmdb_next_page(f->txn) * f->page_bytes;
}

static int
extend_to(struct volfile *f, uint64_t need)
{
	uint64_t whole = need + f->step_bytes - 1;
	int rc;

	if (need <= f->file_bytes)
		return 0;
	if (need > f->map_bytes)
		return ERR_FULL;
	whole -= whole % f->step_bytes;
	rc = allocate(f, whole < f->map_bytes ? whole : f->map_bytes);
	if (rc != ERR_FULL)
		return rc;
	return allocate(f, need); /* the last bit of the device */
}

int
volfile_extend(struct volfile *f, uint64_t bytes, uint32_t n_values)
{
	uint64_t more = pages_for(f, bytes, n_values) + VOLFILE_RESERVE_BYTES;
	uint64_t end = volfile_end_bytes(f) + more;
	int rc;

	if (f->live_bytes + volfile_dirty_bytes(f) + more > f->map_bytes)
		return ERR_FULL;
	/* Near the end of the map freed pages are used again. */
	rc = extend_to(f, end < f->map_bytes ? end : f->map_bytes);
	if (rc != ERR_FULL || !volfile_has_reusable(f, bytes))
		return rc;
	/* On a full device too. LMDB may not find them all: half of the
	 * reserve is for that, and the other half stays. */
	return extend_to(f, volfile_end_bytes(f) + VOLFILE_RESERVE_BYTES / 2);
}

static int
call_count_reusable(void *arg)
{
	struct call *c = arg;
	size_t enough = c->value.mv_size;

	return lmdb_n_reusable(c->txn, c->n_run, enough) >= enough ? 1 : 0;
}

bool
volfile_has_reusable(struct volfile *f, uint64_t bytes)
{
	size_t page = f->page_bytes;
	struct call c = { .f = f };
	int rc;

	/* The pages of a chunk, behind LMDB's page header. */
	c.n_run =
	    (unsigned)((bytes < CHUNK_BYTES ? bytes : CHUNK_BYTES) / page);
	c.n_run++;
	/* An eighth more, and the leaves and branches above. */
	c.value.mv_size = (size_t)((bytes + bytes / 8) / page + 32);
	rc = begin_read(f, &c.txn);
	if (rc < 0)
		return false;
	rc = guard_call(call_count_reusable, &c);
	end_read(f, c.txn);
	return rc == 1;
}

size_t
volfile_n_freed(const struct volfile *f)
{
	return f->txn == NULL ? 0 : lmdb_n_freed(f->txn);
}

/* --- change --- */

static int
begin_write(struct volfile *f)
{
	uint64_t len = 0;
	int rc;

	if (f->txn != NULL)
		return 0;
	rc = file_length(f, &len);
	if (rc == 0 && len < f->end_bytes)
		rc = ERR_DAMAGED;
	if (rc < 0)
		return rc;
	if (!f->is_synced) {
		rc = from_lmdb(mdb_env_sync(f->env, 1));
		if (rc < 0)
			return rc;
		f->is_synced = true;
	}
	rc = from_lmdb(mdb_txn_begin(f->env, NULL, 0, &f->txn));
	if (rc < 0)
		f->txn = NULL;
	return rc;
}

static int
call_put(void *arg)
{
	struct call *c = arg;

	return from_lmdb(
	    mdb_put(c->txn, c->f->dbi[c->tree], &c->key, &c->value, 0));
}

static int
call_delete(void *arg)
{
	struct call *c = arg;
	int rc = mdb_del(c->txn, c->f->dbi[c->tree], &c->key, NULL);

	return rc == MDB_NOTFOUND ? 0 : from_lmdb(rc);
}

/* Change one key in the write transaction, or lose that. */
static int
change(struct volfile *f, guard_call_fn *fn, struct call *c)
{
	int rc;

	rc = begin_write(f);
	if (rc < 0)
		return rc;
	c->f = f;
	c->txn = f->txn;
	rc = fault_hit(FAULT_LMDB) ? ERR_IO : guard_call(fn, c);
	if (rc < 0) {
		volfile_abort(f);
		/* Whatever it was, the transaction is gone. */
		return rc == ERR_DAMAGED ? ERR_DAMAGED : ERR_IO;
	}
	return 0;
}

int
volfile_put(struct volfile *f, enum volume_tree tree, struct span key,
    struct span value)
{
	struct call c = { .tree = tree };
	int rc;

	rc = volfile_extend(f, value.len, 1);
	if (rc < 0)
		return rc;
	c.key = val_of(key);
	c.value = val_of(value);
	rc = change(f, call_put, &c);
	if (rc == 0 && value.len > f->page_bytes)
		f->overflow_bytes += value.len;
	return rc;
}

int
volfile_delete(struct volfile *f, enum volume_tree tree, struct span key)
{
	struct call c = { .tree = tree };
	uint64_t copies = pages_for(f, 0, 1);
	int rc;

	/* The reserve is for this. Without it the freed pages of earlier
	 * transactions may still do. */
	rc = extend_to(f, volfile_end_bytes(f) + copies);
	if (rc < 0 && rc != ERR_FULL)
		return rc;
	c.key = val_of(key);
	return change(f, call_delete, &c);
}

static int
call_commit(void *arg)
{
	struct call *c = arg;
	int rc = fault_hit(FAULT_VOLUME_PANIC) ? lmdb_panic(c->txn)
	                                       : mdb_txn_commit(c->txn);

	c->txn = NULL; /* freed by LMDB, in failure too */
	return from_lmdb(rc);
}

int
volfile_commit(struct volfile *f)
{
	struct call c = { .f = f, .txn = f->txn };
	int rc;

	if (f->txn == NULL)
		return 0;
	if (fault_hit(FAULT_SYNC)) {
		volfile_abort(f);
		return ERR_IO;
	}
	rc = guard_call(call_commit, &c);
	f->txn = c.txn; /* still there: it ended in the middle */
	volfile_abort(f);
	if (rc < 0)
		return rc == ERR_DAMAGED ? ERR_DAMAGED : ERR_IO;
	return measure(f);
}

void
volfile_abort(struct volfile *f)
{
	if (f->txn != NULL)
		mdb_txn_abort(f->txn);
	f->txn = NULL;
	f->overflow_bytes = 0;
}

static int
call_count_recent(void *arg)
{
	struct call *c = arg;

	return lmdb_n_recent(c->txn) >= c->value.mv_size ? 1 : 0;
}

int
volfile_reclaim(struct volfile *f, size_t n)
{
	/* Body 0 does not exist: its mark comes and goes. */
	static const char none[8];
	struct span key = span_of(none, sizeof(none));
	struct call c = { .f = f, .value = { n, NULL } };
	int rc;

	if (f->txn != NULL)
		return 0;
	rc = begin_read(f, &c.txn);
	if (rc < 0)
		return rc;
	rc = guard_call(call_count_recent, &c);
	end_read(f, c.txn);
	if (rc != 1)
		return rc;
	c = (struct call){ .tree = VOLUME_UNFINISHED,
		.key = val_of(key),
		.value = val_of(SPAN("\1")) };
	rc = change(f, call_put, &c);
	if (rc == 0)
		rc = change(f, call_delete, &c);
	if (rc == 0)
		rc = volfile_commit(f);
	return rc == 0 ? 1 : rc;
}

/* --- read --- */

static int
call_get(void *arg)
{
	struct call *c = arg;

	return from_lmdb(
	    mdb_get(c->txn, c->f->dbi[c->tree], &c->key, &c->value));
}

int
volfile_get(
    struct volfile *f, enum volume_tree tree, struct span key, struct buf *out)
{
	struct call c = { .f = f, .tree = tree };
	int rc;

	rc = begin_read(f, &c.txn);
	if (rc < 0)
		return rc;
	c.key = val_of(key);
	rc = guard_call(call_get, &c);
	if (rc == 0)
		rc = buf_reserve(out, c.value.mv_size);
	if (rc == 0 && c.value.mv_size > 0) /* out may have no memory yet */
		rc = guard_copy(
		    out->p + out->len, c.value.mv_data, c.value.mv_size);
	if (rc == 0)
		out->len += c.value.mv_size;
	end_read(f, c.txn);
	return rc;
}

static int
call_seek(void *arg)
{
	struct call *c = arg;

	return from_lmdb(mdb_cursor_get(c->cursor, &c->key, &c->value, c->op));
}

int
volfile_seek(struct volfile *f, enum volume_tree tree, bool is_last, char *key,
    size_t *key_len, size_t *value_len_out)
{
	struct call c = {
		.f = f, .tree = tree, .op = is_last ? MDB_LAST : MDB_SET_RANGE
	};
	int rc;

	rc = begin_read(f, &c.txn);
	if (rc < 0)
		return rc;
	rc = from_lmdb(mdb_cursor_open(c.txn, f->dbi[tree], &c.cursor));
	if (rc < 0)
		goto out;
	c.key = val_of(span_of(key, *key_len));
	rc = guard_call(call_seek, &c);
	if (rc == 0 && c.key.mv_size > VOLFILE_KEY_BYTES)
		rc = ERR_DAMAGED;
	if (rc == 0)
		rc = guard_copy(key, c.key.mv_data, c.key.mv_size);
	if (rc == 0) {
		*key_len = c.key.mv_size;
		*value_len_out = c.value.mv_size;
	}
	mdb_cursor_close(c.cursor);
out:
	end_read(f, c.txn);
	return rc;
}
