/* The rules of durability (store/store.h), each by its number: recovery at
 * every position of the journal, and with every write, flush, allocation and
 * LMDB put failing. */
#include "base/clock.h"
#include "base/hash.h"
#include "store/inside.h"
#include "store_world.h"

#define N_TURNS 21

static char base_folder[FILE_PATH_BYTES]; /* before the turns */
static char cut_folder[FILE_PATH_BYTES];  /* a crash's copy, as found */
static char copy_folder[FILE_PATH_BYTES]; /* worked upon */

static const struct store_options small = {
	.map_bytes = 64 << 20,
	.volume_map_bytes = 16 << 20,
	.journal_bytes = JOURNAL_MIN_BYTES,
};

/* What the index holds, without what differs from start to start. */
static uint64_t
digest(struct store *s)
{
	struct hash_key k = { 1, 2 };

	for (int t = TREE_SETTING; t < N_TREES; t++) {
		struct span key, value;
		int rc;

		for (rc = tree_seek(
		         s, (enum tree)t, span_of(NULL, 0), &key, &value);
		     rc == 0; rc = tree_next(s, (enum tree)t, &key, &value)) {
			k.k0 = hash_sip(k, key) + (uint64_t)t;
			k.k1 ^= hash_sip(k, value);
		}
		CHECK_INT(rc, ERR_NONE);
	}
	return k.k0 ^ k.k1;
}

/* Every message can be read whole. */
static void
read_all(struct store *s)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (uint32_t box = 1; mailbox_next(s, &box) == 0; box++) {
		struct message m = { 0 };

		while (message_next(s, box, m.uid + 1, &m) == 0) {
			CHECK_INT(world_read(s, box, m.uid, &b), 0);
			CHECK_INT(b.len, m.bytes);
			CHECK(span_starts(
			    buf_span(&b), SPAN("Received: by x\r\nhello ")));
		}
	}
	buf_deinit(&b);
}

static void
copy_folder_to(const char *from, const char *to)
{
	DIR *d = opendir(from);
	struct dirent *e;

	world_remove(to);
	REQUIRE(mkdir(to, 0700) == 0 && d != NULL);
	while ((e = readdir(d)) != NULL) {
		char a[FILE_PATH_BYTES], b[FILE_PATH_BYTES], block[65536];
		FILE *in, *out;
		size_t n;

		if (e->d_name[0] == '.' ||
		    span_ends_nocase(span_str(e->d_name), SPAN("lock")))
			continue;
		REQUIRE(file_path(from, e->d_name, a, sizeof(a)) == 0);
		REQUIRE(file_path(to, e->d_name, b, sizeof(b)) == 0);
		in = fopen(a, "rb");
		out = fopen(b, "wb");
		REQUIRE(in != NULL && out != NULL);
		while ((n = fread(block, 1, sizeof(block), in)) > 0)
			REQUIRE(fwrite(block, 1, n, out) == n);
		fclose(in);
		fclose(out);
	}
	closedir(d);
}

static int
open_at(const char *folder, struct store **s)
{
	char storage[512];
	struct buf why;

	buf_init_fixed(&why, storage, sizeof(storage));
	*s = NULL;
	return store_open(folder, &small, s, &why);
}

/* --- the script: what each turn does. Returns the first error. --- */

static uint32_t boxes[3]; /* two people's INBOX, and an Archive */

/* One mail for a mailbox here, or not, and for people elsewhere. */
static int
queue_up(struct store *s, struct span mail, bool is_local)
{
	const struct queue_to to[] = {
		{ .address = SPAN("a@b.test") },
		{ .address = SPAN("b@c.test") },
	};
	struct queue_mail q = { .expires_s = 1 << 30, .to = to, .n_to = 2 };
	struct delivery_to local = { .mailbox = boxes[0] };
	struct delivery d = {
		.to = &local, .n_to = is_local, .queue = &q, .n_queue = 1
	};
	struct upload *u = NULL;
	struct body b;
	int rc = upload_new(s, &u);

	if (rc == 0)
		rc = upload_put(u, mail);
	if (rc == 0)
		rc = upload_finish(
		    u, SPAN("Received: by x\r\n"), SPAN("summary"), &b);
	d.body = &b;
	if (rc == 0)
		rc = mailbox_deliver(s, &d, NULL, NULL);
	upload_free(u);
	return rc;
}

static int
settle_queue(struct store *s)
{
	struct queue_outcome o[5];
	struct queue_message_view m = { .m.id = 0 };
	size_t n = 0;

	memset(o, 0, sizeof(o));
	while (n < 4 && queue_next(s, m.m.id + 1, &m) == 0) {
		o[n].id = o[n + 1].id = m.m.id;
		o[n].what = QUEUE_GONE;
		o[n + 1].index = 1;
		o[n + 1].what = n == 0 ? QUEUE_GONE : QUEUE_DEFER;
		o[n + 1].next_s = 1000;
		n += 2;
	}
	return queue_settle(s, o, n);
}

/* Two that are over and one that is not, in the place of one. */
static int
put_memos(struct store *s)
{
	int rc = memo_put(s, MEMO_STS, SPAN("over"), SPAN("a"), 1);

	if (rc == 0)
		rc = memo_put(s, MEMO_TLS, SPAN("over"), SPAN("b"), 2);
	if (rc == 0)
		rc = memo_put(s, MEMO_TLS, SPAN("kept"), SPAN("c"), 3);
	if (rc == 0)
		rc = memo_put(s, MEMO_TLS, SPAN("kept"), SPAN("d"), INT64_MAX);
	return rc;
}

static int
turn(struct store *s, int i)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "hello %d\r\n", i);
	struct span mail = span_of(text, (size_t)len);
	struct rangeset uids, missing;
	struct message_flags f = { .how = MESSAGE_ADD,
		.flags = MESSAGE_SEEN,
		.unchanged_since = UINT64_MAX };
	struct expunge_totals t = { 0 };
	struct message m;
	uint8_t map[MAX_KEYWORDS] = { 0 };
	uint64_t modseq;
	uint32_t id, n;
	int rc = 0;

	rangeset_init(&uids);
	rangeset_init(&missing);
	switch (i) {
	case 0:
	case 1:
	case 2:
		rc = world_deliver(s, mail, boxes, 2, NULL);
		break;
	case 3:
		rc = setting_put(s, SPAN("a.b"), SPAN("c"));
		if (rc == 0)
			rc = world_deliver(s, mail, boxes, 1, NULL);
		break;
	case 4:
		rc = rangeset_add(&uids, 1, 2);
		if (rc == 0)
			rc = message_set_flags(
			    s, boxes[0], &uids, &f, NULL, &modseq);
		break;
	case 5:
		rc = rangeset_add(&uids, 1, 3);
		if (rc == 0)
			rc = message_copy(s, boxes[0], &uids, boxes[2], map,
			    &missing, &id, &n);
		break;
	case 6:
		rc = rangeset_add(&uids, 2, 2);
		if (rc == 0)
			rc = message_expunge(s, boxes[0], &uids, &n);
		break;
	case 7:
		rc = mailbox_create(s, 1, SPAN("Work/2026"), SPECIAL_NONE, &id);
		break;
	case 8:
		t.modseq = mailbox_modseq(s, boxes[1]);
		for (m.uid = 0; message_next(s, boxes[1], m.uid + 1, &m) == 0;)
			message_total(&t, &m);
		rc = rangeset_add(&uids, 1, 3);
		if (rc == 0 && t.n_messages == 3)
			rc = message_expunge_set(s, boxes[1], &uids, &t);
		break;
	case 9:
		rc = mailbox_delete(s, boxes[2]);
		break;
	case 10:
		rc = store_idle(s);
		rc = rc < 0 ? rc : 0;
		break;
	case 11: /* RFC 6851 */
		rc = rangeset_add(&uids, 1, 3);
		if (rc == 0)
			rc = message_move(s, boxes[0], &uids, boxes[1], map,
			    &missing, &id, &n);
		break;
	case 12: /* RFC 3502 */
	case 13:
		rc = world_deliver_many(s, (struct span[]){ mail, mail, mail },
		    3, boxes[0], i == 13, NULL);
		break;
	case 14:
	case 15:
		rc = queue_up(s, mail, i == 14);
		break;
	case 16:
		rc = settle_queue(s);
		break;
	case 17:
		rc = put_memos(s);
		break;
	case 18:
		rc = memo_delete(s, MEMO_TLS, SPAN("kept"));
		break;
	case 19:
		s->memo_swept_s = 0;
		rc = store_idle(s);
		rc = rc < 0 ? rc : 0;
		break;
	default:
		rc = world_deliver(s, mail, boxes, 2, NULL);
		break;
	}
	rangeset_deinit(&uids);
	rangeset_deinit(&missing);
	return rc;
}

static void
make_base(void)
{
	struct store *s = world_new("rbase", &small);
	uint32_t a = world_account(s, "a@x.test");
	uint32_t b = world_account(s, "b@x.test");

	boxes[0] = world_inbox(s, a);
	boxes[1] = world_inbox(s, b);
	CHECK_INT(mailbox_find(s, a, SPAN("Archive"), &boxes[2]), 0);
	CHECK_INT(store_flush(s), 0);
	store_close(s);
	memcpy(base_folder, world_folder, sizeof(base_folder));
	REQUIRE(file_path(test_folder(), "rcut", cut_folder,
	            sizeof(cut_folder)) == 0);
	REQUIRE(file_path(test_folder(), "rcopy", copy_folder,
	            sizeof(copy_folder)) == 0);
}

/* --- every position of the journal --- */

static uint64_t digests[N_TURNS + 1]; /* after so many turns */
static uint64_t ends[N_TURNS + 1];    /* where the journal stood then */

/* Run the script without fault; leave in cut_folder what a crash behind its
 * last turn leaves. */
static void
run_to_crash(void)
{
	struct store *s;

	copy_folder_to(base_folder, copy_folder);
	REQUIRE(open_at(copy_folder, &s) == 0);
	digests[0] = digest(s);
	ends[0] = s->journal.offset;
	for (int i = 0; i < N_TURNS; i++) {
		CHECK_INT(turn(s, i), 0);
		CHECK_INT(store_flush(s), 0);
		digests[i + 1] = digest(s);
		ends[i + 1] = s->journal.offset;
		CHECK(ends[i + 1] % JOURNAL_BLOCK_BYTES == 0);
		CHECK(ends[i + 1] >= ends[i]); /* rule 1: never rewritten */
	}
	read_all(s);
	copy_folder_to(copy_folder, cut_folder);
	store_close(s);
}

/* Overwrite one byte of the copy's journal, or zeros from there on. */
static void
hurt(uint64_t at, bool is_cut)
{
	char path[FILE_PATH_BYTES], c = 0;
	FILE *f;

	REQUIRE(file_path(copy_folder, "journal", path, sizeof(path)) == 0);
	f = fopen(path, "r+b");
	REQUIRE(f != NULL && fseek(f, (long)at, SEEK_SET) == 0);
	if (is_cut) {
		while (at++ < ends[N_TURNS])
			fputc(0, f);
	} else {
		c = (char)fgetc(f);
		fseek(f, -1, SEEK_CUR);
		fputc(c ^ 0x10, f);
	}
	fclose(f);
}

/* How many turns lie whole before this byte. */
static int
turns_before(uint64_t at)
{
	int n = 0;

	while (n < N_TURNS && ends[n + 1] <= at)
		n++;
	return n;
}

static void
check_recovered(uint64_t at, bool is_cut)
{
	struct store *s;
	uint64_t got;
	int n = turns_before(at);

	copy_folder_to(cut_folder, copy_folder);
	hurt(at, is_cut);
	CHECK_INT(open_at(copy_folder, &s), 0);
	if (s == NULL)
		return;
	got = digest(s);
	/* Padding may be hurt without loss: cut there, its frame stays; with a
	 * bit flipped, those behind it too. */
	CHECK(got == digests[n] || got == digests[is_cut ? n + 1 : N_TURNS]);
	if (at % JOURNAL_BLOCK_BYTES < JOURNAL_HEADER_BYTES)
		CHECK(got == digests[n]);
	read_all(s);
	/* Rule 2: what comes next is not followed by what lay behind. */
	CHECK_INT(turn(s, 0), 0);
	CHECK_INT(store_flush(s), 0);
	got = digest(s);
	store_close(s);
	CHECK_INT(open_at(copy_folder, &s), 0);
	CHECK(s != NULL && digest(s) == got);
	store_close(s);
}

static void
rule_1_2_3_every_position(void)
{
	run_to_crash();
	for (uint64_t at = ends[0]; at < ends[N_TURNS]; at += 512)
		check_recovered(at, true);
	for (int i = 0; i < N_TURNS; i++) {
		for (uint64_t at = ends[i]; at < ends[i] + 32; at += 3)
			check_recovered(at, false);
		for (uint64_t at = ends[i] + 33; at < ends[i + 1]; at += 211)
			check_recovered(at, false);
	}
}

/* Rule 3: a crash between checkpoint and journal's new lap is harmless; a
 * journal of another time is refused. */
static void
rule_3_skips_and_refuses(void)
{
	char from[FILE_PATH_BYTES], to[FILE_PATH_BYTES];
	struct store *s;

	copy_folder_to(cut_folder, copy_folder);
	REQUIRE(open_at(copy_folder, &s) == 0);
	CHECK_INT(s->stats.n_replayed > 0, 1);
	store_close(s);
	/* The old journal under the new index: closed generation, skipped. */
	REQUIRE(file_path(cut_folder, "journal", from, sizeof(from)) == 0);
	REQUIRE(file_path(copy_folder, "journal", to, sizeof(to)) == 0);
	{
		struct buf b;

		buf_init(&b, 8 << 20);
		REQUIRE(file_read(from, &b) == 0);
		REQUIRE(file_write(to, buf_span(&b), 0600) == 0);
		buf_deinit(&b);
	}
	CHECK_INT(open_at(copy_folder, &s), 0);
	CHECK(s != NULL && digest(s) == digests[N_TURNS]);
	store_close(s);
	/* The base's index under the later journal that it does not know. */
	copy_folder_to(base_folder, copy_folder);
	{
		struct buf b;

		buf_init(&b, 8 << 20);
		REQUIRE(file_read(from, &b) == 0);
		REQUIRE(file_write(to, buf_span(&b), 0600) == 0);
		buf_deinit(&b);
	}
	CHECK_INT(open_at(copy_folder, &s), ERR_DAMAGED);
}

/* --- every failure --- */

/* One run of the script with the n-th pass of a site failing. Returns whether
 * the site was reached. */
static bool
run_with_fault(enum fault_site site, uint64_t n, bool is_lasting)
{
	struct store *s;
	uint64_t durable, pending = 0;
	/* When no put works any more, replay cannot show what is durable: the
	 * store shows what was committed, for reading only. */
	bool is_blind = site == FAULT_LMDB && is_lasting;
	bool was_reached;

	copy_folder_to(base_folder, copy_folder);
	REQUIRE(open_at(copy_folder, &s) == 0);
	durable = digest(s);
	fault_arm(site, n, is_lasting);
	for (int i = 0; i < N_TURNS; i++) {
		uint64_t before = digest(s), after;
		int rc = turn(s, i);

		after = digest(s);
		/* Rule 6: a failed operation leaves nothing, unless the turn
		 * was made of several. */
		if (rc < 0 && i != 3 && i != 10 && i != 17 && i != 19)
			CHECK(is_blind || after == before || after == durable);
		if (!store_is_read_only(s))
			pending = after;
		rc = store_flush(s);
		if (rc == 0 && !store_is_read_only(s))
			durable = digest(s);
		else
			CHECK(is_blind || digest(s) == durable); /* rule 5 */
		CHECK(rc < 0 || digest(s) == after);
	}
	was_reached = fault_passes(site) >= n;
	fault_arm(site, 0, false);
	read_all(s);
	{
		bool is_read_only = store_is_read_only(s);
		char other[FILE_PATH_BYTES];

		REQUIRE(file_path(test_folder(), "rafter", other,
		            sizeof(other)) == 0);
		copy_folder_to(copy_folder, other);
		store_close(s);
		CHECK_INT(open_at(other, &s), 0);
		if (s == NULL)
			return was_reached;
		/* What a read-only store had written and not acknowledged may
		 * be there. */
		CHECK(digest(s) == durable ||
		      (is_read_only && digest(s) == pending));
		read_all(s);
		store_close(s);
	}
	return was_reached;
}

static void
rules_4_5_6_every_failure(void)
{
	static const enum fault_site sites[] = { FAULT_WRITE, FAULT_SHORT_WRITE,
		FAULT_SYNC, FAULT_LMDB, FAULT_ALLOC };

	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
		uint64_t step = sites[i] == FAULT_ALLOC ? 7 : 1;

		for (uint64_t n = 1; run_with_fault(sites[i], n, false);
		     n += step)
			continue;
		for (uint64_t n = 1; run_with_fault(sites[i], n, true);
		     n += 5 * step)
			continue;
	}
}

int
main(void)
{
	make_base();
	rule_1_2_3_every_position();
	rule_3_skips_and_refuses();
	rules_4_5_6_every_failure();
	return test_done();
}
