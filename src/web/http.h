/* http.h - one HTTP connection: requests read, handlers run, answers sent.
 * Room-private.
 *
 * A handler is called once, when the whole request is there, and answers in
 * the same call: with http_reply, or http_begin and a function that makes the
 * rest piece by piece.
 */
#ifndef TINPOST_WEB_HTTP_H
#define TINPOST_WEB_HTTP_H

#include "web/http_head.h"
#include "web/web.h"

struct http;

enum http_state {
	HTTP_READY,   /* for the next request */
	HTTP_BODY,    /* of a request is read */
	HTTP_SENDING, /* the rest of an answer */
	HTTP_CLOSING
};

/* The most that a piece of a streamed answer has. */
#define HTTP_PIECE 4096

/* Append the next piece, at most HTTP_PIECE bytes. false: that was the last
 * one. */
typedef bool (*http_more)(struct http *h, struct buf *out);

/* A request: its head, copied, while it is answered. */
struct http_request {
	struct http_head head;
	struct span domain; /* of the host, when it is of a mail domain */
	struct buf body;
	char text[];
};

struct http {
	struct conn *conn;
	struct web_env *env;
	enum http_state state;
	bool is_chunked; /* the answer is */
	bool is_last;    /* close behind it */
	uint32_t n_requests;
	uint32_t deadline_s;          /* what was set last */
	struct http_request *request; /* NULL: none */
	http_more more;
	uint64_t place[2]; /* of the handler: where more goes on */
};

/* Answer with a whole body of at most 16 KB. type: a Content-Type of ours. */
void http_reply(struct http *h, int status, const char *type, struct span body);

/* Answer with a sentence for people. */
void http_reply_text(struct http *h, int status, const char *text);

/* Answer 200 with a body that more makes. */
void http_begin(struct http *h, const char *type, http_more more);

/* Answer 405, and 308 to the same address by https. */
void http_reply_not_allowed(struct http *h, const char *allow);
void http_reply_to_https(struct http *h);

/* The reason phrase of a status that this server gives. */
const char *http_phrase(int status);

#endif
