#include "trust/dkim_sig.h"

#include "base/ascii.h"
#include "base/idna.h"
#include "base/limits.h"
#include "base/mem.h"
#include "net/dns.h"
#include "trust/dkim.h"
#include "trust/tag.h"

static int
fail(const char **why_out, const char *why)
{
	*why_out = why;
	return ERR_SYNTAX;
}

/* RFC 6376 3.5: a=. */
static int
parse_algorithm(struct span s, struct dkim_sig *out)
{
	out->algorithm_text = s;
	if (span_is_nocase(s, SPAN("rsa-sha256")))
		out->algorithm = DKIM_RSA_SHA256;
	else if (span_is_nocase(s, SPAN("rsa-sha1")))
		out->algorithm = DKIM_RSA_SHA1;
	else if (span_is_nocase(s, SPAN("ed25519-sha256")))
		out->algorithm = DKIM_ED25519_SHA256;
	else
		return ERR_SYNTAX;
	return 0;
}

static int
parse_canon(struct span s, enum dkim_canon *out)
{
	if (span_is_nocase(s, SPAN("simple")))
		*out = DKIM_SIMPLE;
	else if (span_is_nocase(s, SPAN("relaxed")))
		*out = DKIM_RELAXED;
	else
		return ERR_SYNTAX;
	return 0;
}

/* RFC 6376 3.5: c=header[/body], simple when it is not said. */
static int
parse_canons(struct span s, struct dkim_sig *out)
{
	struct span body = s, header = span_split(&body, '/');
	bool has_body = header.len < s.len;

	if (s.p == NULL)
		return 0;
	if (parse_canon(span_trim(header), &out->header_canon) < 0)
		return ERR_SYNTAX;
	if (!has_body)
		return 0;
	return parse_canon(span_trim(body), &out->body_canon);
}

/* A number of seconds or bytes; absent: *out stays. */
static int
parse_number(struct span s, uint64_t *out)
{
	int rc;

	if (s.p == NULL)
		return 0;
	rc = span_to_u64(s, INT64_MAX, out);
	if (rc == ERR_LIMIT) { /* RFC 6376 3.5: up to 76 digits */
		*out = INT64_MAX;
		return s.len <= 76 ? 0 : ERR_SYNTAX;
	}
	return rc;
}

static bool
has_name(struct span names, struct span want)
{
	struct cur c = cur_of(names);
	struct span name;

	while (tag_item_next(&c, &name) == 0)
		if (span_is_nocase(name, want))
			return true;
	return false;
}

/* i= must be at d= or below it (RFC 6376 3.5). */
static bool
is_identity_of(struct span identity, struct span domain)
{
	size_t at = span_rfind(identity, '@');
	struct span host = span_sub(identity, at + 1, identity.len);

	if (at == identity.len || !span_ends_nocase(host, domain))
		return false;
	return host.len == domain.len ||
	       host.p[host.len - domain.len - 1] == '.';
}

/* RFC 8616 5: labels may be in UTF-8. */
static bool
is_name(struct span s)
{
	char storage[DNS_MAX_NAME];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	return idna_to_ascii(&b, s) == 0 && dns_is_name(buf_span(&b));
}

/* Who signs, how and when. */
static int
parse_common(struct span value, struct dkim_sig *out, const char **why_out)
{
	uint64_t signed_s = 0, expires_s = 0;
	struct span x = tag_get(value, SPAN("x"));

	*out = (struct dkim_sig){ .has_length = false };
	*why_out = "";
	if (value.len > DKIM_MAX_FIELD || !tag_is_list(value))
		return fail(why_out, "malformed signature");
	out->domain = tag_get(value, SPAN("d"));
	out->selector = tag_get(value, SPAN("s"));
	out->b = tag_get(value, SPAN("b"));
	if (parse_algorithm(tag_get(value, SPAN("a")), out) < 0)
		return fail(why_out, "unknown algorithm");
	if (!is_name(out->domain))
		return fail(why_out, "no domain");
	if (!is_name(out->selector))
		return fail(why_out, "no selector");
	if (out->b.len == 0)
		return fail(why_out, "no signature value");
	if (parse_number(tag_get(value, SPAN("t")), &signed_s) < 0 ||
	    parse_number(x, &expires_s) < 0)
		return fail(why_out, "a malformed time");
	out->signed_s = (int64_t)signed_s;
	out->expires_s = (int64_t)expires_s;
	if (x.p != NULL && expires_s <= signed_s)
		return fail(why_out, "expires before it is signed");
	return 0;
}

/* What is signed. */
static int
parse_message(struct span value, struct dkim_sig *out, const char **why_out)
{
	struct span length = tag_get(value, SPAN("l"));
	struct span query = tag_get(value, SPAN("q"));
	struct cur c = cur_of(query);
	struct span item;
	bool has_query = query.p == NULL;

	out->bh = tag_get(value, SPAN("bh"));
	out->names = tag_get(value, SPAN("h"));
	if (out->bh.len == 0)
		return fail(why_out, "no body hash");
	if (parse_canons(tag_get(value, SPAN("c")), out) < 0)
		return fail(why_out, "unknown canonicalization");
	if (!has_name(out->names, SPAN("From")))
		return fail(why_out, "From is not signed"); /* RFC 6376 5.4 */
	while (!has_query && tag_item_next(&c, &item) == 0)
		has_query = span_is_nocase(item, SPAN("dns/txt")) ||
		            span_is_nocase(item, SPAN("dns"));
	if (!has_query)
		return fail(why_out, "unknown query method");
	out->has_length = length.p != NULL;
	if (parse_number(length, &out->length_bytes) < 0)
		return fail(why_out, "a malformed length");
	return 0;
}

int
dkim_sig_parse(struct span value, struct dkim_sig *out, const char **why_out)
{
	int rc = parse_common(value, out, why_out);

	if (rc < 0)
		return rc;
	if (!span_is(tag_get(value, SPAN("v")), SPAN("1")))
		return fail(why_out, "unknown version");
	out->identity = tag_get(value, SPAN("i"));
	if (out->identity.p != NULL &&
	    !is_identity_of(out->identity, out->domain))
		return fail(why_out, "the identity is not the domain's");
	return parse_message(value, out, why_out);
}

int
dkim_sig_parse_message(
    struct span value, struct dkim_sig *out, const char **why_out)
{
	int rc = parse_common(value, out, why_out);

	if (rc == 0)
		rc = parse_message(value, out, why_out);
	if (rc == 0 &&
	    (has_name(out->names, SPAN("ARC-Seal")) ||
	        has_name(out->names, SPAN("ARC-Message-Signature")) ||
	        has_name(out->names, SPAN("ARC-Authentication-Results"))))
		return fail(
		    why_out, "the chain is signed"); /* RFC 8617 4.1.2 */
	return rc;
}

int
dkim_sig_parse_seal(
    struct span value, struct dkim_sig *out, const char **why_out)
{
	int rc = parse_common(value, out, why_out);

	out->header_canon = DKIM_RELAXED; /* RFC 8617 5.1.1 */
	if (rc == 0 && tag_get(value, SPAN("h")).p != NULL)
		return fail(why_out, "h= in a seal"); /* RFC 8617 4.1.3 */
	return rc;
}

/* --- what is signed --- */

void
dkim_sig_put_own(struct buf *out, enum dkim_canon how, struct span field)
{
	struct head_field f = { .raw = field };
	struct span value = head_value(&f);
	struct cur c = cur_of(value);
	struct buf without;
	struct tag t;

	buf_init(&without, DKIM_MAX_FIELD + 80);
	buf_put(&without, span_sub(field, 0, (size_t)(value.p - field.p)));
	while (tag_next(&c, &t) == 0) {
		if (!span_is(t.name, SPAN("b")))
			continue;
		buf_put(
		    &without, span_of(value.p, (size_t)(t.raw.p - value.p)));
		value = span_sub(
		    value, (size_t)(t.raw.p + t.raw.len - value.p), value.len);
		break;
	}
	buf_put(&without, value);
	dkim_canon_field(out, how, buf_span(&without));
	if (buf_failed(&without))
		out->has_failed = true;
	else if (out->len >= 2)
		buf_truncate(out, out->len - 2);
	buf_deinit(&without);
}

/* The lowest field of this name above those that were used (RFC 6376 5.4.2).
 * h->n_fields: there is none any more, which is signed as nothing. */
static size_t
take_field(const struct head *h, struct span name, uint8_t *used)
{
	for (size_t i = h->n_fields; i > 0; i--) {
		struct head_field f;

		if (used[(i - 1) / 8] & (1u << ((i - 1) % 8)))
			continue;
		f = head_get(h, i - 1);
		if (!span_is_nocase(f.name, name))
			continue;
		used[(i - 1) / 8] |= (uint8_t)(1u << ((i - 1) % 8));
		return i - 1;
	}
	return h->n_fields;
}

/* What a message has once (RFC 5322 3.6) and a reader looks at. */
static const char *const once[] = { "From", "Sender", "Reply-To", "To", "Cc",
	"Subject", "Date", "MIME-Version", "Content-Type",
	"Content-Transfer-Encoding" };

bool
dkim_sig_has_twin(const struct head *h, const struct dkim_sig *sig)
{
	for (size_t k = 0; k < sizeof(once) / sizeof(once[0]); k++) {
		struct cur c = cur_of(sig->names);
		size_t n_there = 0, n_signed = 0;
		struct span name;

		for (size_t i = 0; i < h->n_fields; i++)
			n_there += span_is_nocase(
			    head_get(h, i).name, span_str(once[k]));
		while (n_there > 1 && tag_item_next(&c, &name) == 0)
			n_signed += span_is_nocase(name, span_str(once[k]));
		if (n_signed > 0 && n_signed < n_there)
			return true;
	}
	return false;
}

int
dkim_sig_header(const struct head *h, const struct dkim_sig *sig, size_t own,
    void (*sink)(void *arg, struct span bytes), void *arg)
{
	uint8_t used[MAX_HEADER_LINES / 8 + 1] = { 0 };
	struct cur c = cur_of(sig->names);
	struct span name;
	struct buf form;
	size_t n = 0;
	int rc = 0;

	/* RFC 6376 3.5, h=: never the field that is verified. */
	used[own / 8] |= (uint8_t)(1u << (own % 8));
	buf_init(&form, MAX_HEADER_BYTES + 16);
	while (rc == 0 && tag_item_next(&c, &name) == 0) {
		size_t i = take_field(h, name, used);

		if (++n > DKIM_MAX_NAMES)
			rc = ERR_LIMIT;
		if (rc < 0 || i == h->n_fields)
			continue;
		buf_reset(&form);
		dkim_canon_field(&form, sig->header_canon, head_get(h, i).raw);
		rc = buf_error(&form);
		if (rc == 0)
			sink(arg, buf_span(&form));
	}
	buf_reset(&form);
	if (rc == 0)
		dkim_sig_put_own(
		    &form, sig->header_canon, head_get(h, own).raw);
	if (rc == 0)
		rc = buf_error(&form);
	if (rc == 0)
		sink(arg, buf_span(&form));
	buf_deinit(&form);
	return rc;
}
