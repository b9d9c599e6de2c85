#include "mime/address_text.h"

#include <arpa/inet.h>

#include "base/ascii.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "mime/token.h"

/* RFC 5321 4.1.2, RFC 5322 3.2.3: atext, or UTF-8 (RFC 6531 3.3). */
static bool
is_atext(char c)
{
	return ascii_is_alnum(c) || ascii_is_8bit(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Deviation: "_" is no let-dig (RFC 5321 4.1.2), but hosts with it send. */
static bool
is_domain_char(char c)
{
	return ascii_is_alnum(c) || ascii_is_8bit(c) || c == '-' || c == '_';
}

/* RFC 5321 4.1.2: Dot-string. */
static enum parse
parse_dot_string(struct cur *c)
{
	do {
		if (cur_is_end(c))
			return PARSE_MORE;
		if (cur_while(c, is_atext).len == 0)
			return PARSE_BAD;
	} while (cur_skip(c, '.'));
	return PARSE_OK;
}

/* RFC 5321 4.1.2: Quoted-string; no controls, not even quoted. */
static enum parse
parse_quoted_string(struct cur *c)
{
	cur_skip(c, '"');
	while (!cur_is_end(c)) {
		char ch = *c->p++;

		if (ch == '"')
			return PARSE_OK;
		if (ch == '\\') {
			if (cur_is_end(c))
				return PARSE_MORE;
			ch = *c->p++;
			if (ascii_is_8bit(ch))
				return PARSE_BAD;
		}
		if (ascii_is_ctl(ch))
			return PARSE_BAD;
	}
	return PARSE_MORE;
}

/* RFC 5321 4.1.2: Local-part. */
static enum parse
parse_local(struct cur *c, struct span *out)
{
	const char *start = c->p;
	enum parse r =
	    cur_peek(c) == '"' ? parse_quoted_string(c) : parse_dot_string(c);

	*out = span_of(start, (size_t)(c->p - start));
	return r;
}

/* RFC 5321 4.1.3: IPv4 or "IPv6:"; no other tag is registered. */
static bool
is_literal(struct span inside)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char address[16];
	int family = AF_INET;

	if (span_starts_nocase(inside, SPAN("IPv6:"))) {
		family = AF_INET6;
		inside = span_sub(inside, 5, inside.len);
	}
	return span_to_cstr(inside, text, sizeof(text)) == 0 &&
	       inet_pton(family, text, address) == 1;
}

static enum parse
parse_literal(struct cur *c)
{
	struct span inside;
	const char *start = c->p + 1;

	while (!cur_is_end(c) && *c->p != ']')
		if (ascii_is_ctl(*c->p) || ++c->p - start > 64)
			return PARSE_BAD;
	if (cur_is_end(c))
		return PARSE_MORE;
	inside = span_of(start, (size_t)(c->p++ - start));
	return is_literal(inside) ? PARSE_OK : PARSE_BAD;
}

/* RFC 5321 4.1.2: Domain; labels of RFC 1035 2.3.4. */
static enum parse
parse_domain(struct cur *c)
{
	do {
		struct span label;

		if (cur_is_end(c))
			return PARSE_MORE;
		label = cur_while(c, is_domain_char);
		if (label.len == 0 || label.len > 63 || label.p[0] == '-' ||
		    (label.p[label.len - 1] == '-' && !cur_is_end(c)))
			return PARSE_BAD;
	} while (cur_skip(c, '.'));
	return PARSE_OK;
}

bool
address_is_domain(struct span s)
{
	struct cur c = cur_of(s);

	return s.len > 0 && s.len <= MAX_DOMAIN_BYTES &&
	       s.p[s.len - 1] != '-' && parse_domain(&c) == PARSE_OK &&
	       cur_is_end(&c) && utf8_is_valid(s);
}

/* RFC 5321 4.1.2: Mailbox, after the source route. */
static enum parse
parse_mailbox(struct cur *c, struct path *out)
{
	enum parse r = parse_local(c, &out->local);
	const char *start;

	if (r != PARSE_OK)
		return r;
	if (cur_is_end(c))
		return PARSE_MORE;
	/* RFC 5321 4.5.1: postmaster needs no domain. */
	if (*c->p == '>' && span_is_nocase(out->local, SPAN("postmaster")))
		return PARSE_OK;
	if (!cur_skip(c, '@'))
		return PARSE_BAD;
	start = c->p;
	out->is_literal = cur_peek(c) == '[';
	r = out->is_literal ? parse_literal(c) : parse_domain(c);
	out->domain = span_of(start, (size_t)(c->p - start));
	return r;
}

/* RFC 5321 4.1.2: A-d-l ":", ignored (RFC 5321 F.2). */
static enum parse
skip_route(struct cur *c)
{
	do {
		enum parse r;

		if (cur_is_end(c))
			return PARSE_MORE;
		if (!cur_skip(c, '@'))
			return PARSE_BAD;
		r = cur_peek(c) == '[' ? parse_literal(c) : parse_domain(c);
		if (r != PARSE_OK)
			return r;
	} while (cur_skip(c, ','));
	if (cur_is_end(c))
		return PARSE_MORE;
	return cur_skip(c, ':') ? PARSE_OK : PARSE_BAD;
}

/* Lengths (RFC 5321 4.5.3.1) and character set of a parsed path. */
static bool
is_path_fit(const struct path *p, bool is_utf8)
{
	if (p->domain.len > MAX_DOMAIN_BYTES)
		return false;
	/* RFC 5321 4.5.3.1.1 allows more than 64 for who can: senders of lists
	 * and of mail that was sent on (srs.h) need it. 4.5.3.1.3: a path has
	 * 256 with its brackets. */
	if (p->local.len > MAX_LOCAL_BYTES &&
	    p->local.len + 1 + p->domain.len > MAX_PATH_BYTES)
		return false;
	if (is_utf8)
		return utf8_is_valid(p->local) && utf8_is_valid(p->domain);
	return !utf8_has_8bit(p->local) && !utf8_has_8bit(p->domain);
}

enum parse
path_parse(struct cur *c, bool is_utf8, struct path *out)
{
	struct cur at = *c;
	enum parse r = PARSE_OK;

	*out = (struct path){ 0 };
	if (cur_is_end(&at))
		return PARSE_MORE;
	if (!cur_skip(&at, '<'))
		return PARSE_BAD;
	if (cur_skip(&at, '>')) {
		out->is_null = true;
		*c = at;
		return PARSE_OK;
	}
	if (cur_peek(&at) == '@')
		r = skip_route(&at);
	if (r == PARSE_OK)
		r = parse_mailbox(&at, out);
	if (r != PARSE_OK)
		return r;
	if (cur_is_end(&at))
		return PARSE_MORE;
	if (!cur_skip(&at, '>') || !is_path_fit(out, is_utf8))
		return PARSE_BAD;
	*c = at;
	return PARSE_OK;
}

void
address_put_local(struct buf *b, struct span local)
{
	if (local.len >= 2 && local.p[0] == '"' &&
	    local.p[local.len - 1] == '"')
		token_put_unquoted(b, span_sub(local, 1, local.len - 2));
	else
		buf_put(b, local);
}

void
address_put(struct buf *b, struct span local, struct span domain)
{
	struct cur c = cur_of(local);

	if (local.len > 0 && parse_dot_string(&c) == PARSE_OK &&
	    cur_is_end(&c)) {
		buf_put(b, local);
	} else {
		buf_put_char(b, '"');
		for (size_t i = 0; i < local.len; i++) {
			if (local.p[i] == '"' || local.p[i] == '\\')
				buf_put_char(b, '\\');
			buf_put_char(b, local.p[i]);
		}
		buf_put_char(b, '"');
	}
	if (domain.len > 0) {
		buf_put_char(b, '@');
		buf_put(b, domain);
	}
}

int
address_split(struct span s, struct span *local_out, struct span *domain_out)
{
	struct cur c = cur_of(s);
	struct path p = { 0 };

	if (s.len == 0 || parse_local(&c, &p.local) != PARSE_OK ||
	    !cur_skip(&c, '@'))
		return ERR_SYNTAX;
	p.domain = cur_rest(&c);
	if (!address_is_domain(p.domain) || !is_path_fit(&p, true))
		return ERR_SYNTAX;
	*local_out = p.local;
	*domain_out = p.domain;
	return 0;
}

int
address_put_normal(struct buf *b, struct span local, struct span domain)
{
	char storage[MAX_ADDRESS_BYTES];
	struct buf plain;
	int rc;

	buf_init_fixed(&plain, storage, sizeof(storage));
	address_put_local(&plain, local);
	if (buf_failed(&plain))
		return ERR_LIMIT;
	rc = utf8_fold(b, buf_span(&plain));
	if (rc < 0 || domain.len == 0)
		return rc;
	buf_put_char(b, '@');
	return utf8_fold(b, domain);
}

static void
put_unitext(struct buf *out, struct span s, bool is_ascii, const char *escaped)
{
	while (s.len > 0) {
		uint32_t code;
		int n = utf8_next(s, &code);

		if (n < 0) {
			n = 1;
			code = '?';
		}
		if (code <= ' ' || code == 0x7f ||
		    (code < 0x80 ? strchr(escaped, (int)code) != NULL
		                 : is_ascii || code < 0xa0))
			buf_putf(out, "\\x{%02X}", (unsigned)code);
		else
			utf8_put(out, code);
		s = span_sub(s, (size_t)n, s.len);
	}
}

void
address_put_unitext(struct buf *out, struct span address, bool is_ascii)
{
	put_unitext(out, address, is_ascii, "\\+=");
}

void
address_put_ascii(struct buf *out, struct span unitext)
{
	put_unitext(out, unitext, true, "");
}
