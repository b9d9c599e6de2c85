#include "net/dns_wire.h"

#include "base/ascii.h"
#include "net/dns.h"

/* RFC 1123 2.1, and the underscore of RFC 8552 1. */
static bool
is_host_char(char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '_';
}

/* Put a label behind the name, which has no root yet; room is left for it. */
static int
add_label(struct dns_wire *w, struct span label)
{
	if (label.len == 0 || label.len > DNS_MAX_LABEL ||
	    w->len + 1 + label.len + 1 > DNS_WIRE_BYTES)
		return ERR_INVALID;
	w->bytes[w->len++] = (uint8_t)label.len;
	for (size_t i = 0; i < label.len; i++)
		w->bytes[w->len++] = (uint8_t)ascii_lower(label.p[i]);
	return 0;
}

int
dns_wire_pack(struct span text, struct dns_wire *out)
{
	out->len = 0;
	if (text.len > 0 && text.p[text.len - 1] == '.')
		text.len--;
	if (text.len == 0 || text.len > DNS_MAX_NAME ||
	    text.p[text.len - 1] == '.')
		return ERR_INVALID;
	for (size_t i = 0; i < text.len; i++)
		if (ascii_is_ctl(text.p[i]) || ascii_is_8bit(text.p[i]))
			return ERR_INVALID;
	while (text.len > 0)
		if (add_label(out, span_split(&text, '.')) < 0)
			return ERR_INVALID;
	out->bytes[out->len++] = 0;
	return 0;
}

int
dns_wire_read(struct span message, size_t *at, struct dns_wire *out)
{
	const uint8_t *p = (const uint8_t *)message.p;
	size_t here = *at, lowest = *at;
	bool has_jumped = false;

	out->len = 0;
	while (here < message.len) {
		uint8_t n = p[here];

		if (n == 0) { /* the root */
			out->bytes[out->len++] = 0;
			if (!has_jumped)
				*at = here + 1;
			return 0;
		}
		if (n >= 0xc0) { /* RFC 1035 4.1.4 */
			if (message.len - here < 2)
				return ERR_SYNTAX;
			if (!has_jumped)
				*at = here + 2;
			has_jumped = true;
			here = (size_t)(n & 0x3f) << 8 | p[here + 1];
			if (here >= lowest)
				return ERR_SYNTAX;
			lowest = here;
			continue;
		}
		if (n > DNS_MAX_LABEL || message.len - here - 1 < n ||
		    add_label(out, span_of(p + here + 1, n)) < 0)
			return ERR_SYNTAX;
		here += 1 + (size_t)n;
	}
	return ERR_SYNTAX;
}

bool
dns_wire_is(const struct dns_wire *a, const struct dns_wire *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

int
dns_wire_put(struct buf *b, const struct dns_wire *w)
{
	size_t before = b->len;

	for (size_t i = 0; w->bytes[i] != 0; i += 1 + (size_t)w->bytes[i]) {
		struct span label = span_of(w->bytes + i + 1, w->bytes[i]);

		for (size_t k = 0; k < label.len; k++) {
			if (!is_host_char(label.p[k])) {
				buf_truncate(b, before);
				return ERR_INVALID;
			}
		}
		if (i > 0)
			buf_put_char(b, '.');
		buf_put(b, label);
	}
	return buf_error(b);
}

bool
dns_is_name(struct span name)
{
	char text[DNS_MAX_NAME];
	struct dns_wire w;
	struct buf b;

	buf_init_fixed(&b, text, sizeof(text));
	return dns_wire_pack(name, &w) == 0 && dns_wire_put(&b, &w) == 0;
}

void
dns_put_reverse(struct buf *b, const struct peer *p)
{
	static const char digits[] = "0123456789abcdef";

	if (p->family == PEER_IP4) { /* RFC 1035 3.5 */
		for (size_t i = 4; i-- > 0;) {
			buf_put_u64(b, p->addr[i]);
			buf_put_char(b, '.');
		}
		buf_put_str(b, "in-addr.arpa");
	} else if (p->family == PEER_IP6) { /* RFC 3596 2.5 */
		for (size_t i = 16; i-- > 0;) {
			buf_put_char(b, digits[p->addr[i] & 15]);
			buf_put_char(b, '.');
			buf_put_char(b, digits[p->addr[i] >> 4]);
			buf_put_char(b, '.');
		}
		buf_put_str(b, "ip6.arpa");
	}
}
