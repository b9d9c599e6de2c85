/* test.h - what every unit test includes: checks that count, and blocks of
 * exact size so that the address sanitizer sees a read past the end. */
#ifndef TINPOST_TESTS_TEST_H
#define TINPOST_TESTS_TEST_H

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

/* Say where a table row failed: CHECK_ROW(condition, "name of the row"). */
#define CHECK(cond)          test_report((cond), __FILE__, __LINE__, #cond)
#define CHECK_ROW(cond, row) test_report((cond), __FILE__, __LINE__, (row))
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
