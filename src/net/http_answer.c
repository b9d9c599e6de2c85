#include "net/http_answer.h"

#include "base/ascii.h"
#include "net/fetch.h"

/* More digits would be leading zeros, or more than anybody takes. */
#define MAX_SIZE_DIGITS 16

void
http_answer_init(struct http_answer *a, size_t max_bytes)
{
	memset(a, 0, sizeof(*a));
	a->part = HTTP_STATUS;
	buf_init(&a->line, HTTP_MAX_LINE);
	buf_init(&a->body, max_bytes);
}

void
http_answer_deinit(struct http_answer *a)
{
	buf_wipe(&a->line);
	buf_wipe(&a->body);
}

static enum parse
bad(struct http_answer *a, const char *why)
{
	a->why = why;
	return PARSE_BAD;
}

/* --- lines of the head --- */

/* RFC 9112 4: status-line. */
static enum parse
take_status(struct http_answer *a, struct span line)
{
	uint64_t status = 0;

	if (line.len < 12 || !span_starts(line, SPAN("HTTP/1.")) ||
	    !ascii_is_digit(line.p[7]) || line.p[8] != ' ' ||
	    (line.len > 12 && line.p[12] != ' ') ||
	    span_to_u64(span_sub(line, 9, 3), 599, &status) < 0 || status < 100)
		return bad(a, "what came is no HTTP answer");
	a->status = (uint16_t)status;
	a->has_length = a->is_chunked = false;
	a->left = 0;
	a->type = span_of(NULL, 0);
	/* RFC 9112 6.3: never a body, whatever the fields say. */
	a->is_bodyless = status < 200 || status == 204 || status == 304;
	if (status == 101)
		return bad(a, "the host switches to another protocol");
	if (status < 200 && ++a->n_interim > FETCH_MAX_INTERIM)
		return bad(a, "the host does not come to an answer");
	a->part = HTTP_FIELDS;
	return PARSE_OK;
}

static bool
is_token(struct span s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.p[i]) &&
		    (s.p[i] == '\0' || strchr(others, s.p[i]) == NULL))
			return false;
	return s.len > 0;
}

/* RFC 9110 8.6; equal ones may come twice. */
static enum parse
take_length(struct http_answer *a, struct span value)
{
	uint64_t n = 0;
	int rc = span_to_u64(value, UINT64_MAX, &n);

	if (rc == ERR_SYNTAX || (a->has_length && n != a->left))
		return bad(a, "the answer's length is none");
	if (rc < 0 || n > a->body.max)
		return bad(a, "the answer is too large");
	a->has_length = true;
	a->left = n;
	return PARSE_OK;
}

/* RFC 9112 5: field-line. */
static enum parse
take_field(struct http_answer *a, struct span line)
{
	struct span value = line;
	struct span name = span_split(&value, ':');

	if (name.len == line.len || !is_token(name))
		return bad(a, "a line of the answer's head is none");
	value = span_trim(value);
	for (size_t i = 0; i < value.len; i++)
		if (ascii_is_ctl(value.p[i]) && value.p[i] != '\t')
			return bad(a, "a line of the answer's head is none");
	if (span_is_nocase(name, SPAN("Content-Length")))
		return take_length(a, value);
	if (span_is_nocase(name, SPAN("Transfer-Encoding"))) {
		if (a->is_chunked || !span_is_nocase(value, SPAN("chunked")))
			return bad(a, "the answer is coded in an unknown way");
		a->is_chunked = true;
	} else if (span_is_nocase(name, SPAN("Content-Encoding"))) {
		if (!span_is_nocase(value, SPAN("identity")))
			return bad(a, "the answer is coded in an unknown way");
	} else if (span_is_nocase(name, SPAN("Content-Type"))) {
		value = span_sub(value, 0, HTTP_MAX_TYPE);
		if (value.len > 0)
			memcpy(a->type_storage, value.p, value.len);
		a->type = span_of(a->type_storage, value.len);
	}
	return PARSE_OK;
}

/* RFC 9112 6.3: what follows the empty line. */
static enum parse
end_head(struct http_answer *a)
{
	if (a->is_chunked && a->has_length) /* RFC 9112 6.3: smuggling */
		return bad(a, "the answer has two lengths");
	if (a->status < 200) {
		a->part = HTTP_STATUS;
		return PARSE_OK;
	}
	if (a->is_bodyless)
		a->part = HTTP_WHOLE;
	else if (a->is_chunked)
		a->part = HTTP_CHUNK_SIZE;
	else if (a->has_length)
		a->part = a->left > 0 ? HTTP_BODY : HTTP_WHOLE;
	else
		a->part = HTTP_BODY_REST;
	return PARSE_OK;
}

/* RFC 9112 7.1: chunk-size and its extensions, which nobody needs. */
static enum parse
take_chunk_size(struct http_answer *a, struct span line)
{
	size_t n = 0;
	struct span rest;

	a->left = 0;
	while (n < line.len && ascii_hex_value(line.p[n]) >= 0 &&
	       n < MAX_SIZE_DIGITS)
		a->left = a->left * 16 + (uint64_t)ascii_hex_value(line.p[n++]);
	rest = span_trim(span_sub(line, n, line.len));
	if (n == 0 || (rest.len > 0 && rest.p[0] != ';'))
		return bad(a, "a chunk of the answer has no size");
	if (a->left > a->body.max - a->body.len)
		return bad(a, "the answer is too large");
	a->head_bytes += line.len - n;
	a->part = a->left > 0 ? HTTP_CHUNK : HTTP_TRAILER;
	return PARSE_OK;
}

static enum parse
take_line(struct http_answer *a, struct span line)
{
	bool is_chunk = a->part == HTTP_CHUNK_SIZE || a->part == HTTP_CHUNK_END;

	if (!is_chunk)
		a->head_bytes += line.len + 2;
	switch (a->part) {
	case HTTP_STATUS:
		return take_status(a, line);
	case HTTP_FIELDS:
		return line.len > 0 ? take_field(a, line) : end_head(a);
	case HTTP_CHUNK_SIZE:
		return take_chunk_size(a, line);
	case HTTP_CHUNK_END:
		a->part = HTTP_CHUNK_SIZE;
		return line.len > 0 ? bad(a, "a chunk is longer than it says")
		                    : PARSE_OK;
	case HTTP_TRAILER: /* RFC 9112 7.1.2: may be discarded */
		if (line.len == 0)
			a->part = HTTP_WHOLE;
		return PARSE_OK;
	case HTTP_BODY:
	case HTTP_BODY_REST:
	case HTTP_CHUNK:
	case HTTP_WHOLE:
		break;
	}
	return bad(a, "what came is no HTTP answer");
}

/* Gather up to a CRLF, and take what was gathered. */
static enum parse
feed_line(struct http_answer *a, struct span *in)
{
	size_t n = span_find(*in, '\n');
	bool is_whole = n < in->len;
	enum parse p;

	buf_put(&a->line, span_sub(*in, 0, n));
	*in = span_sub(*in, n + 1, in->len);
	if (buf_failed(&a->line))
		return bad(a, a->line.lacks_memory ? "not enough memory"
		                                   : "a line is too long");
	if (!is_whole)
		return PARSE_MORE;
	/* RFC 9112 2.2: a bare LF or CR ends nothing. */
	n = a->line.len;
	if (n == 0 || span_find(buf_span(&a->line), '\r') != n - 1)
		return bad(a, "a line does not end as it should");
	p = take_line(a, span_of(a->line.p, n - 1));
	buf_reset(&a->line);
	if (p == PARSE_OK && a->head_bytes > FETCH_MAX_HEAD)
		return bad(a, "the answer's head is too long");
	return p;
}

static enum parse
feed_body(struct http_answer *a, struct span *in)
{
	size_t n = in->len;

	if (a->part != HTTP_BODY_REST && n > a->left)
		n = (size_t)a->left;
	buf_put(&a->body, span_sub(*in, 0, n));
	*in = span_sub(*in, n, in->len);
	if (buf_failed(&a->body))
		return bad(a, a->body.lacks_memory ? "not enough memory"
		                                   : "the answer is too large");
	if (a->part == HTTP_BODY_REST)
		return PARSE_OK;
	a->left -= n;
	if (a->left == 0)
		a->part = a->part == HTTP_BODY ? HTTP_WHOLE : HTTP_CHUNK_END;
	return PARSE_OK;
}

enum parse
http_answer_feed(struct http_answer *a, struct span in)
{
	if (a->why != NULL)
		return PARSE_BAD;
	while (in.len > 0 && a->part != HTTP_WHOLE) {
		enum parse p = a->part == HTTP_BODY ||
		                       a->part == HTTP_BODY_REST ||
		                       a->part == HTTP_CHUNK
		                   ? feed_body(a, &in)
		                   : feed_line(a, &in);

		if (p == PARSE_BAD)
			return PARSE_BAD;
	}
	return a->part == HTTP_WHOLE ? PARSE_OK : PARSE_MORE;
}

enum parse
http_answer_end(struct http_answer *a)
{
	if (a->why != NULL)
		return PARSE_BAD;
	if (a->part == HTTP_BODY_REST)
		a->part = HTTP_WHOLE;
	return a->part == HTTP_WHOLE ? PARSE_OK
	                             : bad(a, "the answer was cut off");
}
