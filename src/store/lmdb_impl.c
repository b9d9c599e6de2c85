/* LMDB keeps its dirty count to itself (rule 9), so it is compiled in here.
 * Built without warnings: the code is not ours. */
#include "mdb.c"

#include "midl.c"

#include "store/lmdb_impl.h"

unsigned
lmdb_n_dirty(MDB_txn *txn)
{
	return MDB_IDL_UM_MAX - txn->mt_dirty_room;
}

size_t
lmdb_next_page(MDB_txn *txn)
{
	return txn->mt_next_pgno;
}

size_t
lmdb_n_freed(MDB_txn *txn)
{
	return txn->mt_free_pgs[0];
}

/* A list has its length, then page numbers that fall. */
static size_t
count_runs(const pgno_t *list, unsigned run)
{
	size_t n = 0, len = 0;

	for (pgno_t i = 1; i <= list[0]; i++) {
		len = i > 1 && list[i - 1] == list[i] + 1 ? len + 1 : 1;
		if (len % run == 0)
			n += run;
	}
	return n;
}

size_t
lmdb_n_reusable(MDB_txn *txn, unsigned run, size_t enough)
{
	MDB_env *env = txn->mt_env;
	bool is_write = !(txn->mt_flags & MDB_TXN_RDONLY);
	/* As mdb_page_alloc: what it has loaded, then the records behind that
	 * which no reader may still need. */
	txnid_t id = is_write ? env->me_pglast : 0;
	txnid_t oldest = is_write ? mdb_find_oldest(txn) : txn->mt_txnid;
	MDB_cursor_op op = MDB_SET_RANGE;
	MDB_cursor c;
	MDB_val key, value;
	size_t n = 0;

	if (is_write && env->me_pghead != NULL)
		n = count_runs(env->me_pghead, run);
	mdb_cursor_init(&c, txn, FREE_DBI, NULL);
	id++;
	key = (MDB_val){ sizeof(id), &id };
	while (n < enough && mdb_cursor_get(&c, &key, &value, op) == 0) {
		if (*(txnid_t *)key.mv_data >= oldest)
			break;
		n += count_runs(value.mv_data, run);
		op = MDB_NEXT;
	}
	return n;
}

size_t
lmdb_n_recent(MDB_txn *txn)
{
	txnid_t id = txn->mt_txnid;
	MDB_cursor c;
	MDB_val key = { sizeof(id), &id }, value;

	mdb_cursor_init(&c, txn, FREE_DBI, NULL);
	if (mdb_cursor_get(&c, &key, &value, MDB_SET) != 0)
		return 0;
	return *(pgno_t *)value.mv_data;
}

bool
lmdb_has_panicked(MDB_env *env)
{
	return env->me_flags & MDB_FATAL_ERROR;
}

int
lmdb_panic(MDB_txn *txn)
{
	txn->mt_env->me_flags |= MDB_FATAL_ERROR;
	mdb_txn_abort(txn);
	return MDB_PANIC;
}

static bool
is_same(const MDB_val *a, const MDB_val *b)
{
	return a->mv_size == b->mv_size &&
	       memcmp(a->mv_data, b->mv_data, a->mv_size) == 0;
}

int
lmdb_get_near(MDB_cursor *c, MDB_val *key, MDB_val *value)
{
	static const MDB_cursor_op ops[] = { MDB_GET_CURRENT, MDB_NEXT };
	MDB_val found = { 0, NULL };

	for (int i = 0; i < 2 && (c->mc_flags & C_INITIALIZED); i++)
		if (mdb_cursor_get(c, &found, value, ops[i]) == 0 &&
		    is_same(&found, key))
			return 0;
	return mdb_cursor_get(c, key, value, MDB_SET);
}
