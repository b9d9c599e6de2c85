#include "store/upload.h"

#include "../test.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/rand.h"
#include "fixture.h"

#define MB (1024u * 1024)

/* Byte i of the test message with this seed: text that compresses a little,
 * or noise that does not. */
static char
byte_at(uint32_t seed, uint64_t i)
{
	uint64_t x = i / (seed % 2 ? 1 : 7) + seed;

	x *= 0x9e3779b97f4a7c15ull;
	return (char)(x >> 56);
}

static int
put_bytes(struct upload *u, uint32_t seed, uint64_t from, uint64_t len)
{
	char piece[3000];
	int rc = 0;

	while (rc == 0 && len > 0) {
		size_t n = len < sizeof(piece) ? (size_t)len : sizeof(piece);

		for (size_t i = 0; i < n; i++)
			piece[i] = byte_at(seed, from + i);
		rc = upload_put(u, span_of(piece, n));
		from += n;
		len -= n;
	}
	return rc;
}

/* Does the stored message have exactly these bytes from `from` on? */
static bool
is_stored(struct store *s, uint64_t id, uint32_t seed, struct span prefix,
    uint64_t from, size_t len)
{
	struct buf b;
	bool is_same;

	buf_init(&b, len);
	is_same = body_read(s, id, from, len, &b) == 0 && b.len == len;
	for (size_t i = 0; is_same && i < len; i++) {
		uint64_t at = from + i;
		char c = at < prefix.len ? prefix.p[at]
		                         : byte_at(seed, at - prefix.len);

		is_same = b.p[i] == c;
	}
	buf_deinit(&b);
	return is_same;
}

static int
deliver(struct store *s, uint32_t seed, uint64_t len, struct span prefix,
    struct body *b, uint64_t *id)
{
	struct upload *u = NULL;
	int rc;

	rc = upload_new(s, &u);
	if (rc == 0)
		rc = put_bytes(u, seed, 0, len);
	if (rc == 0)
		rc = upload_finish(u, prefix, SPAN("summary"), b);
	if (rc == 0)
		rc = fx_deliver(s, b, id);
	upload_free(u);
	return rc;
}

/* Sizes around every edge: inline and spilled, with and without a prefix;
 * read whole, and in random ranges. */
static void
test_sizes(void)
{
	static const uint64_t lens[] = { 0, 1, 100, CHUNK_BYTES - 1,
		CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES,
		3 * CHUNK_BYTES + 1, 10 * CHUNK_BYTES, 700001 };
	struct store *s = fx_open();

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]) * 4; i++) {
		uint64_t len = lens[i / 4], id = 0, size = 0;
		struct span prefix = i % 2 ? SPAN("Received: x\r\n") : SPAN("");
		uint32_t seed = i & 2 ? 101 : 100;
		struct buf sum;
		struct body b;

		REQUIRE(deliver(s, seed, len, prefix, &b, &id) == 0);
		CHECK(body_is_inline(&b) == (len <= 3 * CHUNK_BYTES));
		CHECK(body_bytes(&b) == len + prefix.len);
		CHECK(body_size(s, id, &size) == 0 && size == body_bytes(&b));
		CHECK(is_stored(s, id, seed, prefix, 0, (size_t)size));
		for (int r = 0; size > 0 && r < 50; r++) {
			uint64_t from = rand_u32() % size;
			size_t n = rand_u32() % 40000 % (size - from) + 1;

			CHECK(is_stored(s, id, seed, prefix, from, n));
		}
		buf_init(&sum, 100);
		CHECK(body_read(s, id, size, 5, &sum) == 0 && sum.len == 0);
		CHECK(body_read(s, id, size + 9, 5, &sum) == 0);
		CHECK(body_summary(s, id, &sum) == 0);
		CHECK(span_is(buf_span(&sum), SPAN("summary")));
		CHECK(body_read(s, 999999, 0, 5, &sum) == ERR_NONE);
		buf_deinit(&sum);
	}
	store_close(s);
	fx_clear();
}

/* 25 MB, twenty at once: memory stays within what upload.h says, and every
 * byte comes back. */
static void
test_large(void)
{
	enum { N = 20 };
	struct store *s = fx_open();
	size_t before = mem_used(), most = 0;
	struct upload *u[N] = { NULL };
	const uint64_t len = 2 * MB;

	for (int i = 0; i < N; i++)
		REQUIRE(upload_new(s, &u[i]) == 0);
	for (uint64_t at = 0; at < len; at += 50000)
		for (int i = 0; i < N; i++) {
			uint64_t n = len - at < 50000 ? len - at : 50000;

			REQUIRE(put_bytes(u[i], 1, at, n) == 0);
			if (mem_used() - before > most)
				most = mem_used() - before;
		}
	CHECK(most < N * 48 * 1024 + UPLOAD_STAGED_BYTES);
	for (int i = 0; i < N; i++) {
		struct body b;
		uint64_t id;

		REQUIRE(upload_finish(u[i], SPAN("P"), SPAN("s"), &b) == 0);
		CHECK(b.data_bytes == len);
		REQUIRE(fx_deliver(s, &b, &id) == 0);
		upload_free(u[i]);
		CHECK(is_stored(s, id, 1, SPAN("P"), 0, len + 1));
	}
	store_close(s);
	fx_clear();
}

static void
test_25_megabytes(void)
{
	struct store *s = fx_open();
	size_t before = mem_used();
	struct upload *u = NULL;
	uint64_t id = 0;
	struct body b;

	REQUIRE(upload_new(s, &u) == 0);
	for (uint64_t at = 0; at < 25 * MB; at += MB) {
		REQUIRE(put_bytes(u, 3, at, MB) == 0);
		CHECK(mem_used() - before < 128 * 1024);
	}
	REQUIRE(upload_finish(u, SPAN("P"), SPAN("s"), &b) == 0);
	REQUIRE(fx_deliver(s, &b, &id) == 0);
	upload_free(u);
	CHECK(is_stored(s, id, 3, SPAN("P"), 20 * MB - 5, 70000));
	CHECK(is_stored(s, id, 3, SPAN("P"), 25 * MB - 500, 501));
	store_close(s);
	fx_clear();
}

static void
sweep_all(struct store *s)
{
	int rc = 1;

	for (int i = 0; rc == 1 && i < 100000; i++)
		rc = volume_sweep(store_volumes(s), s);
	CHECK(rc == 0);
}

/* How many bodies have chunks or marks in all volumes. */
static int
count_keys(struct store *s, enum volume_tree tree)
{
	struct volumes *vs = store_volumes(s);
	uint32_t v = 0;
	int n = 0;

	while (volume_next(vs, v + 1, &v) == 0) {
		uint64_t id = 0;
		uint32_t no = 0;
		size_t len;

		for (; volume_next_key(vs, v, tree, &id, &no, &len) == 0; id++)
			n++, no = 0;
	}
	return n;
}

/* What is not delivered goes away; what is, stays; one at work is left
 * alone. */
static void
test_sweep(void)
{
	struct store *s = fx_open();
	struct upload *at_work = NULL, *dropped = NULL;
	uint64_t id = 0;
	struct body b;

	REQUIRE(upload_new(s, &at_work) == 0 && upload_new(s, &dropped) == 0);
	CHECK(put_bytes(at_work, 5, 0, MB) == 0);
	CHECK(put_bytes(dropped, 5, 0, 3 * MB) == 0);
	CHECK(deliver(s, 7, MB, SPAN(""), &b, &id) == 0);
	upload_free(dropped);
	sweep_all(s);
	CHECK(count_keys(s, VOLUME_CHUNK) == 2);
	CHECK(count_keys(s, VOLUME_UNFINISHED) == 1);
	CHECK(is_stored(s, id, 7, SPAN(""), 0, MB));
	CHECK(put_bytes(at_work, 5, MB, 1000) == 0);
	CHECK(upload_finish(at_work, SPAN(""), SPAN(""), &b) == 0);
	CHECK(fx_deliver(s, &b, &id) == 0);
	upload_free(at_work);
	sweep_all(s);
	CHECK(count_keys(s, VOLUME_UNFINISHED) == 0);
	CHECK(is_stored(s, id, 5, SPAN(""), 0, MB + 1000));
	store_close(s);
	fx_clear();
}

/* A kill in the middle of uploads, at many places: the next start sweeps
 * what they left and nothing else, and gives no id twice. */
static void
crash_after(struct store *s, uint64_t len)
{
	struct upload *u = NULL;
	uint64_t id = 0;
	struct body b;

	REQUIRE(deliver(s, 9, 100000, SPAN("P"), &b, &id) == 0);
	CHECK(store_flush(s) == 0);
	REQUIRE(upload_new(s, &u) == 0);
	CHECK(put_bytes(u, 9, 0, len) == 0);
	if (len % 2)
		CHECK(upload_finish(u, SPAN(""), SPAN("sum"), &b) == 0);
	/* Delivered, and not flushed: gone too. */
	if (len % 2 && len > 700000)
		CHECK(fx_deliver(s, &b, &id) == 0);
}

static void
test_kill(void)
{
	static const uint64_t lens[] = { 100, 20001, 60000, 300000, 300001,
		600000, 900001, 1500000 };

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct store *s = fx_open();
		uint64_t next = 0;
		struct message m;
		struct body b;

		store_close(s);
		fx_in_child(crash_after, lens[i]);
		s = fx_reopen();
		CHECK(message_get(s, fx_inbox, 2, &m) == ERR_NONE);
		REQUIRE(message_get(s, fx_inbox, 1, &m) == 0);
		CHECK(deliver(s, 11, 100000, SPAN("P"), &b, &next) == 0);
		CHECK(next > m.body);
		sweep_all(s);
		CHECK(count_keys(s, VOLUME_CHUNK) == 2);
		CHECK(count_keys(s, VOLUME_SUMMARY) == 2);
		CHECK(count_keys(s, VOLUME_UNFINISHED) == 0);
		CHECK(is_stored(s, m.body, 9, SPAN("P"), 0, 100001));
		CHECK(is_stored(s, next, 11, SPAN("P"), 0, 100001));
		store_close(s);
		fx_clear();
	}
}

/* The n-th allocation, put or flush fails, for every n: an error and no half
 * body, or success. */
static void
test_faults(void)
{
	static const struct {
		enum fault_site site;
		uint64_t len;
		int rc;
	} rows[] = {
		{ FAULT_ALLOC, 20000, ERR_NOMEM },
		{ FAULT_ALLOC, 100000, ERR_NOMEM },
		{ FAULT_LMDB, 400000, ERR_IO },
		{ FAULT_SYNC, 900000, ERR_IO },
		{ FAULT_FULL, 900000, ERR_FULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store *s = fx_open();
		bool is_done = false;

		for (uint64_t n = 1; !is_done && n < 200; n++) {
			struct upload *u = NULL;
			struct body b;
			int rc;

			fault_arm(rows[i].site, n, rows[i].rc == ERR_FULL);
			rc = upload_new(s, &u);
			if (rc == 0)
				rc = put_bytes(u, 13, 0, rows[i].len);
			if (rc == 0)
				rc = upload_finish(u, SPAN("P"), SPAN("s"), &b);
			fault_arm(rows[i].site, 0, false);
			is_done = rc == 0;
			CHECK(rc == 0 || rc == rows[i].rc);
			upload_free(u);
			volume_abort_all(store_volumes(s));
			sweep_all(s);
			CHECK(count_keys(s, VOLUME_UNFINISHED) == 0);
			CHECK(count_keys(s, VOLUME_CHUNK) == 0);
		}
		CHECK(is_done);
		store_close(s);
		fx_clear();
	}
}

/* Another's failed transaction took chunks with it: the upload says so and
 * never delivers a body with a hole. */
static void
test_loss(void)
{
	struct store *s = fx_open();
	struct upload *u = NULL, *committed = NULL;
	struct body b;
	uint64_t id;

	REQUIRE(upload_new(s, &u) == 0 && upload_new(s, &committed) == 0);
	CHECK(put_bytes(u, 15, 0, 100000) == 0);
	volume_abort_all(store_volumes(s));
	CHECK(upload_finish(u, SPAN(""), SPAN(""), &b) == ERR_IO);
	CHECK(upload_put(u, SPAN("x")) == ERR_IO);
	upload_free(u);
	CHECK(put_bytes(committed, 15, 0, 10) == 0); /* all in memory still */
	volume_abort_all(store_volumes(s));
	CHECK(upload_finish(committed, SPAN(""), SPAN(""), &b) == 0);
	CHECK(fx_deliver(s, &b, &id) == 0);
	upload_free(committed);
	store_close(s);
	fx_clear();
}

/* Rule 6: an upload's failed put or commit takes with it small bodies that
 * were delivered since the checkpoint, durable in the journal only, or not
 * even that: the flush brings them back. */
static void
test_others_survive(void)
{
	static const enum fault_site sites[] = { FAULT_LMDB, FAULT_SYNC };

	for (int i = 0; i < 2; i++) {
		struct store *s = fx_open();
		struct upload *u = NULL;
		uint64_t flushed = 0, fresh = 0;
		struct body b;

		CHECK(deliver(s, 1, 1000, SPAN("P"), &b, &flushed) == 0);
		CHECK(store_flush(s) == 0);
		CHECK(deliver(s, 2, 2000, SPAN("P"), &b, &fresh) == 0);
		REQUIRE(upload_new(s, &u) == 0);
		fault_arm(sites[i], 1, false);
		CHECK(put_bytes(u, 3, 0, MB) == ERR_IO);
		upload_free(u);
		CHECK(store_flush(s) == 0);
		CHECK(is_stored(s, flushed, 1, SPAN("P"), 0, 1001));
		CHECK(is_stored(s, fresh, 2, SPAN("P"), 0, 2001));
		store_close(s);
		s = fx_reopen();
		CHECK(is_stored(s, flushed, 1, SPAN("P"), 0, 1001));
		CHECK(is_stored(s, fresh, 2, SPAN("P"), 0, 2001));
		store_close(s);
		fx_clear();
	}
}

static void
test_limits(void)
{
	static char big[MAX_SUMMARY_BYTES + 1];
	struct store *s = fx_open();
	struct upload *u = NULL;
	struct body b;

	REQUIRE(upload_new(s, &u) == 0);
	CHECK(upload_finish(u, span_of(big, MAX_PREFIX_BYTES + 1), SPAN(""),
	          &b) == ERR_LIMIT);
	upload_free(u);
	REQUIRE(upload_new(s, &u) == 0);
	CHECK(upload_finish(u, SPAN(""), span_of(big, sizeof(big)), &b) ==
	      ERR_LIMIT);
	upload_free(u);
	/* With a large summary three chunks of noise do not fit an
	 * operation (rule 8). */
	REQUIRE(upload_new(s, &u) == 0);
	CHECK(put_bytes(u, 17, 0, 30000) == 0);
	CHECK(upload_finish(u, SPAN(""), span_of(big, MAX_SUMMARY_BYTES), &b) ==
	      0);
	CHECK(!body_is_inline(&b));
	upload_free(u);
	upload_free(NULL);
	store_close(s);
	fx_clear();
}

int
main(void)
{
	fx_begin();
	test_sizes();
	test_large();
	test_25_megabytes();
	test_sweep();
	test_kill();
	test_faults();
	test_loss();
	test_others_survive();
	test_limits();
	fx_end();
	return test_done();
}
