#include "store/volume.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../test.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"

#define MAP (16u << 20)

static char folder[200];
static const struct volume_options small = { MAP, 2, 256 * 1024 };

static void
clear_folder(void)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char path[FILE_PATH_BYTES];

	REQUIRE(d != NULL);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' &&
		    file_path(folder, e->d_name, path, sizeof(path)) == 0)
			unlink(path);
	closedir(d);
}

static struct volumes *
open_set(void)
{
	struct volumes *vs = NULL;

	REQUIRE(volumes_open(folder, &small, &vs) == 0);
	return vs;
}

/* What is stored of a chunk: is it a run of len bytes c? */
static bool
has_chunk(struct volumes *vs, uint32_t volume, uint64_t id, uint32_t no, char c,
    size_t len)
{
	struct buf b;
	bool is_same;

	buf_init(&b, CHUNK_BYTES + 1);
	is_same = volume_get(vs, volume, id, no, &b) == 0 && b.len == len;
	for (size_t i = 0; is_same && i < b.len; i++)
		is_same = b.p[i] == c;
	buf_deinit(&b);
	return is_same;
}

static int
put_run(struct volumes *vs, uint32_t volume, uint64_t id, uint32_t no, char c,
    size_t len)
{
	static char run[CHUNK_BYTES + 1];

	memset(run, c, len);
	return volume_put(vs, volume, id, no, span_of(run, len));
}

/* Rule 4 and replay: puts and trims may be repeated; nothing that was not
 * committed is there after a kill. */
static void
test_put_and_trim(void)
{
	struct volumes *vs = open_set();
	struct buf b;
	uint32_t v = 0;

	buf_init(&b, 100);
	CHECK(volume_choose(vs, 1000, &v) == 0 && v == 1);
	for (int i = 0; i < 2; i++) {
		for (uint32_t no = 0; no <= 5; no++)
			CHECK(put_run(vs, v, 7, no, (char)('a' + no),
			          300 + no) == 0);
		CHECK(volume_put_summary(vs, v, 7, SPAN("sum")) == 0);
	}
	CHECK(has_chunk(vs, v, 7, 3, 'd', 303)); /* before any commit */
	CHECK(volume_dirty_bytes(vs) > 0);
	CHECK(volume_commit_all(vs) == 0);
	CHECK(volume_dirty_bytes(vs) == 0);
	CHECK(put_run(vs, v, 8, 1, 'x', 10) == 0);
	volumes_close(vs); /* as a kill: 8 was not committed */

	vs = open_set();
	CHECK(has_chunk(vs, 1, 7, 5, 'f', 305));
	CHECK(volume_get(vs, 1, 8, 1, &b) == ERR_NONE);
	CHECK(volume_get(vs, 9, 7, 1, &b) == ERR_NONE);
	CHECK(volume_get_summary(vs, 1, 7, &b) == 0);
	CHECK(span_is(buf_span(&b), SPAN("sum")));
	buf_reset(&b);
	CHECK(put_run(vs, 1, 9, 0, 'p', 5) == 0);
	CHECK(volume_trim(vs, 1, 7, 0, 4) == 1);
	CHECK(volume_get(vs, 1, 7, 3, &b) == ERR_NONE);
	CHECK(has_chunk(vs, 1, 7, 4, 'e', 304));
	CHECK(volume_trim(vs, 1, 7, 0, 4) == 0);
	CHECK(volume_trim(vs, 1, 7, 0, 4) == 0);
	CHECK(volume_trim(vs, 3, 7, 0, 4) == 0); /* no such volume */
	CHECK(volume_get_summary(vs, 1, 7, &b) == ERR_NONE);
	CHECK(has_chunk(vs, 1, 9, 0, 'p', 5));
	volumes_close(vs);
	buf_deinit(&b);
	clear_folder();
}

/* Replay makes the volumes that it names (rule 3). */
static void
test_made_by_put(void)
{
	struct volumes *vs = open_set();
	uint32_t no = 0;

	CHECK(volume_next(vs, 0, &no) == ERR_NONE);
	CHECK(put_run(vs, 12, 1, 1, 'q', 100) == 0);
	CHECK(put_run(vs, 0, 1, 1, 'q', 100) == ERR_DAMAGED);
	CHECK(volume_commit_all(vs) == 0);
	volumes_close(vs);
	vs = open_set();
	CHECK(volume_next(vs, 0, &no) == 0 && no == 12);
	CHECK(volume_next(vs, 13, &no) == ERR_NONE);
	CHECK(has_chunk(vs, 12, 1, 1, 'q', 100));
	volumes_close(vs);
	clear_folder();
}

/* More volumes than may be open; then one body after the other removed, and
 * the room is used again instead of a new volume. */
static void
test_many_volumes(void)
{
	struct volumes *vs = open_set();
	uint64_t n = 0;
	uint32_t v = 1, last = 0;

	while (v <= 4) {
		CHECK(volume_choose(vs, CHUNK_BYTES, &v) == 0);
		last = v;
		n++;
		REQUIRE(put_run(vs, v, n, 1, (char)n, CHUNK_BYTES + 1) == 0);
		if (n % 16 == 0)
			REQUIRE(volume_commit_all(vs) == 0);
	}
	CHECK(last == 5 && n > 4 * 700 && n < 4 * 900);
	for (uint64_t id = 1; id <= n; id += 97) {
		uint32_t no = 0;
		bool is_found = false;

		while (!is_found && volume_next(vs, no + 1, &no) == 0)
			is_found =
			    has_chunk(vs, no, id, 1, (char)id, CHUNK_BYTES + 1);
		CHECK(is_found);
	}
	for (uint64_t id = 1; id <= 500; id++) {
		CHECK(volume_trim(vs, 1, id, 0, 10) == 0);
		if (id % 16 == 0)
			CHECK(volume_commit_all(vs) == 0);
	}
	CHECK(volume_commit_all(vs) == 0);
	for (int i = 0; i < 900; i++) {
		CHECK(volume_choose(vs, CHUNK_BYTES, &v) == 0);
		n++;
		REQUIRE(put_run(vs, v, n, 1, (char)n, CHUNK_BYTES + 1) == 0);
		if (n % 16 == 0)
			REQUIRE(volume_commit_all(vs) == 0);
	}
	CHECK(v == 1); /* 5 is full, and the room in 1 found again */
	volumes_close(vs);
	clear_folder();
}

/* Rule 5: what a failed flush leaves is lost as a whole, and said so. */
static void
test_failures(void)
{
	static const enum fault_site sites[] = { FAULT_LMDB, FAULT_SYNC };

	for (int i = 0; i < 2; i++) {
		struct volumes *vs = open_set();
		uint32_t losses = volume_losses(vs);
		uint32_t v = 0;
		int rc;

		CHECK(volume_choose(vs, 1000, &v) == 0);
		CHECK(put_run(vs, v, 1, 1, 'a', 1000) == 0);
		CHECK(volume_commit_all(vs) == 0);
		fault_arm(sites[i], 2, false);
		rc = put_run(vs, v, 2, 1, 'b', 1000);
		if (rc == 0)
			rc = put_run(vs, v, 2, 2, 'b', 1000);
		if (rc == 0)
			rc = volume_commit_all(vs);
		if (rc == 0 && put_run(vs, v, 2, 3, 'b', 1000) == 0)
			rc = volume_commit_all(vs);
		fault_arm(sites[i], 0, false);
		CHECK(rc == ERR_IO);
		CHECK(volume_health(vs) == ERR_IO);
		CHECK(volume_commit_all(vs) == ERR_IO);
		CHECK(volume_losses(vs) != losses);
		CHECK(has_chunk(vs, v, 1, 1, 'a', 1000)); /* reads go on */
		CHECK(!has_chunk(vs, v, 2, 3, 'b', 1000));
		volume_abort_all(vs);
		CHECK(volume_health(vs) == 0);
		CHECK(put_run(vs, v, 2, 1, 'c', 1000) == 0); /* replayed */
		CHECK(volume_commit_all(vs) == 0);
		CHECK(has_chunk(vs, v, 2, 1, 'c', 1000));
		volumes_close(vs);
		clear_folder();
	}
}

/* Rule 7: a full device is found when a body is admitted, and expunge still
 * works. */
static void
test_full_device(void)
{
	struct volumes *vs = open_set();
	uint32_t v = 0;
	uint64_t id = 0;
	int rc = 0;

	CHECK(volume_choose(vs, 1000, &v) == 0);
	CHECK(put_run(vs, v, ++id, 1, 'a', 9000) == 0);
	fault_arm(FAULT_FULL, 1, true);
	CHECK(!volume_has_room(vs, 1, 0));
	for (int i = 0; i < 200 && rc == 0; i++) {
		rc = volume_choose(vs, 9000, &v);
		if (rc == 0)
			REQUIRE(put_run(vs, v, ++id, 1, 'a', 9000) == 0);
	}
	CHECK(rc == ERR_FULL);
	CHECK(volume_health(vs) == 0);
	CHECK(volume_commit_all(vs) == 0);
	CHECK(volume_trim(vs, v, 1, 0, 9) == 0);
	CHECK(volume_commit_all(vs) == 0);
	CHECK(has_chunk(vs, v, id, 1, 'a', 9000));
	fault_arm(FAULT_FULL, 0, false);
	CHECK(volume_choose(vs, 9000, &v) == 0);
	volumes_close(vs);
	clear_folder();
}

/* On a full device, what was deleted makes room again. */
static void
test_reuse_on_full_device(void)
{
	struct volumes *vs = open_set();
	uint32_t v = 0;
	uint64_t id = 0;
	int rc = 0;

	while (id < 300) {
		CHECK(volume_choose(vs, 9000, &v) == 0 && v == 1);
		REQUIRE(put_run(vs, v, ++id, 1, 'a', 9000) == 0);
	}
	CHECK(volume_commit_all(vs) == 0);
	fault_arm(FAULT_FULL, 1, true);
	CHECK(!volume_has_room(vs, 9000, 0));
	for (uint64_t gone = 1; gone <= 250; gone++) {
		CHECK(volume_trim(vs, v, gone, 0, 9) == 0);
		if (gone % 10 == 0)
			CHECK(volume_commit_all(vs) == 0);
	}
	CHECK(volume_has_room(vs, 9000, 0));
	for (int i = 0; i < 100; i++) {
		CHECK(volume_choose(vs, 9000, &v) == 0 && v == 1);
		REQUIRE(put_run(vs, v, ++id, 1, 'b', 9000) == 0);
		if (i % 10 == 0)
			CHECK(volume_commit_all(vs) == 0);
	}
	for (int i = 0; i < 300 && rc == 0; i++) {
		rc = volume_choose(vs, 9000, &v);
		if (rc == 0)
			REQUIRE(put_run(vs, v, ++id, 1, 'c', 9000) == 0);
	}
	CHECK(rc == ERR_FULL);
	CHECK(!volume_has_room(vs, 9000, 0));
	CHECK(volume_health(vs) == 0);
	CHECK(volume_commit_all(vs) == 0);
	CHECK(has_chunk(vs, 1, 300, 1, 'a', 9000));
	CHECK(has_chunk(vs, 1, 400, 1, 'b', 9000));
	fault_arm(FAULT_FULL, 0, false);
	volumes_close(vs);
	clear_folder();
}

/* Rule 10: a cut volume gives errors, no SIGBUS; the others go on. */
static void
test_cut_file(void)
{
	static const off_t cuts[] = { 1, 4096, 8192, 40000 };
	struct buf b;

	buf_init(&b, CHUNK_BYTES + 1);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]) * 2; i++) {
		struct volumes *vs = open_set();
		char path[FILE_PATH_BYTES];
		uint32_t v = 0;
		int rc;

		CHECK(
		    file_path(folder, "volume-0001", path, sizeof(path)) == 0);
		for (uint32_t no = 1; no <= 30; no++)
			REQUIRE(put_run(vs, 1, 1, no, 'z', 9000) == 0);
		CHECK(volume_commit_all(vs) == 0);
		if (i % 2 == 0) /* cut while it is closed, or mapped */
			volumes_close(vs);
		CHECK(truncate(path, cuts[i / 2]) == 0);
		if (i % 2 == 0)
			vs = open_set();
		rc = volume_get(vs, 1, 1, 29, &b);
		CHECK(rc == ERR_DAMAGED || rc == ERR_FOREIGN || rc == ERR_IO);
		CHECK(b.len == 0);
		CHECK(i % 2 || volume_recover(vs, 1) == 0);
		rc = volume_choose(vs, 1000, &v);
		if (i % 2 == 0)
			CHECK(rc == 0 && v == 2);
		volumes_close(vs);
		clear_folder();
	}
	buf_deinit(&b);
}

/* Ids grow over all that any volume knows (volume.h). */
static void
test_ids(void)
{
	struct volumes *vs = open_set();

	CHECK(volume_recover(vs, 5) == 0);
	CHECK(volume_new_id(vs) == 6);
	CHECK(put_run(vs, 1, 40, 1, 'a', 10) == 0);
	CHECK(put_run(vs, 2, 30, 1, 'a', 10) == 0);
	CHECK(volume_mark_unfinished(vs, 2, 50) == 0);
	CHECK(volume_commit_all(vs) == 0);
	volumes_close(vs);
	vs = open_set();
	CHECK(volume_recover(vs, 5) == 0);
	CHECK(volume_new_id(vs) == 51);
	volumes_close(vs);
	clear_folder();
}

static void
test_pins(void)
{
	struct volumes *vs = open_set();

	for (uint64_t id = 1; id < 40; id++)
		CHECK(volume_pin(vs, id) == 0);
	CHECK(volume_pin(vs, 7) == 0);
	volume_unpin(vs, 7);
	CHECK(volume_is_pinned(vs, 7));
	volume_unpin(vs, 7);
	CHECK(!volume_is_pinned(vs, 7));
	CHECK(volume_is_pinned(vs, 39) && !volume_is_pinned(vs, 40));
	volume_pin_all(vs, 1);
	CHECK(volume_is_pinned(vs, 40));
	volume_pin_all(vs, -1);
	CHECK(!volume_is_pinned(vs, 40));
	volumes_close(vs);
	clear_folder();
}

static void
test_promises(void)
{
	struct volumes *vs = open_set();
	uint32_t v = 0;

	CHECK(volume_choose_spill(vs, 1000, MAP / 2, &v) == 0 && v == 1);
	CHECK(volume_promise(vs, v, MAP / 2) == ERR_FULL);
	CHECK(volume_choose_spill(vs, 1000, MAP / 2, &v) == 0 && v == 2);
	CHECK(volume_promise(vs, 1, -(int64_t)(MAP / 2)) == 0);
	CHECK(volume_promise(vs, 1, MAP / 2) == 0);
	CHECK(volume_promise(vs, 77, 1) == ERR_NONE);
	volumes_close(vs);
	clear_folder();
}

/* Every allocation that fails is said, and loses nothing. */
static void
test_no_memory(void)
{
	size_t before = mem_used();
	bool is_done = false;

	for (uint64_t n = 1; !is_done && n < 100; n++) {
		struct volumes *vs = NULL;
		uint32_t v = 0;
		int rc;

		fault_arm(FAULT_ALLOC, n, false);
		rc = volumes_open(folder, &small, &vs);
		if (rc == 0)
			rc = volume_recover(vs, 0);
		if (rc == 0)
			rc = volume_choose(vs, 100, &v);
		if (rc == 0)
			rc = put_run(vs, v, 1, 1, 'a', 100);
		if (rc == 0)
			rc = volume_pin(vs, 1);
		if (rc == 0)
			rc = volume_commit_all(vs);
		fault_arm(FAULT_ALLOC, 0, false);
		CHECK(rc == 0 || rc == ERR_NOMEM);
		is_done = rc == 0;
		volumes_close(vs);
		clear_folder();
	}
	CHECK(is_done);
	CHECK(mem_used() == before);
}

int
main(void)
{
	snprintf(
	    folder, sizeof(folder), "%s/tinpost-volume-XXXXXX", test_folder());
	REQUIRE(mkdtemp(folder) != NULL);
	test_put_and_trim();
	test_made_by_put();
	test_many_volumes();
	test_failures();
	test_full_device();
	test_reuse_on_full_device();
	test_cut_file();
	test_ids();
	test_pins();
	test_promises();
	test_no_memory();
	rmdir(folder);
	return test_done();
}
