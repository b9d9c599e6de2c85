/* Stores that this program must not touch: of a newer format, of another
 * program, or no LMDB at all. Every byte stays as it is, however often they
 * are opened. */
#include "base/hash.h"
#include "store/inside.h"
#include "store_world.h"

/* Of every file in the folder, names included; empty locks do not count. */
static uint64_t
digest(void)
{
	struct hash_key k = { 3, 4 };
	DIR *d = opendir(world_folder);
	uint64_t sum = 0;
	struct dirent *e;
	struct buf b;

	REQUIRE(d != NULL);
	buf_init(&b, 64 << 20);
	while ((e = readdir(d)) != NULL) {
		struct span name = span_str(e->d_name);

		if (e->d_name[0] == '.' || span_ends_nocase(name, SPAN("lock")))
			continue;
		buf_reset(&b);
		REQUIRE(file_read(world_path(e->d_name), &b) == 0);
		sum += hash_sip(k, name) ^ hash_sip(k, buf_span(&b));
	}
	closedir(d);
	buf_deinit(&b);
	return sum;
}

/* The index's environment, from outside. */
static MDB_env *
open_index(void)
{
	MDB_env *env = NULL;

	REQUIRE(mdb_env_create(&env) == 0);
	REQUIRE(mdb_env_set_maxdbs(env, N_TREES) == 0);
	REQUIRE(mdb_env_set_mapsize(env, 16 << 20) == 0);
	REQUIRE(
	    mdb_env_open(env, world_path("index"), MDB_NOSUBDIR, 0600) == 0);
	return env;
}

/* Put a value under the key "store" of a tree named so. */
static void
put_meta(const char *tree, struct span value)
{
	char key[] = "store", copy[RECORD_BYTES];
	MDB_env *env = open_index();
	MDB_val k = { 5, key }, v = { value.len, copy };
	MDB_txn *txn;
	MDB_dbi dbi;

	memcpy(copy, value.p, value.len);
	REQUIRE(mdb_txn_begin(env, NULL, 0, &txn) == 0);
	REQUIRE(mdb_dbi_open(txn, tree, MDB_CREATE, &dbi) == 0);
	REQUIRE(mdb_put(txn, dbi, &k, &v, 0) == 0);
	REQUIRE(mdb_txn_commit(txn) == 0);
	mdb_env_close(env);
	unlink(world_path("index-lock"));
}

/* More often than the failed starts that rule 10 counts. */
static void
check_refused(int want, bool is_read_only)
{
	struct store_options o = { .is_read_only = is_read_only };
	uint64_t before = digest();
	char storage[512];
	struct buf why;

	for (int i = 0; i < 5; i++) {
		struct store *s = NULL;

		buf_init_fixed(&why, storage, sizeof(storage));
		CHECK_INT(store_open(world_folder, &o, &s, &why), want);
		CHECK(why.len > 0 && why.p[why.len - 1] == '.');
		CHECK(span_find(buf_span(&why), '\n') == why.len);
		/* One sentence for the reason, and no word of three starts. */
		CHECK(!span_starts(buf_span(&why), SPAN("The last three")));
		CHECK(s == NULL);
		CHECK(digest() == before);
	}
	CHECK_INT(store_create(world_folder, NULL), ERR_EXISTS);
	CHECK(digest() == before);
}

static void
a_newer_format(void)
{
	struct store *s = world_new("newer", NULL);
	struct meta m;
	struct record r;

	CHECK_INT(setting_put(s, SPAN("a"), SPAN("b")), 0);
	CHECK_INT(store_flush(s), 0);
	m = s->meta;
	store_close(s);
	m.format = STORE_FORMAT + 1;
	record_put_meta(&r, &m);
	/* A later program may have more in it. */
	buf_put_str(&r.buf, "and more");
	put_meta(tree_name(TREE_META), record_span(&r));
	check_refused(ERR_TOO_NEW, false);
	check_refused(ERR_TOO_NEW, true);
}

/* LMDB, but not ours: the same tree's name, and others. */
static void
another_programs_index(void)
{
	struct store *s = world_new("other", NULL);

	store_close(s);
	unlink(world_path("index"));
	put_meta("people", SPAN("of another program"));
	check_refused(ERR_FOREIGN, false);
	check_refused(ERR_FOREIGN, true);
}

static void
no_lmdb_at_all(void)
{
	struct store *s = world_new("gif", NULL);
	char picture[9000] = "GIF89a";

	store_close(s);
	REQUIRE(file_write(world_path("index"),
	            span_of(picture, sizeof(picture)), 0600) == 0);
	check_refused(ERR_FOREIGN, false);
}

/* A journal that is not ours, where no index is. */
static void
a_foreign_journal(void)
{
	struct store *s = world_new("fjournal", NULL);
	uint64_t before;

	store_close(s);
	unlink(world_path("index"));
	REQUIRE(file_write(world_path("journal"), SPAN("a diary"), 0600) == 0);
	before = digest();
	CHECK_INT(store_create(world_folder, NULL), ERR_FOREIGN);
	CHECK(digest() == before);
}

int
main(void)
{
	a_newer_format();
	another_programs_index();
	no_lmdb_at_all();
	a_foreign_journal();
	return test_done();
}
