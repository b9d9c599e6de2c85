/* Opening and closing of volfile.h, and the begin of each read. */
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/guard.h"
#include "store/volfile_in.h"

#define MIN_MAP_BYTES  (16u * 1024 * 1024)
#define VOLUME_READERS 8

static const char *const tree_names[N_VOLUME_TREES] = { "chunk", "summary",
	"unfinished" };

int
volfile_error(int rc)
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

static int
call_open_trees(void *arg)
{
	struct volfile_call *c = arg;
	unsigned flags = c->op ? MDB_CREATE : 0;
	int rc = 0;

	for (int i = 0; i < N_VOLUME_TREES && rc == 0; i++)
		rc = mdb_dbi_open(c->txn, tree_names[i], flags, &c->f->dbi[i]);
	return volfile_error(rc);
}

/* Open the three trees; made where they are not there. */
static int
open_trees(struct volfile *f)
{
	struct volfile_call c = { .f = f };
	int rc;

	rc = volfile_error(mdb_txn_begin(f->env, NULL, MDB_RDONLY, &c.txn));
	if (rc < 0)
		return rc;
	rc = guard_call(call_open_trees, &c);
	if (rc == 0) /* a commit keeps the handles */
		return volfile_error(mdb_txn_commit(c.txn));
	mdb_txn_abort(c.txn);
	if (rc != ERR_NONE)
		return rc;
	rc = volfile_error(mdb_txn_begin(f->env, NULL, 0, &c.txn));
	if (rc < 0)
		return rc;
	c.op = 1;
	rc = guard_call(call_open_trees, &c);
	if (rc == 0)
		return volfile_error(mdb_txn_commit(c.txn));
	mdb_txn_abort(c.txn);
	return rc;
}

static int
call_measure(void *arg)
{
	struct volfile_call *c = arg;
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
			return volfile_error(rc);
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
		return volfile_error(mdb_txn_renew(f->reader));
	return volfile_error(
	    mdb_txn_begin(f->env, NULL, MDB_RDONLY, &f->reader));
}

int
volfile_begin_read(struct volfile *f, MDB_txn **out)
{
	int rc = 0;

	*out = f->txn;
	if (f->txn != NULL)
		return 0;
	if (!f->is_reading)
		rc = guard_call(call_begin_read, f);
	f->is_reading = rc == 0;
	*out = f->reader;
	return rc;
}

void
volfile_end_read(struct volfile *f)
{
	for (int i = 0; i < N_VOLUME_TREES; i++) {
		if (f->near[i] != NULL)
			mdb_cursor_close(f->near[i]);
		f->near[i] = NULL;
	}
	if (f->is_reading)
		mdb_txn_reset(f->reader);
	f->is_reading = false;
}

int
volfile_measure(struct volfile *f)
{
	struct volfile_call c = { .f = f };
	int rc;

	rc = volfile_begin_read(f, &c.txn);
	if (rc < 0)
		return rc;
	return guard_call(call_measure, &c);
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

int
volfile_length(struct volfile *f, uint64_t *out)
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
			return volfile_error(rc);
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
			return volfile_error(rc);
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
	rc = volfile_length(f, &f->file_bytes);
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
		rc = volfile_measure(f);
	if (rc == 0)
		rc = volfile_length(f, &f->file_bytes);
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
	volfile_end_read(f);
	if (f->reader != NULL)
		mdb_txn_abort(f->reader);
	if (f->env != NULL)
		mdb_env_close(f->env);
	list_remove(&f->link);
	mem_free(f);
}
