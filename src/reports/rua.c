#include "reports/rua.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "net/dns.h"

/* RFC 7489 6.4: "!" 1*DIGIT [ "k" / "m" / "g" / "t" ]. A size that is none is
 * of no effect. */
static uint64_t
parse_size(struct span s)
{
	static const char units[] = "kmgt";
	uint64_t n;
	int shift = 0;

	if (s.len > 0 && !ascii_is_digit(s.p[s.len - 1])) {
		const char *at = strchr(units, ascii_lower(s.p[s.len - 1]));

		if (at == NULL || *at == '\0')
			return UINT64_MAX;
		shift = 10 * (int)(at - units + 1);
		s.len--;
	}
	if (span_to_u64(s, UINT64_MAX >> shift, &n) < 0)
		return UINT64_MAX;
	return n << shift;
}

static int
hex(char c)
{
	c = ascii_lower(c);
	if (ascii_is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 2.1 */
static void
put_decoded(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '%' && s.len - i > 2 && hex(s.p[i + 1]) >= 0 &&
		    hex(s.p[i + 2]) >= 0) {
			buf_put_char(out,
			    (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2])));
			i += 2;
		} else {
			buf_put_char(out, s.p[i]);
		}
	}
}

/* RFC 5322 3.2.3: dot-atom, as every report address is in practice. */
static bool
is_local(struct span s)
{
	if (s.len == 0 || s.len > 64) /* RFC 5321 4.5.3.1.1 */
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 127 ||
		    strchr("()<>[]:;@\\,\"", s.p[i]) != NULL)
			return false;
	return s.p[0] != '.' && s.p[s.len - 1] != '.';
}

struct span
rua_host(struct span address)
{
	return span_sub(address, span_rfind(address, '@') + 1, address.len);
}

static void
set_address(struct rua *r, struct span text)
{
	struct buf b;
	struct span all, local, host;

	text.len = span_find(text, '?'); /* RFC 6068 2: hfields */
	buf_init_fixed(&b, r->address, sizeof(r->address));
	put_decoded(&b, text);
	all = buf_span(&b);
	host = rua_host(all);
	local = span_sub(all, 0, all.len - host.len);
	if (buf_failed(&b) || local.len == 0 || !dns_is_name(host) ||
	    span_find(host, '.') == host.len ||
	    !is_local(span_sub(local, 0, local.len - 1)))
		return;
	for (size_t i = local.len; i < b.len; i++)
		r->address[i] = ascii_lower(r->address[i]);
	if (r->address[b.len - 1] == '.')
		return;
	r->n_address = b.len;
}

int
rua_next(struct cur *c, struct rua *out)
{
	struct span item = cur_rest(c);
	size_t at;

	out->n_address = 0;
	if (item.len == 0)
		return ERR_NONE;
	item.len = span_find(item, ',');
	c->p += item.len;
	(void)cur_skip(c, ',');
	item = span_trim(item);
	at = span_rfind(item, '!');
	out->max_bytes = parse_size(span_sub(item, at + 1, item.len));
	out->uri = span_sub(item, 0, at);
	if (span_starts_nocase(out->uri, SPAN("mailto:")))
		set_address(out, span_sub(out->uri, 7, item.len));
	return 0;
}
