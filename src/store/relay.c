#include "store/relay.h"

#include "base/ascii.h"
#include "store/apply.h"
#include "store/queue_in.h"

/* 2: with tokens. */
#define VERSION 2
#define MAX_ROW (sizeof(struct relay_view) + 64)

/* --- rows --- */

static void
put_text(struct buf *b, struct span text)
{
	buf_put_varint(b, text.len);
	buf_put(b, text);
}

static struct span
keep(struct fields *f, size_t max, char **at)
{
	struct span text = field_text(f, max);
	char *p = *at;

	if (text.len > 0)
		memcpy(p, text.p, text.len);
	*at += text.len;
	return span_of(p, text.len);
}

static int
parse(struct span scope, struct span value, struct relay_view *out)
{
	struct fields f = { .c = cur_of(value) };
	char *at = out->storage;
	uint8_t version;

	if (scope.len > MAX_RELAY_SCOPE_BYTES ||
	    cur_u8(&f.c, &version) != PARSE_OK || version == 0 ||
	    version > VERSION)
		return ERR_DAMAGED;
	memcpy(at, scope.p, scope.len);
	out->r.scope = span_of(at, scope.len);
	at += scope.len;
	out->r.tls = (enum relay_tls)field_num(&f, RELAY_TLS_NEVER);
	out->r.port = (uint16_t)field_num(&f, UINT16_MAX);
	out->r.max_per_hour = (uint32_t)field_num(&f, UINT32_MAX);
	out->r.host = keep(&f, MAX_DOMAIN_BYTES, &at);
	out->r.user = keep(&f, MAX_RELAY_USER_BYTES, &at);
	out->r.secret = keep(&f, MAX_RELAY_SECRET_BYTES, &at);
	out->r.token_url = out->r.client = out->r.client_secret =
	    span_of(NULL, 0);
	if (version >= 2) {
		out->r.token_url = keep(&f, MAX_RELAY_URL_BYTES, &at);
		out->r.client = keep(&f, MAX_RELAY_CLIENT_BYTES, &at);
		out->r.client_secret = keep(&f, MAX_RELAY_CLIENT_BYTES, &at);
	}
	return field_end(&f);
}

/* No spaces, no controls, and lower case in ASCII. */
static bool
is_word(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= 0x20 || c == 0x7f || (c >= 'A' && c <= 'Z'))
			return false;
	}
	return s.len > 0;
}

static bool
is_scope(struct span s)
{
	size_t at = span_rfind(s, '@');

	if (s.len > MAX_RELAY_SCOPE_BYTES || !is_word(s))
		return false;
	if (span_starts(s, SPAN("from:")))
		return at + 1 < s.len;
	if (span_starts(s, SPAN("to:")))
		return s.len > 3 && at == s.len;
	return span_is(s, SPAN("*"));
}

static int
check(const struct relay *r)
{
	if (!is_scope(r->scope) || r->tls < RELAY_TLS_VERIFIED ||
	    r->tls > RELAY_TLS_NEVER)
		return ERR_INVALID;
	if (r->host.len > MAX_DOMAIN_BYTES ||
	    r->user.len > MAX_RELAY_USER_BYTES ||
	    r->secret.len > MAX_RELAY_SECRET_BYTES ||
	    r->token_url.len > MAX_RELAY_URL_BYTES ||
	    r->client.len > MAX_RELAY_CLIENT_BYTES ||
	    r->client_secret.len > MAX_RELAY_CLIENT_BYTES)
		return ERR_LIMIT;
	return r->host.len > 0 && (!is_word(r->host) || r->port == 0)
	           ? ERR_INVALID
	           : 0;
}

/* --- operations --- */

static int
put_row(struct store *s, const struct relay *r)
{
	struct buf b;
	int rc;

	buf_init(&b, MAX_ROW);
	buf_put_char(&b, VERSION);
	buf_put_varint(&b, r->tls);
	buf_put_varint(&b, r->port);
	buf_put_varint(&b, r->max_per_hour);
	put_text(&b, r->host);
	put_text(&b, r->user);
	put_text(&b, r->secret);
	put_text(&b, r->token_url);
	put_text(&b, r->client);
	put_text(&b, r->client_secret);
	rc = buf_error(&b);
	if (rc == 0)
		rc = tree_put(s, TREE_RELAY, r->scope, buf_span(&b));
	buf_wipe(&b);
	return rc;
}

int
relay_apply_put(struct store *s, struct fields *f)
{
	struct relay r = { 0 };
	int rc;

	r.scope = field_text(f, MAX_RELAY_SCOPE_BYTES);
	r.tls = (enum relay_tls)field_num(f, RELAY_TLS_NEVER);
	r.port = (uint16_t)field_num(f, UINT16_MAX);
	r.max_per_hour = (uint32_t)field_num(f, UINT32_MAX);
	r.host = field_text(f, MAX_DOMAIN_BYTES);
	r.user = field_text(f, MAX_RELAY_USER_BYTES);
	r.secret = field_text(f, MAX_RELAY_SECRET_BYTES);
	if (!cur_is_end(&f->c)) { /* a journal of before has no tokens */
		r.token_url = field_text(f, MAX_RELAY_URL_BYTES);
		r.client = field_text(f, MAX_RELAY_CLIENT_BYTES);
		r.client_secret = field_text(f, MAX_RELAY_CLIENT_BYTES);
	}
	rc = field_end(f);
	if (rc == 0)
		rc = check(&r);
	return rc < 0 ? rc : put_row(s, &r);
}

int
relay_apply_remove(struct store *s, struct fields *f)
{
	struct span scope = field_text(f, MAX_RELAY_SCOPE_BYTES);
	int rc = field_end(f);

	if (rc == 0 && !is_scope(scope))
		rc = ERR_NONE;
	return rc < 0 ? rc : tree_delete(s, TREE_RELAY, scope);
}

int
relay_put(struct store *s, const struct relay *r)
{
	int rc = check(r);

	if (rc == 0)
		rc =
		    op_group(s, 128 + r->scope.len + r->host.len + r->user.len +
		                    r->secret.len + r->token_url.len +
		                    r->client.len + r->client_secret.len);
	if (rc < 0)
		return rc;
	op_begin(s, OP_RELAY_PUT);
	op_text(s, r->scope);
	op_num(s, r->tls);
	op_num(s, r->port);
	op_num(s, r->max_per_hour);
	op_text(s, r->host);
	op_text(s, r->user);
	op_text(s, r->secret);
	op_text(s, r->token_url);
	op_text(s, r->client);
	op_text(s, r->client_secret);
	return op_group_end(s, op_apply(s));
}

int
relay_remove(struct store *s, struct span scope)
{
	int rc = is_scope(scope) ? op_group(s, 64 + scope.len) : ERR_NONE;

	if (rc < 0)
		return rc;
	op_begin(s, OP_RELAY_REMOVE);
	op_text(s, scope);
	return op_group_end(s, op_apply(s));
}

/* --- reading --- */

int
relay_get(struct store *s, struct span scope, struct relay_view *out)
{
	struct span value;
	int rc = ERR_NONE;

	if (scope.len > 0 && scope.len <= MAX_RELAY_SCOPE_BYTES)
		rc = tree_get(s, TREE_RELAY, scope, &value);
	return rc < 0 ? rc : parse(scope, value, out);
}

/* The rule "prefix" followed by text, in lower case. */
static int
get_of(struct store *s, const char *prefix, struct span text,
    struct relay_view *out)
{
	char storage[MAX_RELAY_SCOPE_BYTES];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_str(&b, prefix);
	for (size_t i = 0; i < text.len; i++)
		buf_put_char(&b, ascii_lower(text.p[i]));
	return buf_failed(&b) ? ERR_NONE : relay_get(s, buf_span(&b), out);
}

int
relay_find(struct store *s, struct span sender, struct span domain,
    struct relay_view *out)
{
	struct span host =
	    span_sub(sender, span_rfind(sender, '@'), sender.len);
	int rc = ERR_NONE;

	if (tree_count(s, TREE_RELAY) == 0)
		return ERR_NONE;
	if (sender.len > 0)
		rc = get_of(s, "from:", sender, out);
	if (rc == ERR_NONE && host.len > 0)
		rc = get_of(s, "from:", host, out);
	if (rc == ERR_NONE)
		rc = get_of(s, "to:", domain, out);
	return rc == ERR_NONE ? relay_get(s, SPAN("*"), out) : rc;
}

int
relay_next(struct store *s, struct buf *scope, struct relay_view *out)
{
	struct span key, value;
	int rc;

	if (scope->len > 0)
		buf_put_char(scope, '\0');
	if (buf_failed(scope))
		return ERR_LIMIT;
	rc = tree_seek(s, TREE_RELAY, buf_span(scope), &key, &value);
	if (rc == 0)
		rc = parse(key, value, out);
	if (rc < 0)
		return rc;
	buf_reset(scope);
	buf_put(scope, out->r.scope);
	return buf_failed(scope) ? ERR_LIMIT : 0;
}
