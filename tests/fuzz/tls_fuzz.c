/* Bytes of a client, in pieces, to a TLS server that keeps nothing lent. */
#include "base/clock.h"
#include "base/mem.h"
#include "net/net.h"
#include "net/tls_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_config *
config_once(void)
{
	static struct tls_config *t;
	struct span name = SPAN("a.test");
	struct buf pem, key, why;
	struct cert *c;

	if (t != NULL)
		return t;
	buf_init(&pem, CERT_MAX_PEM_BYTES);
	buf_init(&key, CERT_MAX_PEM_BYTES);
	buf_init(&why, CERT_MAX_WHY);
	if (cert_make(&name, 1, NULL, 0, clock_wall_s(), &pem, &key) < 0 ||
	    cert_new(buf_span(&pem), buf_span(&key), &c, &why) < 0 ||
	    tls_config_new(&t) < 0 || tls_config_set(t, &c, 1) < 0)
		__builtin_trap();
	cert_free(c);
	buf_deinit(&pem);
	buf_deinit(&key);
	buf_deinit(&why);
	return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct buf plain, wire;
	struct tls_io *io;

	buf_init(&plain, TLS_MAX_PLAIN * 4);
	buf_init(&wire, TLS_MAX_WIRE);
	if (tls_io_new(config_once(), "imap", &io) < 0)
		__builtin_trap();
	while (in.len > 0) {
		size_t n = 1 + (uint8_t)*in.p % 97;

		if (tls_io_feed(io, span_sub(in, 0, n), &plain, &wire) ==
		    TLS_FAILED)
			break;
		in = span_sub(in, n, in.len);
	}
	tls_io_end(io, &wire);
	tls_io_free(io);
	buf_deinit(&plain);
	buf_deinit(&wire);
	return 0;
}
