/* The server's side of SCRAM: the input is two messages, parted by a line
 * feed. */
#include "auth/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct scram_binding binding = { { "0123456789ab", 12 },
		{ "0123456789abcdef0123456789abcdef", 32 } };
	static const struct scram_secret secret = { .iterations = 4096 };
	struct span rest = span_of(data, len);
	struct span first = span_split(&rest, '\n');
	struct scram s;
	struct buf user, authzid, out;

	scram_init(&s);
	buf_init(&user, 320);
	buf_init(&authzid, 320);
	buf_init(&out, 4096);
	if (scram_begin(&s, first, first.len % 2 == 0, &binding, &user,
	        &authzid) == SCRAM_OK) {
		scram_challenge(&s, &secret, SPAN("nonce"), &out);
		(void)scram_finish(&s, rest, &out);
	}
	scram_deinit(&s);
	buf_deinit(&user);
	buf_deinit(&authzid);
	buf_deinit(&out);
	return 0;
}
