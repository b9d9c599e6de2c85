/* lmdb_impl.h - LMDB, compiled into one file of ours, and the few of its
 * numbers that it does not tell otherwise. Room-private.
 */
#ifndef TINPOST_STORE_LMDB_IMPL_H
#define TINPOST_STORE_LMDB_IMPL_H

#include <lmdb.h>
#include <stdbool.h>

/* Pages that a write transaction holds in memory (rule 9). */
unsigned lmdb_n_dirty(MDB_txn *txn);

/* The first page number that the transaction has not used: the file must
 * reach up to it before the commit (rule 7). */
size_t lmdb_next_page(MDB_txn *txn);

/* Pages that the write transaction freed: the next commit writes their numbers
 * as one value. */
size_t lmdb_n_freed(MDB_txn *txn);

/* How many pages the last commit freed, seen from a transaction that reads.
 * They can be used again only when one more commit is behind them. */
size_t lmdb_n_recent(MDB_txn *txn);

/* How many pages that were freed before can be used again, in runs of at least
 * `run` neighbours (a run counts in multiples of it): by the write transaction
 * txn, or when txn only reads, by the next one. Stops counting at `enough`.
 * Touches the map: call it guarded (guard.h). */
size_t lmdb_n_reusable(MDB_txn *txn, unsigned run, size_t enough);

/* As mdb_get, by a cursor that stays where it was: keys that are asked for in
 * order, or again, are found without a search from the root. */
int lmdb_get_near(MDB_cursor *c, MDB_val *key, MDB_val *value);

/* Did a commit fail so that nothing can be done with the environment but to
 * close it (MDB_PANIC, rule 10)? */
bool lmdb_has_panicked(MDB_env *env);

/* For tests: what mdb_txn_commit does when a head page could neither be
 * written nor be put back (rule 10). Returns MDB_PANIC. */
int lmdb_panic(MDB_txn *txn);

#endif
