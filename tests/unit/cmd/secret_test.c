#include "base/limits.h"
#include "cmd/secret.h"
#include "test.h"

/* Made passwords are copied by hand, pasted into command lines and read out
 * on the telephone. */
static void
test_made_passwords(void)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	char before[20] = "";

	for (int i = 0; i < 1000; i++) {
		struct buf out;

		buf_init(&out, MAX_PASSWORD_BYTES);
		secret_make(&out);
		CHECK(out.len == 20);
		for (size_t k = 0; k < out.len; k++)
			CHECK(memchr(letters, out.p[k], 32) != NULL);
		CHECK(memcmp(before, out.p, 20) != 0);
		memcpy(before, out.p, 20);
		buf_wipe(&out);
	}
}

int
main(void)
{
	test_made_passwords();
	return test_done();
}
