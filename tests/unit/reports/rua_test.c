/* The URIs of a rua tag. */
#include "reports/rua.h"

#include "../test.h"
#include "base/buf.h"

static const struct {
	const char *list;
	const char *want; /* "address!size " of each; "-" for no address */
} rows[] = {
	{ "mailto:a@b.test", "a@b.test " },
	{ " mailto:a@B.Test!10m , MAILTO:c@d.test!1",
	    "a@b.test!10485760 c@d.test!1 " },
	{ "mailto:a@b.test!2k,mailto:a@b.test!3G,mailto:a@b.test!1t",
	    "a@b.test!2048 a@b.test!3221225472 a@b.test!1099511627776 " },
	{ "mailto:a@b.test!x", "a@b.test " },
	{ "mailto:a@b.test!", "a@b.test " },
	{ "mailto:a@b.test!99999999999999999999k", "a@b.test " },
	{ "mailto:a%2cb%21%40c@b.test", "- " }, /* a second @ */
	{ "mailto:a%2bb@b.test?subject=x", "a+b@b.test " },
	{ "mailto:a%2@b.test", "a%2@b.test " },
	{ "https://b.test/r,,ftp://x", "- - - " },
	{ "mailto:", "- " },
	{ "mailto:@b.test", "- " },
	{ "mailto:a@", "- " },
	{ "mailto:a", "- " },
	{ "mailto:a@localhost", "- " },
	{ "mailto:a@b.test.", "- " },
	{ "mailto:a%0d%0ab@b.test", "- " },
	{ "mailto:a%00b@b.test", "- " },
	{ "mailto:\"a b\"@b.test", "- " },
	{ "mailto:.a@b.test", "- " },
	{ "mailto:a@[127.0.0.1]", "- " },
	{ "mailto:a\xc3\xbc@b.test", "- " },
	{ "", "" },
};

static void
put_all(struct span list, struct buf *out)
{
	struct cur c = cur_of(list);
	struct rua r;

	while (rua_next(&c, &r) == 0) {
		buf_put(out, rua_address(&r));
		if (r.n_address == 0)
			buf_put_char(out, '-');
		if (r.max_bytes != UINT64_MAX) {
			buf_put_char(out, '!');
			buf_put_u64(out, r.max_bytes);
		}
		buf_put_char(out, ' ');
	}
}

int
main(void)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span all = span_str(rows[i].list);

		for (size_t n = 0; n <= all.len; n++) {
			char *p = test_copy(span_sub(all, 0, n));

			buf_reset(&b);
			put_all(span_of(p, n), &b);
			free(p);
		}
		CHECK_SPAN(buf_span(&b), span_str(rows[i].want));
	}
	buf_deinit(&b);
	CHECK_SPAN(rua_host(SPAN("a@b.test")), SPAN("b.test"));
	return test_done();
}
