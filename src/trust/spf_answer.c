/* What the DNS has said, and what is asked next, of spf_in.h. */
#include "trust/spf_in.h"

static void put_explanation(struct spf *s);

/* RFC 7208 4.6.4: answers without records. */
static bool
is_void_too_often(struct spf *s)
{
	if (s->query.state != DNS_NXDOMAIN && s->query.state != DNS_NODATA)
		return false;
	if (++s->n_void <= SPF_MAX_VOID)
		return false;
	spf_end(s, SPF_PERMERROR, "too many void lookups");
	return true;
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
		             : spf_is_client_in(s, r.address.addr, is_ip6))
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
			spf_end(s, SPF_TEMPERROR, "out of memory");
			return n;
		}
		s->n_names++;
	}
	return n;
}

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
	struct frame *f = spf_top(s);
	struct span record;
	int rc;

	if (s->query.state == DNS_TEMPFAIL) {
		spf_end(s, SPF_TEMPERROR, "DNS did not answer");
		return;
	}
	rc = find_record(s, &record);
	if (rc == ERR_NONE) {
		spf_finish_frame(s, SPF_NONE, "");
	} else if (rc == ERR_EXISTS) {
		spf_end(s, SPF_PERMERROR, "more than one record");
	} else if (record.len > SPF_MAX_RECORD) {
		spf_end(s, SPF_PERMERROR, "the record is too long");
	} else if (arena_copy(&s->arena, record, &record) < 0) {
		spf_end(s, SPF_TEMPERROR, "out of memory");
	} else if (spf_record_check(record, &f->redirect, &f->exp) < 0) {
		spf_end(s, SPF_PERMERROR, "the record is malformed");
	} else {
		f->terms = spf_record_terms(record);
	}
}

/* Ask for the addresses of the next name of an MX. */
static void
next_mx(struct spf *s)
{
	if (s->name_at == s->n_names)
		spf_match_if(s, false);
	else
		spf_ask(s, ASK_MX_ADDRESS, spf_address_type(s),
		    s->names[s->name_at++]);
}

static void
next_ptr(struct spf *s)
{
	if (s->name_at < s->n_names) {
		spf_ask(s, ASK_PTR_ADDRESS, spf_address_type(s),
		    s->names[s->name_at++]);
		return;
	}
	s->ptr = PTR_KNOWN;
	spf_choose_ptr(s);
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

	spf_end(s, s->decided, "");
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
		spf_end(s, s->decided, "");
	else if (s->ptr == PTR_UNKNOWN && spf_uses_ptr(s->exp_text))
		spf_ask_ptr(s);
	else
		put_explanation(s);
}

void
spf_take_answer(struct spf *s)
{
	enum asking what = s->asking;
	bool is_temporary = s->query.state == DNS_TEMPFAIL;

	s->asking = ASK_NOTHING;
	if (is_temporary && (what == ASK_ADDRESS || what == ASK_MX ||
	                        what == ASK_MX_ADDRESS || what == ASK_EXISTS)) {
		spf_end(s, SPF_TEMPERROR, "DNS did not answer");
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
			spf_match_if(s, is_answer_client(s, false));
		break;
	case ASK_MX:
		if (is_void_too_often(s))
			break;
		if (keep_names(s) > SPF_MAX_NAMES)
			spf_end(s, SPF_PERMERROR, "an MX with too many names");
		else if (s->result == SPF_PENDING)
			next_mx(s);
		break;
	case ASK_MX_ADDRESS:
		if (is_answer_client(s, false))
			spf_match_if(s, true);
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
			spf_match_if(s, s->query.state == DNS_OK);
		break;
	case ASK_EXP:
		take_explanation(s);
		break;
	}
}
