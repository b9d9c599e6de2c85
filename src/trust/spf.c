#include "trust/spf.h"

#include "base/arena.h"
#include "base/ascii.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "trust/spf_record.h"

/* One domain's record under evaluation: the first, and one for each include
 * below it. A redirect takes the place of its frame. */
struct frame {
	struct span domain;
	struct cur terms;
	struct span redirect, exp; /* p NULL: none */
	char qualifier;            /* of the include that led here */
	bool is_redirected;
};

/* What the pending query is for. */
enum asking {
	ASK_NOTHING,
	ASK_RECORD,
	ASK_ADDRESS, /* of the mechanism a */
	ASK_MX,
	ASK_MX_ADDRESS,
	ASK_PTR,
	ASK_PTR_ADDRESS,
	ASK_EXISTS,
	ASK_EXP
};

enum ptr_state { PTR_UNKNOWN, PTR_ASKED, PTR_KNOWN };

/* Records, names and domains of one check: eleven records of the longest kind,
 * and a hundred names. */
#define ARENA_BYTES (96 * 1024)

#define MAX_FRAMES (SPF_MAX_LOOKUPS + 1)

struct spf {
	struct dns *dns;
	void (*wake)(void *owner);
	void *owner;
	struct arena arena;
	struct spf_vars vars;
	struct peer client;
	struct span domain; /* that was checked */
	struct dns_query query;
	struct frame frames[MAX_FRAMES];
	size_t n_frames;
	struct spf_term term; /* being evaluated, if has_term */
	struct span target;
	struct span names[SPF_MAX_NAMES]; /* of an MX or PTR */
	size_t n_names, name_at;
	struct span hosts[SPF_MAX_NAMES]; /* validated names of the client */
	size_t n_hosts;
	struct span exp_text;
	struct span explanation;
	const char *reason;
	unsigned n_lookups, n_void;
	enum spf_result result;
	enum spf_result decided; /* an explanation is still fetched */
	enum asking asking;
	enum ptr_state ptr;
	bool has_term;
};

static void
end(struct spf *s, enum spf_result result, const char *reason)
{
	s->result = result;
	s->reason = reason;
}

static void woken(void *owner);
static void put_explanation(struct spf *s);

static void
ask(struct spf *s, enum asking what, enum dns_type type, struct span name)
{
	s->asking = what;
	dns_ask(s->dns, &s->query, type, name, woken, s);
}

static enum dns_type
address_type(const struct spf *s)
{
	return s->vars.is_ip6 ? DNS_AAAA : DNS_A;
}

static struct frame *
top(struct spf *s)
{
	return &s->frames[s->n_frames - 1];
}

/* RFC 7208 4.6.4: answers without records. */
static bool
is_void_too_often(struct spf *s)
{
	if (s->query.state != DNS_NXDOMAIN && s->query.state != DNS_NODATA)
		return false;
	if (++s->n_void <= SPF_MAX_VOID)
		return false;
	end(s, SPF_PERMERROR, "too many void lookups");
	return true;
}

/* --- addresses --- */

static bool
is_in_network(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned n = bits / 8, rest = bits % 8;

	if (memcmp(a, b, n) != 0)
		return false;
	return rest == 0 || ((a[n] ^ b[n]) >> (8 - rest)) == 0;
}

static bool
is_client_in(const struct spf *s, const uint8_t *addr, bool is_ip6)
{
	if (is_ip6 != s->vars.is_ip6)
		return false;
	return is_in_network(
	    s->vars.addr, addr, is_ip6 ? s->term.bits6 : s->term.bits4);
}

/* Is the client among the addresses of the query, within the term's
 * networks? */
static bool
is_answer_client(const struct spf *s, bool is_whole)
{
	struct dns_record r;
	size_t at = 0;

	if (s->query.state != DNS_OK)
		return false;
	while (dns_next(&s->query, &at, &r)) {
		bool is_ip6 = r.address.family == PEER_IP6;

		if (is_whole ? is_ip6 == s->vars.is_ip6 &&
		                   memcmp(r.address.addr, s->vars.addr,
		                       is_ip6 ? 16 : 4) == 0
		             : is_client_in(s, r.address.addr, is_ip6))
			return true;
	}
	return false;
}

/* Keep at most SPF_MAX_NAMES names of the answer. Returns how many there
 * were. */
static size_t
keep_names(struct spf *s)
{
	struct dns_record r;
	size_t at = 0, n = 0;

	s->n_names = s->name_at = 0;
	while (s->query.state == DNS_OK && dns_next(&s->query, &at, &r)) {
		n++;
		if (s->n_names == SPF_MAX_NAMES || r.text.len == 0)
			continue;
		if (arena_copy(&s->arena, r.text, &s->names[s->n_names]) < 0) {
			end(s, SPF_TEMPERROR, "out of memory");
			return n;
		}
		s->n_names++;
	}
	return n;
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
	ask(s, ASK_EXP, DNS_TXT, buf_span(&name));
	return true;
}

static void finish_frame(struct spf *s, enum spf_result r, const char *reason);

static void
match(struct spf *s)
{
	s->has_term = false;
	switch (s->term.qualifier) {
	case '-':
		finish_frame(s, SPF_FAIL, "");
		break;
	case '~':
		finish_frame(s, SPF_SOFTFAIL, "");
		break;
	case '?':
		finish_frame(s, SPF_NEUTRAL, "");
		break;
	default:
		finish_frame(s, SPF_PASS, "");
		break;
	}
}

static void
no_match(struct spf *s)
{
	s->has_term = false;
}

static void
match_if(struct spf *s, bool is_match)
{
	if (is_match)
		match(s);
	else
		no_match(s);
}

/* The record of the top frame says r. For an include, RFC 7208 5.2. */
static void
finish_frame(struct spf *s, enum spf_result r, const char *reason)
{
	bool is_included = s->n_frames > 1;

	if (r == SPF_TEMPERROR || r == SPF_PERMERROR) {
		end(s, r, reason);
		return;
	}
	if (r == SPF_NONE && (is_included || top(s)->is_redirected)) {
		end(s, SPF_PERMERROR, "no record at an include or redirect");
		return;
	}
	if (!is_included) {
		if (r != SPF_FAIL || !fetch_explanation(s))
			end(s, r, reason);
		return;
	}
	s->n_frames--;
	/* The include itself is the term that is evaluated there. */
	s->term.qualifier = s->frames[s->n_frames].qualifier;
	match_if(s, r == SPF_PASS);
}

/* --- terms --- */

static void
ask_record(struct spf *s, struct span domain)
{
	struct frame *f = top(s);

	f->domain = domain;
	f->terms = cur_of(span_of(NULL, 0));
	f->redirect = f->exp = span_of(NULL, 0);
	ask(s, ASK_RECORD, DNS_TXT, domain);
}

/* The target of the term: what its spec expands to, or the current domain.
 * False: the check is over, or waits for %{p}. */
static bool
find_target(struct spf *s, struct span spec)
{
	char storage[DNS_MAX_NAME + 1];
	struct buf name;
	int rc;

	s->target = top(s)->domain;
	if (spec.len == 0)
		return true;
	s->vars.domain = top(s)->domain;
	buf_init_fixed(&name, storage, sizeof(storage));
	rc = spf_expand_domain(&name, spec, &s->vars);
	if (rc == ERR_LIMIT || rc == ERR_SYNTAX) {
		end(s, SPF_PERMERROR, "a macro expands to no name");
		return false;
	}
	if (rc < 0 || arena_copy(&s->arena, buf_span(&name), &s->target) < 0) {
		end(s, SPF_TEMPERROR, "out of memory");
		return false;
	}
	return true;
}

static void
ask_ptr(struct spf *s)
{
	char storage[80];
	struct buf name;

	buf_init_fixed(&name, storage, sizeof(storage));
	dns_put_reverse(&name, &s->client);
	s->ptr = PTR_ASKED;
	ask(s, ASK_PTR, DNS_PTR, buf_span(&name));
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

/* RFC 7208 7.3: the name that %{p} stands for. */
static void
choose_ptr(struct spf *s)
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
	end(s, SPF_PERMERROR, "too many lookups");
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
		ask_ptr(s);
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
		ask(s, ASK_ADDRESS, address_type(s), s->target);
		break;
	case SPF_MX:
		ask(s, ASK_MX, DNS_MX, s->target);
		break;
	case SPF_PTR:
		evaluate_ptr(s);
		break;
	case SPF_IP4:
		match_if(s, is_client_in(s, t->addr, false));
		break;
	case SPF_IP6:
		match_if(s, !t->is_never && is_client_in(s, t->addr, true));
		break;
	case SPF_EXISTS:
		ask(s, ASK_EXISTS, DNS_A, s->target);
		break;
	case SPF_REDIRECT: /* RFC 7208 6.1 */
		s->has_term = false;
		top(s)->is_redirected = true;
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
	struct frame *f = top(s);

	if (f->redirect.p == NULL) {
		finish_frame(s, SPF_NEUTRAL, ""); /* RFC 7208 4.7 */
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
	int rc = spf_term_next(&top(s)->terms, &s->term);

	if (rc == ERR_NONE) {
		end_of_record(s);
		return;
	}
	if (rc < 0) {
		end(s, SPF_PERMERROR, "the record is malformed");
		return;
	}
	/* A redirect waits for the end of the record. */
	s->has_term = s->term.kind < SPF_REDIRECT && !is_lookup_too_many(s);
}

/* --- answers --- */

/* The one SPF record among the TXT records (RFC 7208 4.5). */
static int
find_record(struct spf *s, struct span *out)
{
	struct dns_record r;
	size_t at = 0, n = 0;

	while (s->query.state == DNS_OK && dns_next(&s->query, &at, &r)) {
		if (!spf_record_is(r.text))
			continue;
		*out = r.text;
		n++;
	}
	if (n == 0)
		return ERR_NONE;
	return n > 1 ? ERR_EXISTS : 0;
}

static void
take_record(struct spf *s)
{
	struct frame *f = top(s);
	struct span record;
	int rc;

	if (s->query.state == DNS_TEMPFAIL) {
		end(s, SPF_TEMPERROR, "DNS did not answer");
		return;
	}
	rc = find_record(s, &record);
	if (rc == ERR_NONE) {
		finish_frame(s, SPF_NONE, "");
	} else if (rc == ERR_EXISTS) {
		end(s, SPF_PERMERROR, "more than one record");
	} else if (record.len > SPF_MAX_RECORD) {
		end(s, SPF_PERMERROR, "the record is too long");
	} else if (arena_copy(&s->arena, record, &record) < 0) {
		end(s, SPF_TEMPERROR, "out of memory");
	} else if (spf_record_check(record, &f->redirect, &f->exp) < 0) {
		end(s, SPF_PERMERROR, "the record is malformed");
	} else {
		f->terms = spf_record_terms(record);
	}
}

/* Ask for the addresses of the next name of an MX. */
static void
next_mx(struct spf *s)
{
	if (s->name_at == s->n_names)
		no_match(s);
	else
		ask(s, ASK_MX_ADDRESS, address_type(s), s->names[s->name_at++]);
}

static void
next_ptr(struct spf *s)
{
	if (s->name_at < s->n_names) {
		ask(s, ASK_PTR_ADDRESS, address_type(s),
		    s->names[s->name_at++]);
		return;
	}
	s->ptr = PTR_KNOWN;
	choose_ptr(s);
	if (s->exp_text.p != NULL)
		put_explanation(s);
	/* Or the term that wanted it is evaluated again. */
}

/* The words with their macros; what is wrong with them is no matter. */
static void
put_explanation(struct spf *s)
{
	char storage[SPF_MAX_EXPLANATION];
	struct buf text;

	end(s, s->decided, "");
	buf_init_fixed(&text, storage, sizeof(storage));
	s->vars.domain = s->frames[0].domain;
	if (spf_expand_text(&text, s->exp_text, &s->vars) < 0 ||
	    arena_copy(&s->arena, buf_span(&text), &s->explanation) < 0)
		s->explanation = span_of(NULL, 0);
}

static void
take_explanation(struct spf *s)
{
	struct dns_record r, other;
	size_t at = 0;

	/* RFC 7208 6.2: more than one are as good as none. */
	if (s->query.state != DNS_OK || !dns_next(&s->query, &at, &r) ||
	    r.text.len > SPF_MAX_RECORD || dns_next(&s->query, &at, &other) ||
	    arena_copy(&s->arena, r.text, &s->exp_text) < 0)
		end(s, s->decided, "");
	else if (s->ptr == PTR_UNKNOWN && spf_uses_ptr(s->exp_text))
		ask_ptr(s);
	else
		put_explanation(s);
}

static void
take_answer(struct spf *s)
{
	enum asking what = s->asking;
	bool is_temporary = s->query.state == DNS_TEMPFAIL;

	s->asking = ASK_NOTHING;
	if (is_temporary && (what == ASK_ADDRESS || what == ASK_MX ||
	                        what == ASK_MX_ADDRESS || what == ASK_EXISTS)) {
		end(s, SPF_TEMPERROR, "DNS did not answer");
		return;
	}
	switch (what) {
	case ASK_NOTHING:
		break;
	case ASK_RECORD:
		take_record(s);
		break;
	case ASK_ADDRESS:
		if (!is_void_too_often(s))
			match_if(s, is_answer_client(s, false));
		break;
	case ASK_MX:
		if (is_void_too_often(s))
			break;
		if (keep_names(s) > SPF_MAX_NAMES)
			end(s, SPF_PERMERROR, "an MX with too many names");
		else if (s->result == SPF_PENDING)
			next_mx(s);
		break;
	case ASK_MX_ADDRESS:
		if (is_answer_client(s, false))
			match(s);
		else
			next_mx(s);
		break;
	case ASK_PTR:
		if (s->has_term && s->term.kind == SPF_PTR &&
		    is_void_too_often(s))
			break;
		(void)keep_names(s);
		next_ptr(s);
		break;
	case ASK_PTR_ADDRESS:
		if (is_answer_client(s, true))
			s->hosts[s->n_hosts++] = s->names[s->name_at - 1];
		next_ptr(s);
		break;
	case ASK_EXISTS:
		if (!is_void_too_often(s))
			match_if(s, s->query.state == DNS_OK);
		break;
	case ASK_EXP:
		take_explanation(s);
		break;
	}
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

	take_answer(s);
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

	if (in->mail_from.len > 0) {
		domain = span_sub(in->mail_from, at + 1, in->mail_from.len);
		if (at == in->mail_from.len)
			domain = in->mail_from;
		else if (at > 0) /* RFC 7208 4.3: else postmaster */
			local = span_sub(in->mail_from, 0, at);
	}
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
		end(s, SPF_NONE, "");
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
		end(s, s->decided, "");
	else
		end(s, SPF_TEMPERROR, "DNS took too long");
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
