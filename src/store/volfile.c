#include "store/volfile_in.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>

#include "base/fault.h"
#include "base/file.h"
#include "store/guard.h"

static MDB_val
val_of(struct span s)
{
	MDB_val v = { .mv_size = s.len };

	/* LMDB does not write through it. */
	memcpy(&v.mv_data, &s.p, sizeof(v.mv_data));
	return v;
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
	struct volfile_call *c = arg;
	size_t enough = c->value.mv_size;

	return lmdb_n_reusable(c->txn, c->n_run, enough) >= enough ? 1 : 0;
}

bool
volfile_has_reusable(struct volfile *f, uint64_t bytes)
{
	size_t page = f->page_bytes;
	struct volfile_call c = { .f = f };
	int rc;

	/* The pages of a chunk, behind LMDB's page header. */
	c.n_run =
	    (unsigned)((bytes < CHUNK_BYTES ? bytes : CHUNK_BYTES) / page);
	c.n_run++;
	/* An eighth more, and the leaves and branches above. */
	c.value.mv_size = (size_t)((bytes + bytes / 8) / page + 32);
	rc = volfile_begin_read(f, &c.txn);
	if (rc < 0)
		return false;
	rc = guard_call(call_count_reusable, &c);
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
	rc = volfile_length(f, &len);
	if (rc == 0 && len < f->end_bytes)
		rc = ERR_DAMAGED;
	if (rc < 0)
		return rc;
	if (!f->is_synced) {
		rc = volfile_error(mdb_env_sync(f->env, 1));
		if (rc < 0)
			return rc;
		f->is_synced = true;
	}
	volfile_end_read(f);
	rc = volfile_error(mdb_txn_begin(f->env, NULL, 0, &f->txn));
	if (rc < 0)
		f->txn = NULL;
	return rc;
}

static int
call_put(void *arg)
{
	struct volfile_call *c = arg;

	return volfile_error(
	    mdb_put(c->txn, c->f->dbi[c->tree], &c->key, &c->value, 0));
}

static int
call_delete(void *arg)
{
	struct volfile_call *c = arg;
	int rc = mdb_del(c->txn, c->f->dbi[c->tree], &c->key, NULL);

	return rc == MDB_NOTFOUND ? 0 : volfile_error(rc);
}

/* Change one key in the write transaction, or lose that. */
static int
change(struct volfile *f, guard_call_fn *fn, struct volfile_call *c)
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
	struct volfile_call c = { .tree = tree };
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
	struct volfile_call c = { .tree = tree };
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
	struct volfile_call *c = arg;
	int rc = fault_hit(FAULT_VOLUME_PANIC) ? lmdb_panic(c->txn)
	                                       : mdb_txn_commit(c->txn);

	c->txn = NULL; /* freed by LMDB, in failure too */
	return volfile_error(rc);
}

int
volfile_commit(struct volfile *f)
{
	struct volfile_call c = { .f = f, .txn = f->txn };
	int rc;

	if (f->txn == NULL)
		return 0;
	if (fault_hit(FAULT_SYNC)) {
		volfile_abort(f);
		return ERR_IO;
	}
	volfile_end_read(f);
	rc = guard_call(call_commit, &c);
	f->txn = c.txn; /* still there: it ended in the middle */
	volfile_abort(f);
	if (rc < 0)
		return rc == ERR_DAMAGED ? ERR_DAMAGED : ERR_IO;
	return volfile_measure(f);
}

void
volfile_abort(struct volfile *f)
{
	if (f->txn != NULL) {
		volfile_end_read(f); /* its cursors */
		mdb_txn_abort(f->txn);
	}
	f->txn = NULL;
	f->overflow_bytes = 0;
}

static int
call_count_recent(void *arg)
{
	struct volfile_call *c = arg;

	return lmdb_n_recent(c->txn) >= c->value.mv_size ? 1 : 0;
}

int
volfile_reclaim(struct volfile *f, size_t n)
{
	/* Body 0 does not exist: its mark comes and goes. */
	static const char none[8];
	struct span key = span_of(none, sizeof(none));
	struct volfile_call c = { .f = f, .value = { n, NULL } };
	int rc;

	if (f->txn != NULL)
		return 0;
	rc = volfile_begin_read(f, &c.txn);
	if (rc < 0)
		return rc;
	rc = guard_call(call_count_recent, &c);
	if (rc != 1)
		return rc;
	c = (struct volfile_call){ .tree = VOLUME_UNFINISHED,
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
	struct volfile_call *c = arg;

	return volfile_error(
	    lmdb_get_near(c->f->near[c->tree], &c->key, &c->value));
}

int
volfile_get(
    struct volfile *f, enum volume_tree tree, struct span key, struct buf *out)
{
	struct volfile_call c = { .f = f, .tree = tree };
	int rc;

	rc = volfile_begin_read(f, &c.txn);
	if (rc < 0)
		return rc;
	if (f->near[tree] == NULL)
		rc = volfile_error(
		    mdb_cursor_open(c.txn, f->dbi[tree], &f->near[tree]));
	c.key = val_of(key);
	if (rc == 0)
		rc = guard_call(call_get, &c);
	if (rc == 0)
		rc = buf_reserve(out, c.value.mv_size);
	if (rc == 0 && c.value.mv_size > 0) /* out may have no memory yet */
		rc = guard_copy(
		    out->p + out->len, c.value.mv_data, c.value.mv_size);
	if (rc == 0)
		out->len += c.value.mv_size;
	if (rc < 0 && rc != ERR_NONE)
		volfile_end_read(f);
	return rc;
}

static int
call_seek(void *arg)
{
	struct volfile_call *c = arg;

	return volfile_error(
	    mdb_cursor_get(c->cursor, &c->key, &c->value, c->op));
}

int
volfile_seek(struct volfile *f, enum volume_tree tree, bool is_last, char *key,
    size_t *key_len, size_t *value_len_out)
{
	struct volfile_call c = {
		.f = f, .tree = tree, .op = is_last ? MDB_LAST : MDB_SET_RANGE
	};
	int rc;

	rc = volfile_begin_read(f, &c.txn);
	if (rc < 0)
		return rc;
	rc = volfile_error(mdb_cursor_open(c.txn, f->dbi[tree], &c.cursor));
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
	if (rc < 0 && rc != ERR_NONE)
		volfile_end_read(f);
	return rc;
}
