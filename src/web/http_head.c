#include "web/http_head.h"

#include "base/ascii.h"

/* RFC 9110 5.6.2: tchar. */
static bool
is_tchar(char c)
{
	return ascii_is_alnum(c) ||
	       (c != '\0' && memchr("!#$%&'*+-.^_`|~", c, 15) != NULL);
}

static bool
is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_tchar(s.p[i]))
			return false;
	}
	return s.len > 0;
}

/* Take a line that ends in CRLF; a bare LF is taken as its end (RFC 9112 2.2),
 * a bare CR is not. PARSE_MORE: it has no end yet. */
static enum parse
take_line(struct cur *c, struct span *out)
{
	struct span rest = cur_rest(c);
	size_t n = span_find(rest, '\n');

	if (n == rest.len)
		return PARSE_MORE;
	*out = span_sub(rest, 0, n);
	if (out->len > 0 && out->p[out->len - 1] == '\r')
		out->len--;
	if (span_find(*out, '\r') < out->len ||
	    span_find(*out, '\0') < out->len)
		return PARSE_BAD;
	c->p += n + 1;
	return PARSE_OK;
}

static enum http_method
method_of(struct span word)
{
	if (span_is(word, SPAN("GET")))
		return HTTP_GET;
	if (span_is(word, SPAN("HEAD")))
		return HTTP_HEAD;
	return span_is(word, SPAN("POST")) ? HTTP_POST : HTTP_OTHER;
}

/* A host without its port: a name, an address, or one in brackets. */
static bool
set_host(struct http_head *h, struct span text)
{
	size_t end;

	if (text.len > 0 && text.p[0] == '[') {
		end = span_find(text, ']');
		if (end == text.len)
			return false;
		h->host = span_sub(text, 1, end - 1);
		text = span_sub(text, end + 1, text.len);
		if (text.len > 0 && text.p[0] != ':')
			return false;
	} else {
		h->host = span_split(&text, ':');
		if (span_find(text, ':') < text.len)
			return false;
		text.len = 0;
	}
	for (size_t i = 0; i < h->host.len; i++) {
		if (!ascii_is_vchar(h->host.p[i]) || h->host.p[i] == '@' ||
		    h->host.p[i] == '/')
			return false;
	}
	return true;
}

/* RFC 9112 3.2: the origin form, and the absolute form that every server must
 * take; its host counts, whatever Host says. */
static int
parse_target(struct span target, struct http_head *h, bool *has_host_out)
{
	static const struct span schemes[] = { SPAN("http://"),
		SPAN("https://") };
	size_t n;

	if (target.len > HTTP_MAX_TARGET)
		return 414;
	for (size_t i = 0; i < target.len; i++) {
		if (!ascii_is_vchar(target.p[i]))
			return 400;
	}
	for (size_t i = 0; i < 2; i++) {
		if (!span_starts_nocase(target, schemes[i]))
			continue;
		target = span_sub(target, schemes[i].len, target.len);
		n = span_find(target, '/');
		if (n == target.len || !set_host(h, span_sub(target, 0, n)))
			return 400;
		*has_host_out = true;
		target = span_sub(target, n, target.len);
		break;
	}
	if (target.len == 0 || target.p[0] != '/')
		return 400;
	h->query = target;
	h->path = span_split(&h->query, '?');
	return 0;
}

/* RFC 9112 3. */
static int
parse_request_line(struct span line, struct http_head *h, bool *has_host_out)
{
	struct span method = span_split(&line, ' ');
	struct span target = span_split(&line, ' ');

	if (!is_token(method))
		return 400;
	if (!span_starts(line, SPAN("HTTP/")) || line.len != 8)
		return 400;
	if (line.p[5] != '1' || line.p[6] != '.' || !ascii_is_digit(line.p[7]))
		return 505;
	h->is_1_0 = line.p[7] == '0';
	h->is_last = h->is_1_0;
	h->method = method_of(method);
	return parse_target(target, h, has_host_out);
}

/* RFC 9112 5.1. */
static int
parse_field(struct span line, struct http_head *h)
{
	struct http_field *f = &h->fields[h->n_fields];

	if (h->n_fields == HTTP_MAX_FIELDS)
		return 431;
	if (span_find(line, ':') == line.len)
		return 400;
	f->name = span_split(&line, ':');
	if (!is_token(f->name)) /* a folded line, too */
		return 400;
	f->value = span_trim(line);
	h->n_fields++;
	return 0;
}

bool
http_list_has(struct span value, struct span word)
{
	while (value.len > 0) {
		struct span one = span_trim(span_split(&value, ','));

		if (span_is_nocase(one, word))
			return true;
	}
	return false;
}

/* RFC 9112 6.1, 6.3: of more than one length, or a length beside a coding, no
 * two programs need have the same opinion. */
static int
take_length(struct http_head *h, struct span value, bool *has_length)
{
	uint64_t n;

	switch (span_to_u64(value, UINT64_MAX / 2, &n)) {
	case 0:
		break;
	case ERR_LIMIT:
		return 413;
	default:
		return 400;
	}
	if (*has_length)
		return 400;
	*has_length = true;
	h->length_bytes = n;
	return 0;
}

static int
take_fields(struct http_head *h, bool has_host)
{
	bool has_length = false, has_host_field = false;
	int status = 0;

	for (size_t i = 0; i < h->n_fields && status == 0; i++) {
		const struct http_field *f = &h->fields[i];

		if (span_is_nocase(f->name, SPAN("Host"))) {
			if (has_host_field)
				return 400;
			has_host_field = true;
			if (!has_host && !set_host(h, f->value))
				return 400;
		} else if (span_is_nocase(f->name, SPAN("Content-Length"))) {
			status = take_length(h, f->value, &has_length);
		} else if (span_is_nocase(f->name, SPAN("Transfer-Encoding"))) {
			if (!span_is_nocase(f->value, SPAN("chunked")) ||
			    h->is_chunked)
				return h->is_1_0 ? 400 : 501;
			h->is_chunked = true;
		} else if (span_is_nocase(f->name, SPAN("Connection"))) {
			h->is_last |= http_list_has(f->value, SPAN("close"));
		} else if (span_is_nocase(f->name, SPAN("Expect"))) {
			if (!span_is_nocase(f->value, SPAN("100-continue")))
				return 417;
			h->wants_continue = !h->is_1_0;
		}
	}
	if (status != 0)
		return status;
	if (h->is_chunked && (has_length || h->is_1_0))
		return 400;
	return has_host_field || h->is_1_0 ? 0 : 400; /* RFC 9112 3.2 */
}

static enum parse
bad(int status, int *status_out)
{
	*status_out = status;
	return PARSE_BAD;
}

enum parse
http_head_parse(
    struct span in, struct http_head *h, size_t *n_out, int *status_out)
{
	struct cur c = cur_of(span_sub(in, 0, HTTP_MAX_HEAD));
	bool has_line = false, has_host = false;
	struct span line;
	enum parse r;

	*h = (struct http_head){ 0 };
	while ((r = take_line(&c, &line)) == PARSE_OK) {
		int status = 0;

		if (!has_line && line.len > 0) {
			status = parse_request_line(line, h, &has_host);
			has_line = true;
		} else if (has_line && line.len > 0) {
			status = parse_field(line, h);
		} else if (has_line) {
			status = take_fields(h, has_host);
			if (status != 0)
				return bad(status, status_out);
			*n_out = (size_t)(c.p - in.p);
			return PARSE_OK;
		}
		if (status != 0)
			return bad(status, status_out);
	}
	if (r == PARSE_MORE && in.len < HTTP_MAX_HEAD)
		return PARSE_MORE;
	return bad(r == PARSE_BAD ? 400 : has_line ? 431 : 414, status_out);
}

struct span
http_head_get(const struct http_head *h, struct span name)
{
	for (size_t i = 0; i < h->n_fields; i++) {
		if (span_is_nocase(h->fields[i].name, name))
			return h->fields[i].value;
	}
	return span_of(NULL, 0);
}
