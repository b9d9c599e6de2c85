/* do_dns.c - `tinpost dns`: a question as the server itself would ask it. */
#include "admin/do.h"

#include "net/net.h"

struct dns_state_of {
	struct dns_query query;
	enum dns_type type;
};

static const struct {
	struct span word;
	enum dns_type type;
} types[] = {
	{ { "A", 1 }, DNS_A },
	{ { "AAAA", 4 }, DNS_AAAA },
	{ { "MX", 2 }, DNS_MX },
	{ { "TXT", 3 }, DNS_TXT },
	{ { "PTR", 3 }, DNS_PTR },
	{ { "CNAME", 5 }, DNS_CNAME },
	{ { "TLSA", 4 }, DNS_TLSA },
};

/* The type that was named; without one that of an address is PTR. */
static enum dns_type
choose_type(struct span word, bool is_address)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (span_is(word, types[i].word))
			return types[i].type;
	return is_address ? DNS_PTR : DNS_MX;
}

int
do_dns_start(struct run *r)
{
	char storage[DNS_MAX_NAME];
	struct span name = run_arg(r, "NAME");
	struct dns_state_of *s;
	struct peer address;
	struct buf reverse;
	bool is_address = peer_parse(name, &address) == 0;

	if (r->admin->dns == NULL) {
		run_fail(r, "No server is running, and only it asks the DNS.");
		return ERR_NONE;
	}
	s = run_new_state(r, sizeof(*s));
	if (s == NULL)
		return ERR_NOMEM;
	s->type = choose_type(run_arg(r, "TYPE"), is_address);
	buf_init_fixed(&reverse, storage, sizeof(storage));
	if (is_address) {
		dns_put_reverse(&reverse, &address);
		name = buf_span(&reverse);
	}
	dns_ask(r->admin->dns, &s->query, s->type, name, r->wake, r->owner);
	return 0;
}

/* Text from the network: controls and what is not ASCII as \xNN. */
static void
put_safe(struct buf *b, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= ' ' && c <= '~' && c != '\\')
			buf_put_char(b, (char)c);
		else
			buf_putf(b, "\\x%02x", c);
	}
}

static void
put_record(struct buf *b, enum dns_type type, const struct dns_record *rec)
{
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		peer_put(b, &rec->address);
		break;
	case DNS_MX:
		buf_putf(b, "%u ", rec->preference);
		put_safe(b, rec->text.len > 0 ? rec->text : SPAN("."));
		break;
	case DNS_TLSA:
		buf_put_hex(b, rec->text);
		break;
	case DNS_TXT:
	case DNS_PTR:
	case DNS_CNAME:
		put_safe(b, span_sub(rec->text, 0, 4000));
		break;
	}
	buf_put_char(b, '\n');
}

static void
say_records(struct run *r, const struct dns_state_of *s)
{
	struct dns_record rec;
	size_t at = 0;

	while (r->out.len < RUN_OUT_HIGH && dns_next(&s->query, &at, &rec)) {
		struct buf *b = run_begin(r, FRAME_TEXT);

		put_record(b, s->type, &rec);
		run_end(r);
	}
	run_say(r, "good for %lu s%s%s", (unsigned long)s->query.ttl_s,
	    s->query.is_alias ? ", by an alias" : "",
	    s->query.is_authentic ? ", validated by the resolver" : "");
}

enum run_step
do_dns_step(struct run *r)
{
	struct dns_state_of *s = r->state;

	switch (s->query.state) {
	case DNS_PENDING:
		return RUN_WAIT;
	case DNS_OK:
		say_records(r, s);
		break;
	case DNS_NXDOMAIN:
		run_fail(r, "There is no such name.");
		break;
	case DNS_NODATA:
		run_fail(r, "The name has no record of this type.");
		break;
	case DNS_IDLE:
	case DNS_TEMPFAIL:
		run_fail(r, "No usable answer came: the name servers do not "
		            "answer, or cannot. Mail waits and tries again.");
		break;
	}
	return RUN_DONE;
}

void
do_dns_stop(struct run *r)
{
	struct dns_state_of *s = r->state;

	dns_cancel(&s->query);
}
