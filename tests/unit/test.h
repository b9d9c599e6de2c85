/* test.h - what every unit test includes: checks that count, and blocks of
 * exact size so that the address sanitizer sees a read past the end.
 *
 * A unit test is one program with its own main(). A CHECK that fails says where
 * and what, and the test goes on; main() ends with `return test_done();`. */
#ifndef TINPOST_TESTS_TEST_H
#define TINPOST_TESTS_TEST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"

static int test_n_checks;
static int test_n_failed;

static inline void
test_report(bool is_ok, const char *file, int line, const char *what)
{
	test_n_checks++;
	if (is_ok)
		return;
	test_n_failed++;
	fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
}

static inline void
test_int(
    intmax_t got, intmax_t want, const char *file, int line, const char *what)
{
	test_report(got == want, file, line, what);
	if (got != want)
		fprintf(stderr, "\tgot %jd, want %jd\n", got, want);
}

/* One line, with \xNN for what is not ASCII text. */
static inline void
test_print(const char *name, struct span s)
{
	fprintf(stderr, "\t%s (%zu bytes): ", name, s.len);
	for (size_t i = 0; i < s.len; i++) {
		unsigned char b = (unsigned char)s.p[i];

		if (b >= ' ' && b <= '~')
			fputc(b, stderr);
		else
			fprintf(stderr, "\\x%02x", b);
	}
	fputc('\n', stderr);
}

static inline void
test_bytes(struct span got, struct span want, const char *file, int line,
    const char *what)
{
	bool is_same = got.len == want.len &&
	               (want.len == 0 || memcmp(got.p, want.p, want.len) == 0);

	test_report(is_same, file, line, what);
	if (!is_same) {
		test_print("got ", got);
		test_print("want", want);
	}
}

/* Say where a table row failed: CHECK_ROW(condition, "name of the row"). */
#define CHECK(cond)          test_report((cond), __FILE__, __LINE__, #cond)
#define CHECK_ROW(cond, row) test_report((cond), __FILE__, __LINE__, (row))
/* Whole numbers of any type up to 63 bits, ERR_ codes too; NUL-terminated
 * strings; spans. They show both values when they differ. */
#define CHECK_INT(got, want)                                                   \
	test_int((intmax_t)(got), (intmax_t)(want), __FILE__, __LINE__, #got)
#define CHECK_STR(got, want)                                                   \
	test_bytes(span_str(got), span_str(want), __FILE__, __LINE__, #got)
#define CHECK_SPAN(got, want)                                                  \
	test_bytes((got), (want), __FILE__, __LINE__, #got)
/* Stop the test where going on makes no sense. */
#define REQUIRE(cond)                                                          \
	do {                                                                   \
		bool is_met_ = (cond);                                         \
		CHECK_ROW(is_met_, #cond);                                     \
		if (!is_met_)                                                  \
			exit(1);                                               \
	} while (0)

/* A heap copy of exactly s.len bytes; the caller frees it. */
static inline char *
test_copy(struct span s)
{
	char *p = malloc(s.len ? s.len : 1);

	if (p == NULL)
		abort();
	if (s.len > 0)
		memcpy(p, s.p, s.len);
	return p;
}

/* A folder for this test's files. The runner makes a new one for each test and
 * removes it; outside the runner it is /tmp. */
static inline const char *
test_folder(void)
{
	const char *folder = getenv("TMPDIR");

	return folder != NULL ? folder : "/tmp";
}

/* The exit code of main(). */
static inline int
test_done(void)
{
	if (test_n_failed > 0)
		fprintf(stderr, "%d of %d checks failed\n", test_n_failed,
		    test_n_checks);
	return test_n_failed > 0 || test_n_checks == 0;
}

#endif
