#include "store/chunk.h"

#include "../test.h"
#include "base/rand.h"

static char text[CHUNK_BYTES];
static char noise[CHUNK_BYTES];

static void
fill(void)
{
	static const char line[] = "Received: from mail.example.test by me\r\n";

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = line[i % (sizeof(line) - 1)];
	rand_bytes(noise, sizeof(noise));
}

static void
test_round_trip(void)
{
	static const size_t lens[] = { 0, 1, 2, 3, 4, 15, 16, 17, 100, 4096,
		CHUNK_BYTES - 1, CHUNK_BYTES };

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]) * 2; i++) {
		struct span raw = span_of(i % 2 ? noise : text, lens[i / 2]);
		struct buf stored, back;
		size_t len = 1;
		char *p;

		buf_init(&stored, CHUNK_STORED_BYTES);
		buf_init(&back, CHUNK_BYTES);
		chunk_encode(raw, &stored);
		CHECK(!buf_failed(&stored));
		CHECK(stored.len <= raw.len + 1);
		p = test_copy(buf_span(&stored));
		CHECK(chunk_raw_len(span_of(p, stored.len), &len) == 0);
		CHECK(len == raw.len);
		CHECK(chunk_decode(span_of(p, stored.len), &back) == 0);
		CHECK(span_is(buf_span(&back), raw));
		free(p);
		buf_deinit(&stored);
		buf_deinit(&back);
	}
}

/* What does not save a sixteenth stays as it is; text is compressed. */
static void
test_codec(void)
{
	struct buf b;

	buf_init(&b, CHUNK_STORED_BYTES);
	chunk_encode(span_of(noise, sizeof(noise)), &b);
	CHECK(b.p[0] == 0 && b.len == CHUNK_BYTES + 1);
	buf_reset(&b);
	chunk_encode(span_of(text, sizeof(text)), &b);
	CHECK(b.p[0] == 1 && b.len < CHUNK_BYTES / 16);
	buf_deinit(&b);
}

/* A cut chunk is damaged, never shorter without a word. A raw one carries no
 * length of its own: the index knows it. */
static void
test_cut(void)
{
	struct buf b, out;

	buf_init(&b, CHUNK_STORED_BYTES);
	buf_init(&out, CHUNK_BYTES);
	chunk_encode(span_of(text, 5000), &b);
	for (size_t n = 0; n < b.len; n++) {
		char *p = test_copy(span_sub(buf_span(&b), 0, n));

		CHECK(chunk_decode(span_of(p, n), &out) == ERR_DAMAGED);
		CHECK(out.len == 0);
		free(p);
	}
	for (size_t i = 0; i < b.len; i++) { /* must not read or write wild */
		char *p = test_copy(buf_span(&b));

		p[i] ^= (char)0x55;
		buf_reset(&out);
		if (chunk_decode(span_of(p, b.len), &out) == 0)
			CHECK(out.len <= CHUNK_BYTES);
		free(p);
	}
	buf_deinit(&b);
	buf_deinit(&out);
}

static void
test_hostile(void)
{
	static const struct {
		const char *name;
		struct span in;
	} rows[] = {
		{ "nothing", { "", 0 } },
		{ "a codec of the future", { "\2abc", 4 } },
		{ "LZ4 with no block", { "\1\0\5", 3 } },
		{ "a length over a chunk", { "\1\377\377\0", 4 } },
		{ "a length of 0 with bytes", { "\1\0\0\0", 4 } },
		{ "a match before the start", { "\1\0\11\0\1\0\0\0", 8 } },
	};
	static char big[CHUNK_BYTES + 2];
	struct buf out;

	buf_init(&out, 2 * CHUNK_BYTES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *p = test_copy(rows[i].in);
		struct span s = span_of(p, rows[i].in.len);

		CHECK_ROW(chunk_decode(s, &out) == ERR_DAMAGED, rows[i].name);
		CHECK_ROW(out.len == 0, rows[i].name);
		free(p);
	}
	CHECK(chunk_decode(span_of(big, sizeof(big)), &out) == ERR_DAMAGED);
	buf_deinit(&out);
	buf_init(&out, 10);
	CHECK(chunk_decode(span_of(big, 100), &out) == ERR_LIMIT);
	buf_deinit(&out);
}

int
main(void)
{
	fill();
	test_round_trip();
	test_codec();
	test_cut();
	test_hostile();
	return test_done();
}
