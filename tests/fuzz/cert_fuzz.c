/* An owner's PEM text, and the certificate inside it. */
#include "base/mem.h"
#include "net/net.h"
#include "net/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char storage[CERT_MAX_WHY];
	struct buf why;
	struct cert *c;
	struct span name, in = span_of(data, size);
	struct x509 x;
	size_t at = 0;

	buf_init_fixed(&why, storage, sizeof(storage));
	if (cert_new(in, in, &c, &why) == 0) {
		cert_matches(c, SPAN("a.example.test"));
		cert_warning(c, 1800000000, &why);
		cert_free(c);
	}
	if (x509_parse(in, &x) == 0)
		while (x509_next_name(&x, &at, &name) == 0)
			;
	return 0;
}
