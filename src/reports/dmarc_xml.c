#include "reports/dmarc_xml.h"

#include "base/version.h"
#include "base/xml.h"
#include "trust/trust.h"

static void
put_number(struct buf *b, const char *name, int64_t n)
{
	buf_putf(b, "<%s>%lld</%s>\n", name, (long long)n, name);
}

static void
put_metadata(struct buf *b, const struct report_label *l)
{
	buf_put_str(b, "<report_metadata>\n");
	xml_put_element(b, "org_name", report_label_org(l));
	xml_put_element(b, "email", l->contact);
	xml_put_element(b, "report_id", span_str(l->id));
	buf_put_str(b, "<date_range>\n");
	put_number(b, "begin", l->begin_s);
	put_number(b, "end", l->end_s);
	buf_put_str(b, "</date_range>\n<generator>Tinpost ");
	xml_put_text(b, span_str(version_string()));
	buf_put_str(b, "</generator>\n</report_metadata>\n");
}

static void
put_word(struct buf *b, const char *name, const char *word)
{
	xml_put_element(b, name, span_str(word));
}

static void
put_policy(struct buf *b, struct span domain, const struct dmarc_record *r,
    struct span fo)
{
	buf_put_str(b, "<policy_published>\n");
	xml_put_element(b, "domain", domain);
	put_word(b, "discovery_method", "treewalk");
	put_word(b, "p", dmarc_policy_name(r->p));
	put_word(b, "sp", dmarc_policy_name(r->sp));
	put_word(b, "np", dmarc_policy_name(r->np));
	if (fo.len > 0)
		xml_put_element(b, "fo", span_sub(fo, 0, 32));
	put_word(b, "adkim", r->is_strict_dkim ? "s" : "r");
	put_word(b, "aspf", r->is_strict_spf ? "s" : "r");
	put_word(b, "testing", r->is_testing ? "y" : "n");
	buf_put_str(b, "</policy_published>\n");
}

int
dmarc_xml_begin(struct buf *b, const struct report_label *l, struct span record)
{
	struct dmarc_record r;
	int rc = dmarc_record_parse(record, &r);

	if (rc < 0)
		return rc;
	buf_put_str(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	               "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
	               "<version>1.0</version>\n");
	put_metadata(b, l);
	put_policy(b, l->domain, &r, dmarc_record_value(record, SPAN("fo")));
	return 0;
}

void
dmarc_xml_put(struct buf *b, struct span pieces, uint32_t n)
{
	buf_put(b, span_split(&pieces, '\0'));
	put_number(b, "count", n);
	buf_put(b, pieces);
}

void
dmarc_xml_end(struct buf *b)
{
	buf_put_str(b, "</feedback>\n");
}
