#include "store/tar.h"

#include <unistd.h>

#include "../test.h"

static const char *const paths[] = {
	"a.txt",
	"0123456789012345678901234567890123456789012345678901234567890123456789"
	"0123456789012345678901234567/x",
	"mail/alice@example.test/A folder with a rather long name/and one more "
	"below it/and another/17.eml",
	"mail/0123456789012345678901234567890123456789012345678901234567890123"
	"45678901234567890123456789012345678901234567890123456789.eml",
	"mail/alice@example.test/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/"
	"x/y/z/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z/a/b/c/d/e/f/"
	"g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/"
	"p/q/r/s/t/u/v/w/x/y/z/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w.x",
};

#define N_PATHS (sizeof(paths) / sizeof(paths[0]))

/* Entry i has i * 700 bytes of 'a' + i; each is followed by a link to it. */
static void
put_archive(struct buf *out)
{
	for (size_t i = 0; i < N_PATHS; i++) {
		struct tar_entry e = { .bytes = i * 700,
			.mtime_s = 1700000000,
			.path = span_str(paths[i]) };
		struct tar_entry link = { .path = SPAN("link"),
			.link = e.path };

		tar_put_header(out, &e);
		for (size_t n = 0; n < e.bytes; n++)
			buf_put_char(out, (char)('a' + i));
		tar_put_padding(out, e.bytes);
		tar_put_header(out, &link);
	}
	tar_put_end(out);
}

struct seen {
	size_t n_entries;
	size_t n_links;
	size_t n_bytes;
	bool is_wrong;
};

static void
see(struct seen *s, const struct tar_reader *t, int what, struct span data)
{
	size_t i = s->n_entries - 1;

	if (what == TAR_ENTRY && t->entry.link.len > 0) {
		s->is_wrong |= !span_is(t->entry.path, SPAN("link"));
		s->is_wrong |= !span_is(t->entry.link, span_str(paths[i]));
		s->n_links++;
	} else if (what == TAR_ENTRY) {
		i = s->n_entries++;
		s->n_bytes = 0;
		s->is_wrong |= i >= N_PATHS ||
		               !span_is(t->entry.path, span_str(paths[i])) ||
		               t->entry.bytes != i * 700 ||
		               t->entry.mtime_s != 1700000000;
	} else if (what == TAR_DATA) {
		for (size_t n = 0; n < data.len; n++)
			s->is_wrong |= data.p[n] != (char)('a' + i);
		s->n_bytes += data.len;
	} else if (what == TAR_DONE && t->entry.link.len == 0) {
		s->is_wrong |= s->n_bytes != i * 700;
	}
}

/* Read in pieces of `piece` bytes, each in a block of its own. Returns what
 * came last. */
static int
read_in_pieces(struct span in, size_t piece, struct seen *s)
{
	struct tar_reader t;
	int rc = TAR_MORE;

	tar_reader_init(&t);
	while (in.len > 0 && rc == TAR_MORE) {
		struct span now = span_sub(in, 0, piece);
		char *p = test_copy(now);
		struct span rest = span_of(p, now.len);

		do {
			struct span data = SPAN("");

			rc = tar_read(&t, &rest, &data);
			see(s, &t, rc, data);
		} while (rc > TAR_MORE && rc != TAR_END);
		free(p);
		in = span_sub(in, now.len, in.len);
	}
	tar_reader_deinit(&t);
	return rc;
}

static void
test_round_trip(void)
{
	static const size_t pieces[] = { 1, 7, 511, 512, 513, 100000 };
	struct buf b;

	buf_init(&b, 1 << 20);
	put_archive(&b);
	REQUIRE(!buf_failed(&b));
	CHECK(b.len % TAR_BLOCK_BYTES == 0);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct seen s = { 0 };

		CHECK(read_in_pieces(buf_span(&b), pieces[i], &s) == TAR_END);
		CHECK(!s.is_wrong);
		CHECK(s.n_entries == N_PATHS && s.n_links == N_PATHS);
	}
	buf_deinit(&b);
}

/* Cut at every length: never an end, never a wrong entry. */
static void
test_cut(void)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	put_archive(&b);
	for (size_t n = 0; n < b.len; n++) {
		struct seen s = { 0 };
		struct span in = span_sub(buf_span(&b), 0, n);

		CHECK(read_in_pieces(in, 4096, &s) == TAR_MORE);
		CHECK(!s.is_wrong);
	}
	for (size_t n = 0; n < b.len; n += 3) { /* must not read wild */
		struct seen s = { 0 };

		b.p[n] ^= 0x11;
		CHECK(read_in_pieces(buf_span(&b), 4096, &s) <= TAR_END);
		b.p[n] ^= 0x11;
	}
	buf_deinit(&b);
}

/* Any tar can read it. */
static void
test_other_tar(void)
{
	char file[200], line[600];
	struct buf b;
	int fd;

	snprintf(file, sizeof(file), "%s/tinpost-tar-XXXXXX", test_folder());
	fd = mkstemp(file);
	REQUIRE(fd >= 0);
	buf_init(&b, 1 << 20);
	put_archive(&b);
	CHECK(write(fd, b.p, b.len) == (ssize_t)b.len);
	close(fd);
	snprintf(line, sizeof(line),
	    "test $(tar tf %s 2>&1 | wc -l) = %u && "
	    "test $(tar xOf %s a.txt 2>&1 | wc -c) = 0",
	    file, (unsigned)(2 * N_PATHS), file);
	CHECK(system(line) == 0);
	unlink(file);
	buf_deinit(&b);
}

int
main(void)
{
	test_round_trip();
	test_cut();
	test_other_tar();
	return test_done();
}
