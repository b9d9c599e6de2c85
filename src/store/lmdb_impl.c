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
