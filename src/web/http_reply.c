/* http_reply.c - the heads of answers, and short ones whole. */
#include "base/clock.h"
#include "web/http.h"

const char *
http_phrase(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 308:
		return "Permanent Redirect";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 411:
		return "Length Required";
	case 413:
		return "Content Too Large";
	case 414:
		return "URI Too Long";
	case 417:
		return "Expectation Failed";
	case 421:
		return "Misdirected Request";
	case 431:
		return "Request Header Fields Too Large";
	case 501:
		return "Not Implemented";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Internal Server Error";
	}
}

/* RFC 9110 5.6.7: as in mail, but for the zone. */
static void
put_date(struct buf *b)
{
	buf_put_str(b, "Date: ");
	clock_put_rfc5322(b, clock_wall_s(), 0);
	buf_truncate(b, b->len - (sizeof("+0000") - 1));
	buf_put_str(b, "GMT\r\n");
}

/* Every answer says what a browser may do with it: nothing but show it. */
static void
put_head(struct http *h, int status, const char *type)
{
	struct buf *out = conn_out(h->conn);

	buf_putf(out, "HTTP/1.1 %d %s\r\n", status, http_phrase(status));
	put_date(out);
	buf_putf(out, "Content-Type: %s\r\n", type);
	buf_put_str(out,
	    "Content-Security-Policy: default-src 'none'; script-src 'self'; "
	    "style-src 'self'; img-src 'self'; connect-src 'self'; "
	    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
	    "require-trusted-types-for 'script'\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Referrer-Policy: same-origin\r\n"
	    "Cross-Origin-Opener-Policy: same-origin\r\n"
	    "Cross-Origin-Resource-Policy: same-origin\r\n"
	    "Cache-Control: no-store\r\n");
	if (h->is_last)
		buf_put_str(out, "Connection: close\r\n");
}

static bool
is_head(const struct http *h)
{
	return h->request != NULL && h->request->head.method == HTTP_HEAD;
}

static void
put_body(struct http *h, struct span body)
{
	struct buf *out = conn_out(h->conn);

	buf_putf(out, "Content-Length: %zu\r\n\r\n", body.len);
	if (!is_head(h))
		buf_put(out, body);
}

void
http_reply(struct http *h, int status, const char *type, struct span body)
{
	put_head(h, status, type);
	put_body(h, body);
}

void
http_reply_text(struct http *h, int status, const char *text)
{
	char storage[512];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_str(&b, text);
	buf_put_char(&b, '\n');
	http_reply(h, status, "text/plain; charset=utf-8", buf_span(&b));
}

void
http_reply_not_allowed(struct http *h, const char *allow)
{
	put_head(h, 405, "text/plain; charset=utf-8");
	buf_putf(conn_out(h->conn), "Allow: %s\r\n", allow);
	put_body(h, SPAN("Method Not Allowed\n"));
}

void
http_reply_to_https(struct http *h)
{
	const struct http_head *head = &h->request->head;
	struct buf *out = conn_out(h->conn);
	bool is_ip6 = span_find(head->host, ':') < head->host.len;

	put_head(h, 308, "text/plain; charset=utf-8");
	buf_put_str(out, is_ip6 ? "Location: https://[" : "Location: https://");
	buf_put(out, head->host);
	if (is_ip6)
		buf_put_char(out, ']');
	if (h->env->ports.https != 443)
		buf_putf(out, ":%u", h->env->ports.https);
	buf_put(out, head->path);
	if (head->query.len > 0) {
		buf_put_char(out, '?');
		buf_put(out, head->query);
	}
	buf_put_str(out, "\r\n");
	put_body(h, SPAN("This is answered by https only.\n"));
}

void
http_begin(struct http *h, const char *type, http_more more)
{
	/* A client of 1.0 learns by the end of the connection where it ends
	 * (RFC 9112 6.3). */
	if (h->request->head.is_1_0)
		h->is_last = true;
	h->is_chunked = !h->request->head.is_1_0;
	put_head(h, 200, type);
	if (h->is_chunked)
		buf_put_str(
		    conn_out(h->conn), "Transfer-Encoding: chunked\r\n");
	buf_put_str(conn_out(h->conn), "\r\n");
	if (!is_head(h))
		h->more = more;
}
