/* web_route.h - every address of the web server as one table. Room-private. */
#ifndef TINPOST_WEB_WEB_ROUTE_H
#define TINPOST_WEB_WEB_ROUTE_H

#include "web/http.h"

/* Which names a request can be for. */
enum web_site {
	SITE_NONE, /* 421 */
	SITE_BOX,  /* this server's own name or address */
	SITE_STS,  /* mta-sts.DOMAIN */
	SITE_AUTO, /* autoconfig.DOMAIN, autodiscover.DOMAIN */
	SITE_MAIL  /* DOMAIN itself */
};

#define SITE(site) (1u << (site))

#define WEB_METRICS  1u /* only for those of web.metrics */
#define WEB_PLAIN    2u /* without TLS, too; others are told to use it */
#define WEB_ANY_CASE 4u /* clients write the path in several ways */

struct web_route {
	unsigned sites;
	enum http_method method; /* HTTP_GET: HEAD also */
	struct span path;
	unsigned flags;
	void (*run)(struct http *h);
};

/* Which site a host name is, to a client that connected to self; *domain_out is
 * the domain's part of it. */
enum web_site web_site_of(const struct web_env *e, const struct peer *self,
    struct span host, struct span *domain_out);

/* Why there is no route: 403, 404, 405, 421; 308: by https there is. */
struct web_miss {
	int status;
	const char *allow; /* 405: the methods that there are */
};

/* Find the route of h->request, and set its domain. NULL: *miss says why. */
const struct web_route *web_route_find(struct http *h, struct web_miss *miss);

#endif
