/* page_mta_sts.c - our own policy for other servers (RFC 8461 3.2). */
#include "web/page.h"

void
page_mta_sts(struct http *h)
{
	static const char *const modes[] = { "off", "none", "testing",
		"enforce" };
	const struct web_env *e = h->env;
	char storage[512];
	struct buf b;

	if (e->sts == WEB_STS_OFF) {
		http_reply_text(h, 404, http_phrase(404));
		return;
	}
	buf_init_fixed(&b, storage, sizeof(storage));
	buf_putf(&b, "version: STSv1\r\nmode: %s\r\nmx: ", modes[e->sts]);
	buf_put(&b, e->host);
	buf_putf(&b, "\r\nmax_age: %lu\r\n", (unsigned long)e->sts_age_s);
	http_reply(h, 200, "text/plain", buf_span(&b));
}
