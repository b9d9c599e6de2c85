#include "web/web_route.h"

#include "base/ascii.h"
#include "store/store.h"
#include "web/page.h"

#define ANY_MAIL (SITE(SITE_MAIL) | SITE(SITE_AUTO))

/* clang-format off */
static const struct web_route routes[] = {
	/* sites          method     path                                                  flags                       run */
	{ SITE(SITE_STS), HTTP_GET,  SPAN("/.well-known/mta-sts.txt"),                     0,                          page_mta_sts },     /* RFC 8461 3.3 */
	{ ANY_MAIL,       HTTP_GET,  SPAN("/mail/config-v1.1.xml"),                        WEB_PLAIN,                  page_autoconfig },
	{ ANY_MAIL,       HTTP_GET,  SPAN("/.well-known/autoconfig/mail/config-v1.1.xml"), WEB_PLAIN,                  page_autoconfig },
	{ ANY_MAIL,       HTTP_POST, SPAN("/autodiscover/autodiscover.xml"),               WEB_ANY_CASE,               page_autodiscover },
	{ SITE(SITE_BOX), HTTP_GET,  SPAN("/metrics"),                                     WEB_PLAIN | WEB_METRICS,    page_metrics },
};
/* clang-format on */

#define N_ROUTES (sizeof(routes) / sizeof(routes[0]))

/* --- hosts --- */

/* Is it the address that the client connected to? What a name that was bound
 * to our address by a stranger (DNS rebinding) never is. */
static bool
is_own_address(const struct peer *self, struct span host)
{
	struct peer p;

	return peer_parse(host, &p) == 0 && p.family == self->family &&
	       memcmp(p.addr, self->addr, sizeof(p.addr)) == 0;
}

static bool
is_mail_domain(const struct web_env *e, struct span name)
{
	return name.len > 0 && domain_exists(e->store, name);
}

enum web_site
web_site_of(const struct web_env *e, const struct peer *self, struct span host,
    struct span *domain_out)
{
	static const struct {
		struct span prefix;
		enum web_site site;
	} prefixes[] = {
		{ SPAN("mta-sts."), SITE_STS },
		{ SPAN("autoconfig."), SITE_AUTO },
		{ SPAN("autodiscover."), SITE_AUTO },
	};

	if (span_is_nocase(host, e->host) || is_own_address(self, host) ||
	    (peer_is_loopback(self) && span_is_nocase(host, SPAN("localhost"))))
		return SITE_BOX;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		*domain_out = span_sub(host, prefixes[i].prefix.len, host.len);
		if (span_starts_nocase(host, prefixes[i].prefix) &&
		    is_mail_domain(e, *domain_out))
			return prefixes[i].site;
	}
	*domain_out = host;
	return is_mail_domain(e, host) ? SITE_MAIL : SITE_NONE;
}

/* --- routes --- */

static bool
is_path(const struct web_route *r, struct span path)
{
	return r->flags & WEB_ANY_CASE ? span_is_nocase(r->path, path)
	                               : span_is(r->path, path);
}

static bool
is_method(const struct web_route *r, enum http_method m)
{
	return r->method == m || (r->method == HTTP_GET && m == HTTP_HEAD);
}

static bool
may_ask(const struct http *h, const struct web_route *r)
{
	const struct peer *p = conn_peer(h->conn);

	if (!(r->flags & WEB_METRICS))
		return true;
	return h->env->metrics == WEB_METRICS_LAN
	           ? peer_is_private(p)
	           : h->env->metrics == WEB_METRICS_LOOPBACK &&
	                 peer_is_loopback(p);
}

const struct web_route *
web_route_find(struct http *h, struct web_miss *miss)
{
	struct http_request *q = h->request;
	enum web_site site =
	    web_site_of(h->env, conn_self(h->conn), q->head.host, &q->domain);

	*miss = (struct web_miss){ .status = site == SITE_NONE ? 421 : 404 };
	for (size_t i = 0; i < N_ROUTES; i++) {
		const struct web_route *r = &routes[i];

		if (!(r->sites & SITE(site)) || !is_path(r, q->head.path))
			continue;
		if (!may_ask(h, r)) {
			miss->status = 403;
		} else if (!is_method(r, q->head.method)) {
			miss->status = 405;
			miss->allow =
			    r->method == HTTP_GET ? "GET, HEAD" : "POST";
		} else if (!(r->flags & WEB_PLAIN) && !conn_is_tls(h->conn)) {
			miss->status = 308;
		} else {
			return r;
		}
	}
	return NULL;
}
