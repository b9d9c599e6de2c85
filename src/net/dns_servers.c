#include "net/dns_servers.h"

#include "base/ascii.h"
#include "net/dns.h"

#define PORT 53

/* An address with or without its port. */
static int
parse_server(struct span s, struct peer *out)
{
	struct span host = s, port = { 0 };
	size_t colon = span_rfind(s, ':');
	uint64_t n = PORT;

	if (s.len > 0 && s.p[0] == '[') {
		size_t end = span_find(s, ']');

		if (end == s.len)
			return ERR_SYNTAX;
		host = span_sub(s, 1, end - 1);
		port = span_sub(s, end + 1, s.len);
		if (port.len > 0 && port.p[0] != ':')
			return ERR_SYNTAX;
	} else if (colon < s.len && span_find(s, ':') == colon) {
		host = span_sub(s, 0, colon);
		port = span_sub(s, colon, s.len);
	}
	if (port.len > 0 &&
	    span_to_u64(span_sub(port, 1, port.len), 65535, &n) < 0)
		return ERR_SYNTAX;
	if (n == 0 || peer_parse(host, out) < 0)
		return ERR_SYNTAX;
	out->port = (uint16_t)n;
	return 0;
}

/* Split off the next word. */
static struct span
take_word(struct span *rest)
{
	size_t n = 0;

	while (
	    rest->len > 0 && (ascii_is_space(rest->p[0]) || rest->p[0] == ','))
		*rest = span_sub(*rest, 1, rest->len);
	while (
	    n < rest->len && !ascii_is_space(rest->p[n]) && rest->p[n] != ',')
		n++;
	return span_sub(*rest, 0, n);
}

int
dns_servers_parse(struct span text, struct dns_servers *out)
{
	struct dns_servers s = { .n = 0 };
	struct span word;
	struct peer p;

	while ((word = take_word(&text)).len > 0) {
		if (parse_server(word, &p) < 0)
			return ERR_SYNTAX;
		if (s.n < DNS_MAX_SERVERS)
			s.at[s.n++] = p;
		text = span_sub(text, word.len, text.len);
	}
	if (s.n == 0)
		return ERR_SYNTAX;
	*out = s;
	return 0;
}

bool
dns_are_servers(struct span text)
{
	struct dns_servers s;

	return dns_servers_parse(text, &s) == 0;
}

void
dns_servers_of_conf(struct span text, struct dns_servers *out)
{
	static const struct peer local = {
		.family = PEER_IP4, .addr = { 127, 0, 0, 1 }, .port = PORT
	};

	out->n = 0;
	while (text.len > 0 && out->n < DNS_MAX_SERVERS) {
		struct span line = span_split(&text, '\n');
		struct span word = take_word(&line);

		if (!span_is(word, SPAN("nameserver")))
			continue;
		line = span_sub(line, word.len, line.len);
		if (peer_parse(take_word(&line), &out->at[out->n]) == 0)
			out->at[out->n++].port = PORT;
	}
	if (out->n == 0)
		out->at[out->n++] = local;
}
