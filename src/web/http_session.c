/* http_session.c - the session: reads requests, calls handlers, waits. */
#include "web/http.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "web/web_route.h"

/* Room that a head of an answer and a piece of its body need. */
#define ROOM_BYTES (HTTP_PIECE + 2048)
/* Then a client may connect anew: no connection lasts for ever. */
#define MAX_REQUESTS 1000
/* Pipelined requests in one step: then the others have their turn. */
#define STEP_SLICE_US 3000

enum http_step { HTTP_MORE, HTTP_WAIT };

static void
forget_request(struct http *h)
{
	if (h->request != NULL)
		buf_wipe(&h->request->body);
	mem_free(h->request);
	h->request = NULL;
	h->more = NULL;
}

static void
end_session(struct http *h)
{
	h->state = HTTP_CLOSING;
	conn_close(h->conn);
}

/* The answer is complete. */
static void
end_answer(struct http *h)
{
	forget_request(h);
	h->state = HTTP_READY;
	h->is_chunked = false;
	if (h->is_last || ++h->n_requests == MAX_REQUESTS)
		end_session(h);
}

/* What cannot be read to its end is answered, and that was all. */
static void
refuse(struct http *h, int status)
{
	h->is_last = true;
	http_reply_text(h, status, http_phrase(status));
	end_session(h);
}

/* --- heads --- */

/* Keep the head while it is answered; the input goes on behind it. */
static int
keep_head(struct http *h, size_t n)
{
	struct http_request *r = mem_alloc(sizeof(*r) + n);
	struct span text;
	size_t n_again;
	int status;

	if (r == NULL)
		return ERR_NOMEM;
	memcpy(r->text, conn_in(h->conn).p, n);
	text = span_of(r->text, n);
	if (http_head_parse(text, &r->head, &n_again, &status) != PARSE_OK) {
		mem_free(r);
		return ERR_INVALID;
	}
	/* Names of hosts are kept in lower case. */
	for (size_t i = 0; i < r->head.host.len; i++) {
		char *c = r->text + (r->head.host.p - r->text) + i;

		*c = ascii_lower(*c);
	}
	buf_init(&r->body, WEB_MAX_FORM);
	h->request = r;
	return 0;
}

/* May this be read? Else it was answered, and the connection ends. */
static bool
admit(struct http *h)
{
	const struct http_head *head = &h->request->head;
	struct web_miss miss;
	int status = 0;

	h->is_last |= head->is_last;
	/* Bodies in chunks come from programs; forms and API know lengths. */
	if (head->is_chunked)
		status = 411;
	else if (head->length_bytes > WEB_MAX_FORM)
		status = 413;
	if (status != 0) {
		refuse(h, status);
		return false;
	}
	if (web_route_find(h, &miss) != NULL && head->wants_continue &&
	    head->length_bytes > 0)
		conn_put_str(h->conn, "HTTP/1.1 100 Continue\r\n\r\n");
	h->state = HTTP_BODY;
	return true;
}

static enum http_step
step_ready(struct http *h)
{
	struct span in = conn_in(h->conn);
	struct http_head head;
	size_t n;
	int status;

	if (in.len == 0)
		return HTTP_WAIT;
	switch (http_head_parse(in, &head, &n, &status)) {
	case PARSE_MORE:
		return HTTP_WAIT;
	case PARSE_BAD:
		refuse(h, status);
		return HTTP_WAIT;
	case PARSE_OK:
		break;
	}
	if (keep_head(h, n) < 0) {
		refuse(h, 503);
		return HTTP_WAIT;
	}
	conn_consume(h->conn, n);
	return admit(h) ? HTTP_MORE : HTTP_WAIT;
}

/* --- bodies, and the answer --- */

static void
answer(struct http *h)
{
	const struct web_route *route;
	struct web_miss miss;

	h->state = HTTP_READY;
	route = web_route_find(h, &miss);
	if (route != NULL)
		route->run(h);
	else if (miss.status == 405)
		http_reply_not_allowed(h, miss.allow);
	else if (miss.status == 308)
		http_reply_to_https(h);
	else
		http_reply_text(h, miss.status, http_phrase(miss.status));
	if (h->more != NULL)
		h->state = HTTP_SENDING;
	else
		end_answer(h);
}

static enum http_step
step_body(struct http *h)
{
	struct http_request *r = h->request;
	struct span in = conn_in(h->conn);

	in = span_sub(in, 0, (size_t)r->head.length_bytes - r->body.len);
	buf_put(&r->body, in);
	conn_consume(h->conn, in.len);
	if (buf_failed(&r->body)) {
		refuse(h, 503);
		return HTTP_WAIT;
	}
	if (r->body.len < r->head.length_bytes)
		return HTTP_WAIT;
	answer(h);
	return HTTP_MORE;
}

/* RFC 9112 7.1. */
static void
put_piece(struct http *h, struct span piece)
{
	struct buf *out = conn_out(h->conn);

	if (piece.len == 0)
		return;
	if (h->is_chunked)
		buf_putf(out, "%zx\r\n", piece.len);
	buf_put(out, piece);
	if (h->is_chunked)
		buf_put_str(out, "\r\n");
}

static enum http_step
step_sending(struct http *h)
{
	char storage[HTTP_PIECE];
	bool has_more;
	struct buf piece;

	buf_init_fixed(&piece, storage, sizeof(storage));
	has_more = h->more(h, &piece);
	if (buf_failed(&piece)) {
		/* Better cut than read as complete. */
		conn_abort(h->conn);
		h->state = HTTP_CLOSING;
		return HTTP_WAIT;
	}
	put_piece(h, buf_span(&piece));
	if (has_more)
		return HTTP_MORE;
	if (h->is_chunked)
		conn_put_str(h->conn, "0\r\n\r\n");
	end_answer(h);
	return HTTP_MORE;
}

/* --- the loop --- */

static enum http_step
step_state(struct http *h)
{
	switch (h->state) {
	case HTTP_READY:
		return step_ready(h);
	case HTTP_BODY:
		return step_body(h);
	case HTTP_SENDING:
		return step_sending(h);
	case HTTP_CLOSING:
		return HTTP_WAIT;
	}
	return HTTP_WAIT;
}

/* A head and a body have their time in all, so that a byte now and then does
 * not hold a place. */
static void
set_deadline(struct http *h, enum http_state before)
{
	uint32_t s = h->env->idle_s;

	if (h->state == HTTP_READY && conn_in(h->conn).len > 0)
		s = h->env->head_s;
	else if (h->state == HTTP_BODY)
		s = h->env->body_s;
	if (h->state != before || h->state == HTTP_SENDING ||
	    s != h->deadline_s)
		conn_set_deadline(h->conn, (int64_t)s * 1000);
	h->deadline_s = s;
}

static void
step(void *session)
{
	struct http *h = session;
	int64_t end_us = clock_slice_us() + STEP_SLICE_US;
	enum http_state before = h->state;
	enum http_step r = HTTP_MORE;

	if (conn_timed_out(h->conn)) {
		if (conn_in(h->conn).len > 0 || h->state == HTTP_BODY)
			refuse(h, 408);
		else
			end_session(h);
		return;
	}
	while (r == HTTP_MORE && conn_out_room(h->conn) >= ROOM_BYTES) {
		r = step_state(h);
		if (r == HTTP_MORE && clock_slice_us() >= end_us) {
			conn_wake(h->conn);
			break;
		}
	}
	if (h->state == HTTP_CLOSING)
		return;
	if (r == HTTP_WAIT && conn_is_eof(h->conn)) {
		end_session(h);
		return;
	}
	set_deadline(h, before);
}

static uint32_t n_sessions;

static void
free_session(void *session)
{
	struct http *h = session;

	forget_request(h);
	mem_free(h);
	n_sessions--;
}

static const struct conn_ops ops = { step, free_session };

void
web_accept(struct conn *c, enum listen_refusal why, void *arg)
{
	struct web_env *e = arg;
	struct http *h = NULL;

	if (why == LISTEN_OK && n_sessions < e->max_sessions)
		h = mem_alloc(sizeof(*h));
	if (h == NULL) {
		conn_put_str(c, "HTTP/1.1 503 Service Unavailable\r\n"
		                "Connection: close\r\nContent-Length: 0\r\n"
		                "Retry-After: 10\r\n\r\n");
		conn_close(c);
		return;
	}
	n_sessions++;
	h->conn = c;
	h->env = e;
	conn_set_in_max(c, HTTP_MAX_HEAD);
	conn_attach(c, &ops, h);
	h->deadline_s = e->head_s;
	conn_set_deadline(c, (int64_t)e->head_s * 1000);
}
