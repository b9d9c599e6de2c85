/* The check: from outside, and the terms of a record one after the other. */
#include "base/idna.h"
#include "base/utf8.h"
#include "base/clock.h"
#include "base/mem.h"
#include "trust/spf_in.h"

void
spf_end(struct spf *s, enum spf_result result, const char *reason)
{
	s->result = result;
	s->reason = reason;
}

static void woken(void *owner);

void
spf_ask(struct spf *s, enum asking what, enum dns_type type, struct span name)
{
	s->asking = what;
	dns_ask(s->dns, &s->query, type, name, woken, s);
}

enum dns_type
spf_address_type(const struct spf *s)
{
	return s->vars.is_ip6 ? DNS_AAAA : DNS_A;
}

struct frame *
spf_top(struct spf *s)
{
	return &s->frames[s->n_frames - 1];
}

/* --- results --- */

/* RFC 7208 6.2: the domain's own words. False: there are none to fetch. */
static bool
fetch_explanation(struct spf *s)
{
	struct frame *f = &s->frames[0];
	char storage[DNS_MAX_NAME + 1];
	struct buf name;

	if (f->exp.p == NULL)
		return false;
	s->vars.domain = f->domain;
	if (spf_uses_ptr(f->exp) && s->ptr != PTR_KNOWN)
		return false; /* words are not worth more queries */
	buf_init_fixed(&name, storage, sizeof(storage));
	if (spf_expand_domain(&name, f->exp, &s->vars) < 0)
		return false;
	s->decided = SPF_FAIL;
	spf_ask(s, ASK_EXP, DNS_TXT, buf_span(&name));
	return true;
}

static void
match(struct spf *s)
{
	s->has_term = false;
	switch (s->term.qualifier) {
	case '-':
		spf_finish_frame(s, SPF_FAIL, "");
		break;
	case '~':
		spf_finish_frame(s, SPF_SOFTFAIL, "");
		break;
	case '?':
		spf_finish_frame(s, SPF_NEUTRAL, "");
		break;
	default:
		spf_finish_frame(s, SPF_PASS, "");
		break;
	}
}

static void
no_match(struct spf *s)
{
	s->has_term = false;
}

void
spf_match_if(struct spf *s, bool is_match)
{
	if (is_match)
		match(s);
	else
		no_match(s);
}

void
spf_finish_frame(struct spf *s, enum spf_result r, const char *reason)
{
	bool is_included = s->n_frames > 1;

	if (r == SPF_TEMPERROR || r == SPF_PERMERROR) {
		spf_end(s, r, reason);
		return;
	}
	if (r == SPF_NONE && (is_included || spf_top(s)->is_redirected)) {
		spf_end(
		    s, SPF_PERMERROR, "no record at an include or redirect");
		return;
	}
	if (!is_included) {
		if (r != SPF_FAIL || !fetch_explanation(s))
			spf_end(s, r, reason);
		return;
	}
	s->n_frames--;
	/* The include itself is the term that is evaluated there. */
	s->term.qualifier = s->frames[s->n_frames].qualifier;
	spf_match_if(s, r == SPF_PASS);
}

/* --- terms --- */

static void
ask_record(struct spf *s, struct span domain)
{
	struct frame *f = spf_top(s);

	f->domain = domain;
	f->terms = cur_of(span_of(NULL, 0));
	f->redirect = f->exp = span_of(NULL, 0);
	spf_ask(s, ASK_RECORD, DNS_TXT, domain);
}

/* The target of the term: what its spec expands to, or the current domain.
 * False: the check is over, or waits for %{p}. */
static bool
find_target(struct spf *s, struct span spec)
{
	char storage[DNS_MAX_NAME + 1];
	struct buf name;
	int rc;

	s->target = spf_top(s)->domain;
	if (spec.len == 0)
		return true;
	s->vars.domain = spf_top(s)->domain;
	buf_init_fixed(&name, storage, sizeof(storage));
	rc = spf_expand_domain(&name, spec, &s->vars);
	if (rc == ERR_LIMIT || rc == ERR_SYNTAX) {
		spf_end(s, SPF_PERMERROR, "a macro expands to no name");
		return false;
	}
	if (rc < 0 || arena_copy(&s->arena, buf_span(&name), &s->target) < 0) {
		spf_end(s, SPF_TEMPERROR, "out of memory");
		return false;
	}
	return true;
}

void
spf_ask_ptr(struct spf *s)
{
	char storage[80];
	struct buf name;

	buf_init_fixed(&name, storage, sizeof(storage));
	dns_put_reverse(&name, &s->client);
	s->ptr = PTR_ASKED;
	spf_ask(s, ASK_PTR, DNS_PTR, buf_span(&name));
}

static bool
is_subdomain(struct span name, struct span domain)
{
	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	if (domain.len > 0 && domain.p[domain.len - 1] == '.')
		domain.len--;
	if (!span_ends_nocase(name, domain))
		return false;
	return name.len == domain.len ||
	       name.p[name.len - domain.len - 1] == '.';
}

/* RFC 7208 5.5, with the client's names known. */
static void
evaluate_ptr(struct spf *s)
{
	for (size_t i = 0; i < s->n_hosts; i++) {
		if (is_subdomain(s->hosts[i], s->target)) {
			match(s);
			return;
		}
	}
	no_match(s);
}

void
spf_choose_ptr(struct spf *s)
{
	struct span d = s->frames[0].domain;

	s->vars.ptr = SPAN("unknown");
	for (size_t i = s->n_hosts; i > 0; i--)
		s->vars.ptr = s->hosts[i - 1];
	for (size_t i = s->n_hosts; i > 0; i--)
		if (is_subdomain(s->hosts[i - 1], d))
			s->vars.ptr = s->hosts[i - 1];
	for (size_t i = s->n_hosts; i > 0; i--)
		if (span_is_nocase(s->hosts[i - 1], d))
			s->vars.ptr = s->hosts[i - 1];
}

static bool
is_in_network(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned n = bits / 8, rest = bits % 8;

	if (memcmp(a, b, n) != 0)
		return false;
	return rest == 0 || ((a[n] ^ b[n]) >> (8 - rest)) == 0;
}

bool
spf_is_client_in(const struct spf *s, const uint8_t *addr, bool is_ip6)
{
	if (is_ip6 != s->vars.is_ip6)
		return false;
	return is_in_network(
	    s->vars.addr, addr, is_ip6 ? s->term.bits6 : s->term.bits4);
}

static bool
asks(enum spf_kind k)
{
	return k == SPF_INCLUDE || k == SPF_A || k == SPF_MX || k == SPF_PTR ||
	       k == SPF_EXISTS || k == SPF_REDIRECT;
}

/* RFC 7208 4.6.4. */
static bool
is_lookup_too_many(struct spf *s)
{
	if (!asks(s->term.kind) || ++s->n_lookups <= SPF_MAX_LOOKUPS)
		return false;
	spf_end(s, SPF_PERMERROR, "too many lookups");
	return true;
}

static void
include(struct spf *s)
{
	/* The lookups bound the depth. */
	struct frame *f = &s->frames[s->n_frames++];

	*f = (struct frame){ .qualifier = s->term.qualifier };
	s->has_term = false;
	ask_record(s, s->target);
}

/* Take the term that is at hand. */
static void
evaluate(struct spf *s)
{
	struct spf_term *t = &s->term;

	if (s->ptr == PTR_UNKNOWN &&
	    (t->kind == SPF_PTR || (asks(t->kind) && spf_uses_ptr(t->spec)))) {
		spf_ask_ptr(s);
		return;
	}
	if (asks(t->kind) && !find_target(s, t->spec))
		return;
	switch (t->kind) {
	case SPF_ALL:
		match(s);
		break;
	case SPF_INCLUDE:
		include(s);
		break;
	case SPF_A:
		spf_ask(s, ASK_ADDRESS, spf_address_type(s), s->target);
		break;
	case SPF_MX:
		spf_ask(s, ASK_MX, DNS_MX, s->target);
		break;
	case SPF_PTR:
		evaluate_ptr(s);
		break;
	case SPF_IP4:
		spf_match_if(s, spf_is_client_in(s, t->addr, false));
		break;
	case SPF_IP6:
		spf_match_if(
		    s, !t->is_never && spf_is_client_in(s, t->addr, true));
		break;
	case SPF_EXISTS:
		spf_ask(s, ASK_EXISTS, DNS_A, s->target);
		break;
	case SPF_REDIRECT: /* RFC 7208 6.1 */
		s->has_term = false;
		spf_top(s)->is_redirected = true;
		ask_record(s, s->target);
		break;
	case SPF_EXP:
	case SPF_OTHER:
		no_match(s);
		break;
	}
}

/* The terms are used up. */
static void
end_of_record(struct spf *s)
{
	struct frame *f = spf_top(s);

	if (f->redirect.p == NULL) {
		spf_finish_frame(s, SPF_NEUTRAL, ""); /* RFC 7208 4.7 */
		return;
	}
	s->term =
	    (struct spf_term){ .kind = SPF_REDIRECT, .spec = f->redirect };
	f->redirect = span_of(NULL, 0);
	s->has_term = !is_lookup_too_many(s);
}

static void
next_term(struct spf *s)
{
	int rc = spf_term_next(&spf_top(s)->terms, &s->term);

	if (rc == ERR_NONE) {
		end_of_record(s);
		return;
	}
	if (rc < 0) {
		spf_end(s, SPF_PERMERROR, "the record is malformed");
		return;
	}
	/* A redirect waits for the end of the record. */
	s->has_term = s->term.kind < SPF_REDIRECT && !is_lookup_too_many(s);
}

/* Until an answer is needed, or the result is there. */
static void
run(struct spf *s)
{
	while (s->result == SPF_PENDING && s->asking == ASK_NOTHING) {
		if (s->has_term)
			evaluate(s);
		else
			next_term(s);
	}
}

static void
woken(void *owner)
{
	struct spf *s = owner;

	spf_take_answer(s);
	run(s);
	if (s->result != SPF_PENDING) {
		dns_cancel(&s->query);
		s->wake(s->owner);
	}
}

/* --- from outside --- */

/* RFC 7208 4.3: a name with at least two labels. */
static bool
is_domain(struct span s)
{
	struct span rest = s;
	size_t n = 0;

	if (rest.len > 0 && rest.p[rest.len - 1] == '.')
		rest.len--;
	if (rest.len == 0 || rest.len > DNS_MAX_NAME)
		return false;
	while (rest.len > 0) {
		size_t dot = span_find(rest, '.');

		if (dot == 0 || dot > DNS_MAX_LABEL || dot + 1 == rest.len)
			return false;
		rest = span_sub(rest, dot + 1, rest.len);
		n++;
	}
	return n > 1 && s.p[0] != '[';
}

static int
keep_input(struct spf *s, const struct spf_input *in)
{
	size_t at = span_rfind(in->mail_from, '@');
	struct span domain = in->helo, local = SPAN("postmaster");
	char storage[DNS_MAX_NAME];
	struct buf b;

	if (in->mail_from.len > 0) {
		domain = span_sub(in->mail_from, at + 1, in->mail_from.len);
		if (at == in->mail_from.len)
			domain = in->mail_from;
		else if (at > 0) /* RFC 7208 4.3: else postmaster */
			local = span_sub(in->mail_from, 0, at);
	}
	/* RFC 8616 4: in macros, too */
	buf_init_fixed(&b, storage, sizeof(storage));
	if (utf8_has_8bit(domain) && idna_to_ascii(&b, domain) == 0)
		domain = buf_span(&b);
	s->client = *in->client;
	s->client.port = 0;
	s->vars.is_ip6 = in->client->family == PEER_IP6;
	memcpy(s->vars.addr, in->client->addr, sizeof(s->vars.addr));
	s->vars.wall_s = clock_wall_s();
	if (arena_copy(&s->arena, local, &s->vars.local) < 0 ||
	    arena_copy(&s->arena, domain, &s->domain) < 0 ||
	    arena_copy(&s->arena, in->helo, &s->vars.helo) < 0 ||
	    arena_copy(&s->arena, in->receiver, &s->vars.receiver) < 0)
		return ERR_NOMEM;
	s->vars.sender_domain = s->domain;
	return 0;
}

int
spf_new(struct dns *dns, const struct spf_input *in, void (*wake)(void *owner),
    void *owner, struct spf **out)
{
	struct spf *s = mem_alloc(sizeof(*s));

	if (s == NULL)
		return ERR_NOMEM;
	s->dns = dns;
	s->wake = wake;
	s->owner = owner;
	s->reason = "";
	s->vars.ptr = SPAN("unknown");
	arena_init(&s->arena, ARENA_BYTES);
	if (keep_input(s, in) < 0) {
		spf_free(s);
		return ERR_NOMEM;
	}
	*out = s;
	if (in->client->family == PEER_LOCAL || !is_domain(s->domain)) {
		spf_end(s, SPF_NONE, "");
		return 0;
	}
	s->n_frames = 1;
	ask_record(s, s->domain);
	return 0;
}

void
spf_free(struct spf *s)
{
	if (s == NULL)
		return;
	dns_cancel(&s->query);
	arena_reset(&s->arena);
	mem_free(s);
}

void
spf_give_up(struct spf *s)
{
	if (s->result != SPF_PENDING)
		return;
	dns_cancel(&s->query);
	if (s->decided != SPF_PENDING)
		spf_end(s, s->decided, "");
	else
		spf_end(s, SPF_TEMPERROR, "DNS took too long");
}

enum spf_result
spf_result(const struct spf *s)
{
	return s->result;
}

struct span
spf_domain(const struct spf *s)
{
	return s->domain;
}

struct span
spf_explanation(const struct spf *s)
{
	return s->explanation;
}

const char *
spf_reason(const struct spf *s)
{
	return s->reason;
}

const char *
spf_name(enum spf_result r)
{
	switch (r) {
	case SPF_PENDING:
		return "pending";
	case SPF_NONE:
		return "none";
	case SPF_NEUTRAL:
		return "neutral";
	case SPF_PASS:
		return "pass";
	case SPF_FAIL:
		return "fail";
	case SPF_SOFTFAIL:
		return "softfail";
	case SPF_TEMPERROR:
		return "temperror";
	case SPF_PERMERROR:
		return "permerror";
	}
	return "none";
}
