#include "trust/doubts_in.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* The names of an address, and HELO. */
#define NAMES_BYTES 4096

/* --- the reverse name (RFC 8601 3) --- */

static enum dns_type
address_type(const struct doubts *s)
{
	return s->client.family == PEER_IP6 ? DNS_AAAA : DNS_A;
}

static bool
is_same_address(const struct peer *a, const struct peer *b)
{
	return a->family == b->family &&
	       memcmp(a->addr, b->addr, a->family == PEER_IP4 ? 4 : 16) == 0;
}

/* Is the client among the addresses of the answer? */
static bool
has_client(const struct doubts *s, const struct dns_query *q)
{
	struct dns_record r;
	size_t at = 0;

	while (q->state == DNS_OK && dns_next(q, &at, &r))
		if (is_same_address(&r.address, &s->client))
			return true;
	return false;
}

static void
keep_names(struct doubts *s)
{
	struct dns_record r;
	size_t at = 0;

	while (s->n_names < DOUBTS_MAX_NAMES && dns_next(&s->reverse, &at, &r))
		if (r.text.len > 0 &&
		    arena_copy(&s->arena, r.text, &s->names[s->n_names]) == 0)
			s->n_names++;
}

static void take(struct doubts *s);

static void
woken(void *owner)
{
	take(owner);
}

static void
end_reverse(struct doubts *s, enum iprev result)
{
	s->iprev = result;
	if (result == IPREV_PERM)
		doubts_add(s, DOUBT_NO_REVERSE);
	else if (result == IPREV_FAIL)
		doubts_add(s, DOUBT_BAD_REVERSE);
}

static void
take_reverse(struct doubts *s)
{
	if (s->reverse.state == DNS_TEMPFAIL) {
		end_reverse(s, IPREV_TEMP);
		return;
	}
	if (s->reverse.state == DNS_OK)
		keep_names(s);
	if (s->n_names == 0)
		end_reverse(s, IPREV_PERM);
	else
		dns_ask(s->dns, &s->forward, address_type(s), s->names[0],
		    woken, s);
}

static void
take_forward(struct doubts *s)
{
	/* One name that cannot be asked now may be the one that leads back. */
	if (has_client(s, &s->forward))
		end_reverse(s, IPREV_PASS);
	else if (s->forward.state == DNS_TEMPFAIL)
		end_reverse(s, IPREV_TEMP);
	else if (++s->name_at < s->n_names)
		dns_ask(s->dns, &s->forward, address_type(s),
		    s->names[s->name_at], woken, s);
	else
		end_reverse(s, IPREV_FAIL);
}

/* --- HELO (RFC 5321 4.1.1.1) --- */

/* RFC 5321 4.1.3 */
static void
judge_literal(struct doubts *s, struct span literal)
{
	struct peer p;

	if (span_starts_nocase(literal, SPAN("IPv6:")))
		literal = span_sub(literal, 5, literal.len);
	if (peer_parse(literal, &p) < 0)
		doubts_add(s, DOUBT_HELO_BAD);
	else if (!is_same_address(&p, &s->client))
		doubts_add(s, DOUBT_HELO_OTHER);
}

/* RFC 5321 2.3.5: a fully qualified name; a last label of digits alone is that
 * of an address without its brackets. */
static bool
is_full_name(struct span name)
{
	struct span last = span_sub(name, span_rfind(name, '.') + 1, name.len);
	size_t n_digits = 0;

	while (n_digits < last.len && ascii_is_digit(last.p[n_digits]))
		n_digits++;
	return last.len > 0 && n_digits < last.len && last.len < name.len &&
	       dns_is_name(name);
}

static void
begin_helo(struct doubts *s, struct span helo, struct span host)
{
	size_t n = helo.len;

	if (n > 2 && helo.p[0] == '[' && helo.p[n - 1] == ']')
		judge_literal(s, span_sub(helo, 1, n - 2));
	else if (!is_full_name(helo))
		doubts_add(s, DOUBT_HELO_BAD);
	else if (span_is_nocase(helo, host))
		doubts_add(s, DOUBT_HELO_OURS);
	else if (s->weights.of[DOUBT_HELO_UNKNOWN] != 0 ||
	         s->weights.of[DOUBT_HELO_OTHER] != 0)
		dns_ask(s->dns, &s->hello, address_type(s), helo, woken, s);
}

static void
take_helo(struct doubts *s)
{
	bool is_there = s->hello.state == DNS_OK;

	if (s->hello.state == DNS_TEMPFAIL || has_client(s, &s->hello))
		return;
	if (is_there) {
		doubts_add(s, DOUBT_HELO_OTHER);
	} else if (!s->was_helo_asked_again) {
		/* It may have addresses of the other kind. */
		s->was_helo_asked_again = true;
		dns_ask(s->dns, &s->hello,
		    address_type(s) == DNS_A ? DNS_AAAA : DNS_A, s->helo, woken,
		    s);
	} else {
		doubts_add(s, DOUBT_HELO_UNKNOWN);
	}
}

/* --- lists (RFC 5782) --- */

/* At most one line an hour of each list: what is wrong with one is wrong with
 * every mail. */
static void
warn(struct span list, const char *event, struct span answer)
{
	static struct {
		char name[64];
		int64_t at_ms;
	} told[WEIGHTS_MAX_LISTS];
	static size_t next;
	char name[sizeof(told[0].name)] = "";
	int64_t now = clock_mono_ms();
	struct log l;
	size_t i = 0;

	memcpy(name, list.p,
	    list.len < sizeof(name) ? list.len : sizeof(name) - 1);
	while (i < WEIGHTS_MAX_LISTS && strcmp(told[i].name, name) != 0)
		i++;
	if (i < WEIGHTS_MAX_LISTS && now - told[i].at_ms < 3600 * 1000)
		return;
	if (i == WEIGHTS_MAX_LISTS)
		i = next++ % WEIGHTS_MAX_LISTS;
	memcpy(told[i].name, name, sizeof(name));
	told[i].at_ms = now;
	log_begin(&l, LOG_WARN, event);
	log_str(&l, "list", list);
	log_str(&l, "answer", answer);
	log_str(&l, "advice",
	    SPAN("its answers do not count; ask its keeper for access, use a "
	         "resolver of your own, or take it out of trust.dnsbl"));
	log_end(&l);
}

/* An answer of 127/8 that is an entry: the rest is a resolver that makes up
 * answers, or a list that tells us to stay away. */
static bool
is_entry(const struct peer *p)
{
	const uint8_t *a = p->addr;

	if (p->family != PEER_IP4 || a[0] != 127)
		return false;
	if (a[1] == 255 && a[2] == 255)
		return false;
	return a[1] != 0 || a[2] != 0 || a[3] != 1;
}

static void
take_answer(struct doubts *s, size_t list, const struct peer *p)
{
	const struct weights *w = &s->weights;
	char storage[64];
	struct buf text;

	if (!is_entry(p)) {
		buf_init_fixed(&text, storage, sizeof(storage));
		peer_put(&text, p);
		warn(weights_list(w, list), "dnsbl.refuses", buf_span(&text));
		return;
	}
	for (size_t i = 0; i < w->n_rules; i++) {
		if (w->rules[i].list != list ||
		    !weights_rule_has(&w->rules[i], p->addr))
			continue;
		s->hits |= 1u << i;
		memcpy(s->answers[i], p->addr, sizeof(s->answers[i]));
	}
}

static void
take_list(struct doubts *s, size_t list)
{
	struct list_query *q = &s->lists[list];
	struct dns_record r;
	size_t at = 0;

	if (q->client.state != DNS_OK)
		return;
	if (q->nobody.state == DNS_OK) {
		warn(weights_list(&s->weights, list), "dnsbl.lists-everybody",
		    SPAN("127.0.0.1"));
		return;
	}
	while (dns_next(&q->client, &at, &r))
		take_answer(s, list, &r.address);
}

/* RFC 5782 2.1, 2.4: the address backwards, as in the reverse tree. */
static void
ask_list(struct doubts *s, struct dns_query *q, const struct peer *p,
    struct span list)
{
	static const char *const trees[] = { "in-addr.arpa", "ip6.arpa" };
	char storage[DNS_MAX_NAME + 1];
	struct buf name;

	buf_init_fixed(&name, storage, sizeof(storage));
	dns_put_reverse(&name, p);
	buf_truncate(&name, name.len - strlen(trees[p->family == PEER_IP6]));
	buf_put(&name, list);
	/* What is too long is no name, and on no list. */
	dns_ask(s->dns, q, DNS_A,
	    buf_failed(&name) ? SPAN("") : buf_span(&name), woken, s);
}

static int
begin_lists(struct doubts *s)
{
	/* RFC 5782 5: never on a list that works. */
	static const struct peer nobody = { .family = PEER_IP4,
		.addr = { 127, 0, 0, 1 } };
	size_t n = s->weights.n_lists;

	if (n == 0)
		return 0;
	s->lists = mem_alloc(n * sizeof(*s->lists));
	if (s->lists == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		struct span list = weights_list(&s->weights, i);

		ask_list(s, &s->lists[i].client, &s->client, list);
		ask_list(s, &s->lists[i].nobody, &nobody, list);
	}
	return 0;
}

/* --- all of it --- */

/* Is this an answer that nobody has looked at? */
static bool
is_new(struct dns_query *q)
{
	return q->state != DNS_IDLE && q->state != DNS_PENDING;
}

static bool
is_pending(const struct doubts *s)
{
	bool is = s->reverse.state == DNS_PENDING ||
	          s->forward.state == DNS_PENDING ||
	          s->hello.state == DNS_PENDING;

	for (size_t i = 0; !is && i < s->weights.n_lists; i++)
		is = s->lists[i].client.state == DNS_PENDING ||
		     s->lists[i].nobody.state == DNS_PENDING;
	return is;
}

/* A query was answered: which, is seen by looking. What was taken becomes
 * DNS_IDLE; lists are taken last, as they need two answers. */
static void
take(struct doubts *s)
{
	if (is_new(&s->reverse)) {
		take_reverse(s);
		dns_cancel(&s->reverse);
	}
	if (is_new(&s->forward)) {
		take_forward(s);
		if (s->forward.state != DNS_PENDING)
			dns_cancel(&s->forward);
	}
	if (is_new(&s->hello)) {
		take_helo(s);
		if (s->hello.state != DNS_PENDING)
			dns_cancel(&s->hello);
	}
	if (is_pending(s))
		return;
	doubts_give_up(s);
	s->wake(s->owner);
}

static void
cancel(struct doubts *s)
{
	dns_cancel(&s->reverse);
	dns_cancel(&s->forward);
	dns_cancel(&s->hello);
	for (size_t i = 0; s->lists != NULL && i < s->weights.n_lists; i++) {
		dns_cancel(&s->lists[i].client);
		dns_cancel(&s->lists[i].nobody);
	}
}

void
doubts_give_up(struct doubts *s)
{
	if (s->is_over)
		return;
	s->is_over = true;
	for (size_t i = 0; i < s->weights.n_lists; i++)
		take_list(s, i);
	if (s->reverse.state == DNS_PENDING || s->forward.state == DNS_PENDING)
		end_reverse(s, IPREV_TEMP);
	cancel(s);
}

static int
begin(struct doubts *s, const struct doubts_input *in)
{
	const int8_t *of = s->weights.of;
	char storage[80];
	struct buf name;

	if (arena_copy(&s->arena, in->helo, &s->helo) < 0)
		return ERR_NOMEM;
	buf_init_fixed(&name, storage, sizeof(storage));
	dns_put_reverse(&name, &s->client);
	if (of[DOUBT_NO_REVERSE] != 0 || of[DOUBT_BAD_REVERSE] != 0)
		dns_ask(
		    s->dns, &s->reverse, DNS_PTR, buf_span(&name), woken, s);
	begin_helo(s, s->helo, in->host);
	return begin_lists(s);
}

int
doubts_new(struct dns *dns, const struct weights *w,
    const struct doubts_input *in, void (*wake)(void *owner), void *owner,
    struct doubts **out)
{
	struct doubts *s = mem_alloc(sizeof(*s));

	if (s == NULL)
		return ERR_NOMEM;
	s->dns = dns;
	s->weights = *w;
	s->client = *in->client;
	s->wake = wake;
	s->owner = owner;
	arena_init(&s->arena, NAMES_BYTES);
	if (begin(s, in) < 0) {
		doubts_free(s);
		return ERR_NOMEM;
	}
	s->is_over = !is_pending(s);
	*out = s;
	return 0;
}

void
doubts_free(struct doubts *s)
{
	if (s == NULL)
		return;
	cancel(s);
	mem_free(s->lists);
	arena_reset(&s->arena);
	mem_free(s);
}

bool
doubts_are_known(const struct doubts *s)
{
	return s->is_over;
}

void
doubts_add(struct doubts *s, enum doubt d)
{
	if (s->weights.of[d] != 0)
		s->found |= 1u << d;
}
