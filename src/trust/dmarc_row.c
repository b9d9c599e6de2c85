#include "trust/dmarc_row.h"

#include "base/xml.h"

static void
put(struct buf *b, const char *name, struct span text)
{
	xml_put_element(b, name, span_sub(text, 0, DNS_MAX_NAME));
}

static const char *
done_name(enum dmarc_done d)
{
	switch (d) {
	case DMARC_DONE_NONE:
		return "none";
	case DMARC_DONE_PASS:
		return "pass";
	case DMARC_DONE_QUARANTINE:
		return "quarantine";
	case DMARC_DONE_REJECT:
		return "reject";
	}
	return "none";
}

void
dmarc_row_put_source(struct buf *b, const struct peer *client)
{
	buf_put_str(b, "<record>\n<row>\n<source_ip>");
	peer_put(b, client);
	buf_put_str(b, "</source_ip>\n");
}

static void
put_policy(struct buf *b, const struct dmarc_row *r)
{
	buf_put_str(b, "<policy_evaluated>\n");
	put(b, "disposition", span_str(done_name(r->done)));
	put(b, "dkim", span_str(r->is_dkim_aligned ? "pass" : "fail"));
	put(b, "spf", span_str(r->is_spf_aligned ? "pass" : "fail"));
	if (r->reason != NULL) {
		buf_put_str(b, "<reason>\n");
		put(b, "type", span_str(r->reason));
		put(b, "comment", span_str(r->comment));
		buf_put_str(b, "</reason>\n");
	}
	buf_put_str(b, "</policy_evaluated>\n</row>\n");
}

static void
put_dkim(struct buf *b, const struct dkim_verdict *v)
{
	/* Both must be there; and what is no name is nobody's. */
	if (!dns_is_name(v->domain) || !dns_is_name(v->selector))
		return;
	buf_put_str(b, "<dkim>\n");
	put(b, "domain", v->domain);
	put(b, "selector", v->selector);
	put(b, "result", span_str(dkim_name(v->result)));
	if (v->reason[0] != '\0')
		put(b, "human_result", span_str(v->reason));
	buf_put_str(b, "</dkim>\n");
}

void
dmarc_row_put_rest(struct buf *b, const struct dmarc_row *r)
{
	put_policy(b, r);
	buf_put_str(b, "<identifiers>\n");
	put(b, "header_from", r->header_from);
	put(b, "envelope_from", r->envelope_from);
	buf_put_str(b, "</identifiers>\n<auth_results>\n");
	for (size_t i = 0; r->dkim != NULL && i < dkim_count(r->dkim); i++)
		put_dkim(b, dkim_get(r->dkim, i));
	if (r->spf != SPF_PENDING && r->spf_domain.len > 0) {
		buf_put_str(b, "<spf>\n");
		put(b, "domain", r->spf_domain);
		put(b, "scope", SPAN("mfrom"));
		put(b, "result", span_str(spf_name(r->spf)));
		buf_put_str(b, "</spf>\n");
	}
	buf_put_str(b, "</auth_results>\n</record>\n");
}
