#include "auth/hasher.h"
#include "auth/pbkdf2.h"
#include "base/buf.h"
#include "base/clock.h"
#include "test.h"

#define MAX_HASHES 100

struct row {
	const char *password, *salt;
	uint32_t iterations;
	const char *hex;
};

/* The first block of RFC 7914 11, and PBKDF2-HMAC-SHA-256 with a password
 * longer than a block of the hash. */
static const struct row rows[] = {
	{ "passwd", "salt", 1,
	    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacb"
	    "c" },
	{ "Password", "NaCl", 80000,
	    "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab5"
	    "6" },
	{ "passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt",
	    4096,
	    "348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e"
	    "1" },
};

/* Whatever the slices, the key is the same. */
static void
check_row(const struct row *row, uint32_t slice)
{
	char storage[2 * MAC_BYTES];
	struct pbkdf2 p;
	struct buf hex;
	int n_steps = 1;

	pbkdf2_begin(
	    &p, span_str(row->password), span_str(row->salt), row->iterations);
	while (!pbkdf2_step(&p, slice))
		n_steps++;
	CHECK_ROW((uint32_t)n_steps >= (row->iterations - 1) / slice,
	    "a step does no more than it was told");
	buf_init_fixed(&hex, storage, sizeof(storage));
	buf_put_hex(&hex, span_of(p.sum, MAC_BYTES));
	CHECK_ROW(span_is(buf_span(&hex), span_str(row->hex)), row->password);
}

/* RFC 2104 2: a key longer than a block is its hash. */
static void
test_long_key(void)
{
	char key[200];
	uint8_t hashed[MAC_BYTES];
	struct pbkdf2 a, b;

	memset(key, 'k', sizeof(key));
	mac_sha256(span_of(key, sizeof(key)), hashed);
	pbkdf2_begin(&a, span_of(key, sizeof(key)), SPAN("s"), 3);
	pbkdf2_begin(&b, span_of(hashed, sizeof(hashed)), SPAN("s"), 3);
	CHECK(pbkdf2_step(&a, 10) && pbkdf2_step(&b, 10));
	CHECK(memcmp(a.sum, b.sum, MAC_BYTES) == 0);
}

static int n_finished;
static int n_asked;

static void
finished(struct hash_request *r)
{
	(void)r;
	n_finished++;
}

static struct hasher hasher;

static bool
refused(struct hash_request *r)
{
	n_asked++;
	hasher_leave(&hasher, r);
	return false;
}

static void
begin(struct hash_request *r, bool (*admit)(struct hash_request *))
{
	hash_request_init(r, admit, finished);
	pbkdf2_begin(&r->hash, SPAN("pw"), SPAN("salt"), 4096);
}

static void
test_queue(void)
{
	static struct hash_request r[MAX_HASHES + 1];

	hasher_init(&hasher, MAX_HASHES);
	CHECK(!hasher_step(&hasher));
	for (size_t i = 0; i < MAX_HASHES; i++) {
		begin(&r[i], i % 2 ? refused : NULL);
		CHECK(hasher_add(&hasher, &r[i]) == 0);
	}
	begin(&r[MAX_HASHES], NULL);
	CHECK(hasher_add(&hasher, &r[MAX_HASHES]) == ERR_BUSY);
	hasher_remove(&hasher, &r[MAX_HASHES]); /* in no queue: fine */
	/* the one that runs, and one behind it, go away */
	CHECK(hasher_step(&hasher) || n_finished > 0);
	hasher_remove(&hasher, &r[2 * n_finished]);
	hasher_remove(&hasher, &r[MAX_HASHES - 2]);
	while (hasher_step(&hasher))
		;
	CHECK(n_finished == MAX_HASHES / 2 - 2);
	CHECK(n_asked == MAX_HASHES / 2);
	CHECK(hasher.n == 0);
}

/* A slice ends in time, however much there is to do (10 ms: the sanitizers
 * make it slower, and a busy machine too). */
static void
test_slice(void)
{
	struct hash_request r;
	int64_t start_us, worst_us = 0;

	hasher_init(&hasher, MAX_HASHES);
	hash_request_init(&r, NULL, finished);
	pbkdf2_begin(&r.hash, SPAN("pw"), SPAN("salt"), 100000);
	CHECK(hasher_add(&hasher, &r) == 0);
	do {
		start_us = clock_cpu_us();
		(void)hasher_step(&hasher);
		if (clock_cpu_us() - start_us > worst_us)
			worst_us = clock_cpu_us() - start_us;
	} while (hasher.n > 0);
	CHECK(worst_us < 10000);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(&rows[i], 1);
		check_row(&rows[i], 777);
		check_row(&rows[i], UINT32_MAX);
	}
	test_long_key();
	test_queue();
	test_slice();
	return test_done();
}
