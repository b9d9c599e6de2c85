/* web.h - the web server: conventions of the room.
 *
 * HTTP/1.1 (RFC 9110, RFC 9112) over the loop's connections. A request's head
 * is read whole (http_head.h), its route is found in one table (web_route.c),
 * its body collected or refused, and the route's handler answers through
 * http.h; text from elsewhere enters XML through base/xml.h alone.
 *
 * Hosts      the name in Host decides what there is (web_route.c): this
 *            server's own names, and for each mail domain those where its
 *            clients and other servers look. All other names: 421.
 * Memory     of a waiting connection: the session's block. A request takes
 *            its head (at most HTTP_MAX_HEAD) and body (WEB_MAX_FORM).
 */
#ifndef TINPOST_WEB_WEB_H
#define TINPOST_WEB_WEB_H

#include "net/net.h"

struct store;

#define WEB_MAX_FORM (64 * 1024)

/* The words of web.mta-sts, in their order. */
enum web_sts {
	WEB_STS_OFF,  /* there is no policy */
	WEB_STS_NONE, /* there was: others are to forget it (RFC 8461 8.3) */
	WEB_STS_TESTING,
	WEB_STS_ENFORCE
};

/* The words of web.metrics, in their order. */
enum web_metrics { WEB_METRICS_OFF, WEB_METRICS_LOOPBACK, WEB_METRICS_LAN };

/* The ports that clients find; 0: closed. */
struct web_ports {
	uint16_t https;
	uint16_t imap, imaps, pop3, pop3s, submission, submissions;
};

/* Of the outbound queue, since the start: recipients; connections now. */
struct web_queue {
	uint64_t n_sent, n_deferred, n_failed;
	uint32_t n_open;
};

/* What all sessions share. The owner may change values at any time; sessions
 * look when they need one. Outlives them all. */
struct web_env {
	struct store *store;
	struct loop *loop;
	struct span host; /* the server's name */
	struct web_ports ports;
	enum web_sts sts;
	uint32_t sts_age_s;
	enum web_metrics metrics;
	uint32_t max_sessions;
	uint32_t head_s, idle_s, body_s;
	/* For /metrics. */
	void (*tell_queue)(struct web_queue *out);
	int64_t started_ms;
};

/* A listen_accept; arg is a struct web_env. */
void web_accept(struct conn *c, enum listen_refusal why, void *arg);

#endif
