#include "smtp/own_sign.h"

#include "base/clock.h"
#include "mime/mime.h"
#include "store/store.h"
#include "trust/trust.h"

static int
find_key(struct store *s, struct span domain, struct signing_key_view *v)
{
	int rc = ERR_NONE;

	while (rc == ERR_NONE && domain.len > 0) {
		rc = signing_key_find(s, domain, SIGNING_ACTIVE, v);
		domain =
		    span_sub(domain, span_find(domain, '.') + 1, domain.len);
	}
	return rc;
}

int
own_sign_put(struct store *s, struct span domain, struct dkim_sign *sign,
    struct buf *prefix, struct buf *summary)
{
	struct signing_key_view v;
	struct dkim_signer by;
	size_t before = prefix->len;
	int rc = find_key(s, domain, &v);

	if (rc == 0) {
		by = (struct dkim_signer){ .domain = v.k.domain,
			.selector = v.k.selector,
			.key = v.k.key,
			.now_s = clock_wall_s() };
		rc = dkim_sign_put(sign, &by, prefix);
	}
	wipe(&v, sizeof(v));
	if (rc == 0)
		summary_add_header(
		    summary, span_sub(buf_span(prefix), before, prefix->len));
	return rc;
}
