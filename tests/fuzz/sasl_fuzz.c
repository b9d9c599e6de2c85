/* SASL exchanges: the input is a mechanism's name, then the client's lines in
 * base64, parted by line feeds. */
#include "auth/auth_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
wake(void *owner)
{
	(void)owner;
}

static struct world *
get_world(void)
{
	static struct world w;

	if (w.store == NULL)
		world_open(&w, NULL);
	return &w;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world *w = get_world();
	struct sasl_env e = {
		.auth = w->auth,
		.is_tls = true,
		.tls_unique = SPAN("0123456789ab"),
		.wake = wake,
	};
	struct span rest = span_of(data, len);
	struct span mechanism = span_split(&rest, '\n');
	struct sasl *x;
	struct buf out;
	enum sasl_result r;

	if (sasl_new(&e, &x) < 0)
		return 0;
	buf_init(&out, SASL_REPLY_BYTES);
	r = sasl_begin(x, mechanism, false, rest, &out);
	while (r == SASL_CONTINUE && rest.len > 0) {
		buf_reset(&out);
		r = sasl_step(x, span_split(&rest, '\n'), &out);
	}
	if (r == SASL_WAIT) /* dropped while it runs */
		(void)auth_step(w->auth);
	sasl_free(x);
	buf_deinit(&out);
	return 0;
}
