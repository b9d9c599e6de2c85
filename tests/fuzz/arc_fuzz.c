/* Chains: whatever their fields say, the verdict is there in the end, and the
 * same for a message in one piece and in pieces of one byte. */
#include <stdlib.h>

#include "trust/arc.h"
#include "trust/authres.h"
#include "trust/dkim_mails.h"
#include "trust/fake_dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
wake(void *owner)
{
	(void)owner;
}

static struct arc *
verify(struct span in, size_t step, struct head *h)
{
	struct arc *a = NULL;

	head_init(h);
	for (size_t at = 0; at < in.len && !h->is_over; at += step) {
		struct span piece = span_sub(in, at, step);

		if (!head_feed(h, &piece))
			continue;
		if (arc_new(NULL, h, wake, h, &a) < 0)
			abort();
		arc_feed(a, piece);
		for (at += step; at < in.len; at += step)
			arc_feed(a, span_sub(in, at, step));
	}
	head_finish(h);
	if (a == NULL && arc_new(NULL, h, wake, h, &a) < 0)
		abort();
	arc_finish(a);
	for (fake_run(); arc_has_work(a); fake_run())
		arc_step(a);
	return a;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span in = span_of(data, len), result, property;
	struct head h, other;
	struct arc *a, *b;

	if (n_fake_rows == 0)
		fake_txt("s._domainkey.d.test", dkim_key_txt);
	a = verify(in, len + 1, &h);
	b = verify(in, 1, &other);
	if (arc_get(a)->result == ARC_PENDING ||
	    arc_get(a)->result != arc_get(b)->result ||
	    arc_next_instance(a) > ARC_MAX_SETS)
		abort();
	(void)arc_vouches(a, SPAN("d.test"), SPAN("a.test"), &property);
	(void)authres_find(
	    in, SPAN("dmarc"), SPAN("header.from"), &result, &property);
	arc_free(a);
	arc_free(b);
	head_deinit(&h);
	head_deinit(&other);
	return 0;
}
