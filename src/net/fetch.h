/* fetch.h - one HTTPS request and its whole answer (RFC 9110, RFC 9112).
 *
 * The host's addresses are asked for and tried one after another, the
 * certificate must lead to one of the loop's anchors and name the host, the
 * connection is closed behind the answer. Nothing is remembered, no redirect is
 * followed, no proxy is used.
 *
 * Ownership  a fetch is the caller's, until fetch_end. What the request points
 *            to is copied; spans of the answer live until fetch_end.
 * Wake       wake(owner) once, when it is over, never from inside a function
 *            of this module. In it the fetch may be ended.
 * Blocking   never. All of it together ends after timeout_ms.
 * Hostile    an answer whose head is over FETCH_MAX_HEAD, whose body is over
 *            max_bytes or is cut, or that is none, ends in FETCH_FAILED; so
 *            does more than FETCH_MAX_INTERIM answers of 1xx.
 */
#ifndef TINPOST_NET_FETCH_H
#define TINPOST_NET_FETCH_H

#include "net/dns.h"

struct fetch;

#define FETCH_MAX_URL     1024
#define FETCH_MAX_REQUEST (64 * 1024) /* url, headers and body */
#define FETCH_MAX_BYTES   (64 * 1024) /* of an answer's body */
#define FETCH_MAX_HEAD    (16 * 1024) /* of an answer, with trailers */
#define FETCH_MAX_INTERIM 4
#define FETCH_ADDRESSES   6 /* of one host that are tried */

enum fetch_method { FETCH_GET, FETCH_POST };

struct fetch_env {
	struct loop *loop;
	struct dns *dns;
};

struct fetch_request {
	enum fetch_method method;
	struct span url;     /* https://host[:port]/path; see fetch_is_url */
	struct span headers; /* further ones, each with CRLF */
	struct span type;    /* of the body; POST */
	struct span body;    /* POST */
	size_t max_bytes;    /* of the answer's body, up to FETCH_MAX_BYTES */
	int64_t timeout_ms;
};

enum fetch_state {
	FETCH_PENDING,
	FETCH_OK,    /* an answer came whole, whatever its status */
	FETCH_FAILED /* fetch_why tells */
};

/* Is it a URL that fetch_begin takes: https, a host name (no address: it could
 * not be verified), a port, a path of visible ASCII; no user, no fragment; at
 * most FETCH_MAX_URL bytes? */
bool fetch_is_url(struct span url);

/* Begin. ERR_INVALID: the URL; ERR_LIMIT: the request is too large, or
 * max_bytes is; ERR_NOMEM. Everything else is told by the state. */
MUST_USE int fetch_begin(const struct fetch_env *env,
    const struct fetch_request *r, void (*wake)(void *owner), void *owner,
    struct fetch **out);

/* Cut it short, or be done with it. NULL is fine. */
void fetch_end(struct fetch *f);

enum fetch_state fetch_state(const struct fetch *f);

/* FETCH_FAILED: why, in a few English words, static; and ERR_TLS when the last
 * address had no TLS that is to be trusted, else ERR_IO. */
const char *fetch_why(const struct fetch *f);
int fetch_error(const struct fetch *f);

/* FETCH_OK: the status code, the Content-Type as it came (empty: none), the
 * body. fetch_end wipes it all. */
uint16_t fetch_status(const struct fetch *f);
struct span fetch_type(const struct fetch *f);
struct span fetch_body(const struct fetch *f);

#endif
