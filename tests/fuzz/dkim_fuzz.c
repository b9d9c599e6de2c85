/* Signatures, keys and DMARC records, and the header that they stand in. */
#include <stdlib.h>

#include "trust/dkim_key.h"
#include "trust/dkim_sig.h"
#include "trust/dmarc_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
count(void *arg, struct span bytes)
{
	*(size_t *)arg += bytes.len;
}

/* What stands in a header that came in pieces of n bytes. */
static size_t
read_head(struct span in, size_t step, struct head *h)
{
	size_t at = 0;

	head_init(h);
	while (at < in.len && !h->is_over) {
		struct span piece = span_sub(in, at, step);
		size_t n = piece.len;

		(void)head_feed(h, &piece);
		at += n - piece.len;
	}
	head_finish(h);
	return at;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t hash[32];
	struct span in = span_of(data, len);
	struct head h, other;
	struct dkim_sig sig;
	struct dkim_key key;
	struct dmarc_record r;
	const char *why;
	size_t n = 0;
	unsigned bits;

	if (read_head(in, len + 1, &h) != read_head(in, 1, &other) ||
	    h.n_fields != other.n_fields)
		abort();
	for (size_t i = 0; i < h.n_fields; i++) {
		struct head_field f = head_get(&h, i);

		if (dkim_sig_parse(head_value(&f), &sig, &why) == 0)
			(void)!dkim_sig_header(&h, &sig, i, count, &n);
	}
	if (dkim_key_parse(in, &key) == 0)
		(void)!dkim_key_verify(&key, key.data, hash, &bits);
	(void)!dmarc_record_parse(in, &r);
	head_deinit(&h);
	head_deinit(&other);
	return 0;
}
