/* An answer of the network is read to the end, whatever it is; what is kept of
 * it is within its bounds and can be listed. */
#include <assert.h>

#include "net/dns_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_MX, DNS_TXT,
	DNS_PTR, DNS_CNAME, DNS_TLSA };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dns_answer a;
	struct dns_record r;
	size_t at = 0, n = 0;
	enum dns_type type;

	if (len < 1)
		return 0;
	type = types[data[0] % (sizeof(types) / sizeof(*types))];
	dns_answer_init(&a);
	assert(dns_wire_pack(SPAN("a.test"), &a.name) == 0);
	dns_answer_parse(&a, type, span_of(data + 1, len - 1));
	while (dns_answer_next(buf_span(&a.records), type, &at, &r))
		n++;
	assert(n <= DNS_MAX_RECORDS && a.n_aliases <= DNS_MAX_CHAIN);
	assert((n > 0) == (a.state == DNS_OK));
	dns_answer_deinit(&a);
	return 0;
}
