/* Every rule of the grammar over every input, and the writers as their
 * inverse: what was read and is written again reads the same. */
#include <stdlib.h>

#include "base/mutf7.h"
#include "base/utf8.h"
#include "imap/imap_parse.h"
#include "imap/imap_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_name(struct arena *a, struct span path, bool is_utf8)
{
	struct buf out;
	struct span again;
	struct cur c;
	bool is_valid;

	buf_init(&out, MUTF7_ROOM(path.len) * 2 + 64);
	imap_put_mailbox(&out, path, is_utf8);
	c = cur_of(buf_span(&out));
	/* Names with control characters are written as literals, and are none
	 * of a client's. */
	if (imap_parse_mailbox(&c, a, is_utf8, &again, &is_valid) != PARSE_OK ||
	    (is_valid && !span_is(path, again)))
		abort();
	buf_deinit(&out);
}

static void
run_strings(struct span in, struct arena *a)
{
	struct cur c = cur_of(in);
	struct imap_literal literal;
	struct span s;
	bool is_valid;

	(void)imap_ends_in_literal(in, &literal);
	(void)imap_parse_tag(&c, &s);
	c = cur_of(in);
	(void)imap_parse_astring(&c, a, &s);
	c = cur_of(in);
	(void)imap_parse_nstring(&c, a, &s);
	for (int is_utf8 = 0; is_utf8 < 2; is_utf8++) {
		c = cur_of(in);
		if (imap_parse_mailbox(&c, a, is_utf8, &s, &is_valid) ==
		        PARSE_OK &&
		    is_valid && span_find(s, '\0') == s.len)
			check_name(a, s, is_utf8);
	}
}

static void
run_values(struct span in, struct arena *a)
{
	struct cur c = cur_of(in);
	struct imap_set set;
	struct imap_flags flags;
	uint64_t n64;
	uint32_t n;
	int64_t t;
	int16_t zone;

	if (imap_parse_set(&c, a, &set) == PARSE_OK)
		for (uint32_t i = 0; i < set.n; i++)
			if (set.r[i].first > set.r[i].last || !set.r[i].first)
				abort();
	c = cur_of(in);
	(void)imap_parse_flags(&c, a, true, &flags);
	c = cur_of(in);
	(void)imap_parse_nz_number(&c, &n);
	(void)imap_parse_number64(&c, &n64);
	c = cur_of(in);
	(void)imap_parse_date(&c, &t);
	c = cur_of(in);
	(void)imap_parse_date_time(&c, &t, &zone);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span in = span_of(data, len);
	struct arena a;

	arena_init(&a, 256 * 1024);
	run_strings(in, &a);
	run_values(in, &a);
	arena_reset(&a);
	return 0;
}
