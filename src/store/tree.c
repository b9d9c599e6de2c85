#include "store/tree.h"

#include <assert.h>
#include <errno.h>

#include "base/fault.h"
#include "store/guard.h"
#include "store/inside.h"

static const char *const names[N_TREES] = { "meta", "setting", "domain",
	"account", "usage", "address", "target", "mailbox", "name",
	"subscription", "keyword", "message", "change", "body", "dead",
	"volume", "event", "intent", "queue", "qrcpt", "qwait", "qdest", "qdue",
	"qnotice", "relay", "memo", "mtime" };

enum what { GET, FIND, SEEK, NEXT, BEFORE, PUT, DELETE };

/* A call into LMDB, so that a lost page becomes an error (rule 10). */
struct call {
	struct store *s;
	enum what what;
	enum tree tree;
	MDB_val key;
	MDB_val value;
};

const char *
tree_name(enum tree t)
{
	return names[t];
}

int
tree_error(struct store *s, int rc)
{
	if (rc == MDB_NOTFOUND)
		return ERR_NONE;
	s->is_poisoned = true;
	switch (rc) {
	case MDB_PANIC:
		s->is_lost = true;
		return ERR_IO;
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case ENOMEM:
		return ERR_NOMEM;
	case MDB_PAGE_NOTFOUND:
	case MDB_CORRUPTED:
	case MDB_BAD_VALSIZE:
	case ERR_DAMAGED:
		return ERR_DAMAGED;
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
		return ERR_FOREIGN;
	default:
		return ERR_IO;
	}
}

static MDB_val
val_of(struct span s)
{
	/* LMDB takes no pointer to const, and changes nothing. */
	union {
		const char *in;
		void *out;
	} u = { s.p };

	return (MDB_val){ s.len, u.out };
}

static struct span
span_of_val(MDB_val v)
{
	return span_of(v.mv_data, v.mv_size);
}

static int
before(MDB_cursor *c, struct call *call)
{
	int rc = mdb_cursor_get(c, &call->key, &call->value, MDB_SET_RANGE);

	if (rc == MDB_NOTFOUND)
		return mdb_cursor_get(c, &call->key, &call->value, MDB_LAST);
	if (rc != 0)
		return rc;
	return mdb_cursor_get(c, &call->key, &call->value, MDB_PREV);
}

static int
run(void *arg)
{
	struct call *call = arg;
	struct store *s = call->s;
	MDB_dbi dbi = s->dbi[call->tree];
	MDB_cursor *c = s->cursor[call->tree];

	switch (call->what) {
	case GET:
		return mdb_get(s->txn, dbi, &call->key, &call->value);
	case FIND:
		return lmdb_get_near(
		    s->near[call->tree], &call->key, &call->value);
	case SEEK:
		return mdb_cursor_get(c, &call->key, &call->value,
		    call->key.mv_size == 0 ? MDB_FIRST : MDB_SET_RANGE);
	case NEXT:
		return mdb_cursor_get(c, &call->key, &call->value, MDB_NEXT);
	case BEFORE:
		return before(c, call);
	case PUT:
		return mdb_put(s->txn, dbi, &call->key, &call->value, 0);
	case DELETE:
		return mdb_del(s->txn, dbi, &call->key, NULL);
	}
	return MDB_BAD_TXN;
}

static int
run_guarded(struct call *call)
{
	struct store *s = call->s;
	bool needs_cursor =
	    call->what == SEEK || call->what == NEXT || call->what == BEFORE;

	if (s->txn == NULL)
		return MDB_BAD_TXN;
	if (needs_cursor && s->cursor[call->tree] == NULL) {
		int rc = mdb_cursor_open(
		    s->txn, s->dbi[call->tree], &s->cursor[call->tree]);

		if (rc != 0)
			return rc;
	}
	if (call->what == FIND && s->near[call->tree] == NULL) {
		int rc = mdb_cursor_open(
		    s->txn, s->dbi[call->tree], &s->near[call->tree]);

		if (rc != 0)
			return rc;
	}
	return guard_call(run, call);
}

int
tree_get(struct store *s, enum tree t, struct span key, struct span *value_out)
{
	struct call call = { s, GET, t, val_of(key), { 0, NULL } };
	int rc = run_guarded(&call);

	if (rc != 0)
		return tree_error(s, rc);
	*value_out = span_of_val(call.value);
	return 0;
}

int
tree_find(struct store *s, enum tree t, struct span key, struct span *value_out)
{
	struct call call = { s, FIND, t, val_of(key), { 0, NULL } };
	int rc = run_guarded(&call);

	if (rc != 0)
		return tree_error(s, rc);
	*value_out = span_of_val(call.value);
	return 0;
}

static int
find(struct call *call, struct span *key_out, struct span *value_out)
{
	int rc = run_guarded(call);

	if (rc != 0)
		return tree_error(call->s, rc);
	*key_out = span_of_val(call->key);
	*value_out = span_of_val(call->value);
	return 0;
}

int
tree_seek(struct store *s, enum tree t, struct span key, struct span *key_out,
    struct span *value_out)
{
	struct call call = { s, SEEK, t, val_of(key), { 0, NULL } };

	return find(&call, key_out, value_out);
}

int
tree_next(
    struct store *s, enum tree t, struct span *key_out, struct span *value_out)
{
	struct call call = { s, NEXT, t, { 0, NULL }, { 0, NULL } };

	return find(&call, key_out, value_out);
}

int
tree_before(struct store *s, enum tree t, struct span key, struct span *key_out,
    struct span *value_out)
{
	struct call call = { s, BEFORE, t, val_of(key), { 0, NULL } };

	return find(&call, key_out, value_out);
}

static int
change(struct call *call)
{
	struct store *s = call->s;
	int rc;

	assert(call->key.mv_size <= MAX_KEY_BYTES);
	s->n_puts++;
	rc = fault_hit(FAULT_LMDB) ? EIO : run_guarded(call);
	return rc == 0 ? 0 : tree_error(s, rc);
}

int
tree_put(struct store *s, enum tree t, struct span key, struct span value)
{
	struct call call = { s, PUT, t, val_of(key), val_of(value) };

	return change(&call);
}

int
tree_delete(struct store *s, enum tree t, struct span key)
{
	struct call call = { s, DELETE, t, val_of(key), { 0, NULL } };

	return change(&call);
}

void
tree_close_cursors(struct store *s)
{
	for (int i = 0; i < N_TREES; i++) {
		if (s->cursor[i] != NULL)
			mdb_cursor_close(s->cursor[i]);
		if (s->near[i] != NULL)
			mdb_cursor_close(s->near[i]);
		s->cursor[i] = s->near[i] = NULL;
	}
}

uint64_t
tree_count(struct store *s, enum tree t)
{
	MDB_stat st;

	if (s->txn == NULL || mdb_stat(s->txn, s->dbi[t], &st) != 0)
		return 0;
	return st.ms_entries;
}
