/* Rule 7 on a device that is really full: a small tmpfs of this test's own
 * (root only), else a bound on the size of files. What was acknowledged stays,
 * reads go on, and so do changes when there is room again. */
#define _GNU_SOURCE /* mount */
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "store/inside.h"
#include "store_world.h"

static const struct store_options small = {
	.map_bytes = 64 << 20,
	.volume_map_bytes = 16 << 20,
	.journal_bytes = JOURNAL_MIN_BYTES,
	.max_dirty_pages = 32,
};

static char device[FILE_PATH_BYTES];

/* --- two ways to be full --- */

static bool has_mount;

/* Fill what is left of the device, to the last block. */
static void
fill_device(void)
{
	static const char block[4096] = "x";
	char path[FILE_PATH_BYTES];
	int fd;

	REQUIRE(file_path(device, "ballast", path, sizeof(path)) == 0);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	REQUIRE(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		continue;
	close(fd);
}

/* What make_room frees. */
static void
make_ballast(void)
{
	static const char some[3 << 20] = "x";
	char path[FILE_PATH_BYTES];

	REQUIRE(file_path(device, "ballast", path, sizeof(path)) == 0);
	CHECK_INT(file_write(path, span_of(some, sizeof(some)), 0600), 0);
}

/* No file may be longer than so. */
static void
limit_files(rlim_t bytes)
{
	struct rlimit r;

	REQUIRE(getrlimit(RLIMIT_FSIZE, &r) == 0);
	r.rlim_cur = bytes;
	REQUIRE(setrlimit(RLIMIT_FSIZE, &r) == 0);
}

static void
make_full(void)
{
	if (has_mount)
		fill_device();
	else
		limit_files(300 << 10); /* journal, index and volumes */
}

static void
make_room(void)
{
	char path[FILE_PATH_BYTES];

	if (has_mount) {
		REQUIRE(file_path(device, "ballast", path, sizeof(path)) == 0);
		unlink(path);
	} else {
		limit_files(RLIM_INFINITY);
	}
}

/* --- the test --- */

/* Deliver until it is refused or max were taken. Each is acknowledged alone;
 * the checkpoints come by the dirty bound. */
static uint32_t
deliver_until_refused(struct store *s, uint32_t box, uint32_t max, int *rc)
{
	static char text[6000];
	static uint32_t seed = 5;
	uint32_t n = 0;

	for (*rc = 0; n < max; n++) {
		for (size_t i = 0; i < sizeof(text); i++) {
			seed = seed * 1664525u + 1013904223u;
			text[i] = (char)(33 + (seed >> 16) % 90);
		}
		*rc = world_deliver(
		    s, span_of(text, sizeof(text)), &box, 1, NULL);
		if (*rc == 0)
			*rc = store_flush(s);
		if (*rc < 0)
			return n;
	}
	return n;
}

static void
check_mails(struct store *s, uint32_t box, uint32_t n)
{
	struct mailbox_view v;
	struct message m = { 0 };
	struct buf b;
	uint32_t n_read = 0;

	buf_init(&b, 1 << 20);
	CHECK_INT(mailbox_get(s, box, &v), 0);
	CHECK_INT(v.n_messages, n);
	while (message_next(s, box, m.uid + 1, &m) == 0) {
		CHECK_INT(world_read(s, box, m.uid, &b), 0);
		CHECK_INT(b.len, m.bytes);
		n_read++;
	}
	CHECK_INT(n_read, n);
	buf_deinit(&b);
}

/* Full, then room again: in the same process, or after a start. */
static void
fill_and_go_on(struct store *s, uint32_t box, bool is_reopened)
{
	struct mailbox_view v;
	uint32_t n;
	int rc;

	CHECK_INT(mailbox_get(s, box, &v), 0);
	n = v.n_messages;
	make_full();
	n += deliver_until_refused(s, box, 5000, &rc);
	CHECK(rc < 0); /* the device was full indeed */
	check_mails(s, box, n);
	/* Again and again: nothing is lost by asking. */
	for (int i = 0; i < 20; i++)
		n += deliver_until_refused(s, box, 1, &rc);
	check_mails(s, box, n);
	(void)!store_checkpoint(s);
	check_mails(s, box, n);
	if (is_reopened)
		store_close(s); /* while it is full */
	make_room();
	if (is_reopened || store_is_read_only(s)) {
		if (!is_reopened)
			store_close(s);
		s = world_open(&small);
		REQUIRE(s != NULL);
	}
	check_mails(s, box, n);
	n += deliver_until_refused(s, box, 20, &rc);
	CHECK_INT(rc, 0);
	CHECK_INT(store_checkpoint(s), 0);
	check_mails(s, box, n);
	store_close(s);
}

static void
rule_7(bool is_reopened)
{
	struct store *s = world_new("device/store", &small);
	uint32_t box = world_inbox(s, world_account(s, "kim@x.test"));
	int rc;

	CHECK_INT(deliver_until_refused(s, box, 30, &rc), 30);
	CHECK_INT(store_checkpoint(s), 0);
	fill_and_go_on(s, box, is_reopened);
	world_remove(world_folder);
}

/* Expunge every third message, up to n. Returns how many went. */
static uint32_t
expunge_some(struct store *s, uint32_t box, uint32_t n)
{
	struct message m = { 0 };
	struct rangeset uids;
	uint32_t n_done = 0, n_now, i = 0;

	rangeset_init(&uids);
	while (n_done < n && message_next(s, box, m.uid + 1, &m) == 0) {
		if (i++ % 3 != 0)
			continue;
		rangeset_clear(&uids);
		CHECK_INT(rangeset_add(&uids, m.uid, m.uid), 0);
		CHECK_INT(message_expunge(s, box, &uids, &n_now), 0);
		CHECK_INT(store_flush(s), 0);
		n_done += n_now;
	}
	rangeset_deinit(&uids);
	for (i = 0; i < 10000 && store_idle(s) > 0; i++)
		continue;
	return n_done;
}

/* Deliver up to n; who is refused comes again, after an idle moment. */
static uint32_t
deliver_patiently(struct store *s, uint32_t box, uint32_t n)
{
	uint32_t n_done = 0;
	int rc;

	for (int i = 0; i < 5 && n_done < n; i++) {
		if (store_has_room(s, 6000))
			n_done +=
			    deliver_until_refused(s, box, n - n_done, &rc);
		for (int k = 0; k < 10 && store_idle(s) > 0; k++)
			continue;
	}
	return n_done;
}

/* The device stays full to the last block: what is expunged makes room for
 * about as much. */
static void
rule_7_stays_full(void)
{
	struct store *s = world_new("device/store", &small);
	uint32_t box = world_inbox(s, world_account(s, "kim@x.test"));
	uint32_t n, n_gone, n_new;
	int rc;

	make_ballast();
	n = deliver_until_refused(s, box, 5000, &rc);
	CHECK(rc < 0);
	make_full();
	for (int i = 0; i < 6; i++) {
		n_gone = expunge_some(s, box, n / 8);
		n_new = deliver_patiently(s, box, n_gone);
		if (n_new < n_gone / 2)
			fprintf(
			    stderr, "round %d: %u of %u\n", i, n_new, n_gone);
		CHECK(n_new >= n_gone / 2);
		n = n - n_gone + n_new;
		check_mails(s, box, n);
		CHECK(!store_is_read_only(s) && !store_is_lost(s));
	}
	make_room();
	n += deliver_until_refused(s, box, 20, &rc);
	CHECK_INT(rc, 0);
	store_close(s);
	s = world_open(&small);
	REQUIRE(s != NULL);
	check_mails(s, box, n);
	store_close(s);
	world_remove(world_folder);
}

int
main(void)
{
	REQUIRE(
	    file_path(test_folder(), "device", device, sizeof(device)) == 0);
	(void)mkdir(device, 0700);
	(void)signal(SIGXFSZ, SIG_IGN);
	has_mount = mount("tinpost", device, "tmpfs", 0, "size=12m") == 0;
	rule_7(false);
	rule_7(true);
	if (has_mount) {
		rule_7_stays_full();
		(void)umount(device);
		has_mount = false;
		rule_7(false);
		rule_7(true);
	}
	rmdir(device);
	return test_done();
}
