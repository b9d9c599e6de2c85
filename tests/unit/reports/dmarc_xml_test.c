/* The exact text of an aggregate report, also when all names are hostile. */
#include "reports/dmarc_xml.h"

#include "../test.h"
#include "base/version.h"
#include "trust/trust.h"

static const struct report_label label = { .domain = SPAN("b.test"),
	.contact = SPAN("reports@a.test"),
	.id = "0123456789abcdef",
	.begin_s = 86400,
	.end_s = 172799 };

static const char want[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
    "<version>1.0</version>\n"
    "<report_metadata>\n"
    "<org_name>a.test</org_name>\n"
    "<email>reports@a.test</email>\n"
    "<report_id>0123456789abcdef</report_id>\n"
    "<date_range>\n<begin>86400</begin>\n<end>172799</end>\n</date_range>\n"
    "<generator>Tinpost %s</generator>\n"
    "</report_metadata>\n"
    "<policy_published>\n"
    "<domain>b.test</domain>\n"
    "<discovery_method>treewalk</discovery_method>\n"
    "<p>reject</p>\n<sp>none</sp>\n<np>none</np>\n"
    "<fo>&lt;/fo&gt;&amp;?</fo>\n"
    "<adkim>s</adkim>\n<aspf>r</aspf>\n<testing>y</testing>\n"
    "</policy_published>\n"
    "<record>\n<row>\n<source_ip>2001:db8::1</source_ip>\n"
    "<count>7</count>\n"
    "<policy_evaluated>\n<disposition>none</disposition>\n"
    "<dkim>pass</dkim>\n<spf>fail</spf>\n"
    "<reason>\n<type>local_policy</type>\n<comment>arc=pass</comment>\n"
    "</reason>\n</policy_evaluated>\n</row>\n"
    "<identifiers>\n<header_from>&lt;x&gt;.b.test</header_from>\n"
    "<envelope_from></envelope_from>\n</identifiers>\n"
    "<auth_results>\n"
    "<spf>\n<domain>&quot;&amp;</domain>\n<scope>mfrom</scope>\n"
    "<result>softfail</result>\n</spf>\n"
    "</auth_results>\n</record>\n"
    "</feedback>\n";

static void
whole(void)
{
	struct dmarc_row row = { .domain = SPAN("b.test"),
		.done = DMARC_DONE_NONE,
		.is_dkim_aligned = true,
		.reason = "local_policy",
		.comment = "arc=pass",
		.header_from = SPAN("<x>.b.test"),
		.spf_domain = SPAN("\"&"),
		.spf = SPF_SOFTFAIL };
	struct buf b, pieces, text;
	struct peer p;

	buf_init(&b, 1 << 16);
	buf_init(&pieces, 1 << 16);
	buf_init(&text, 1 << 16);
	REQUIRE(peer_parse(SPAN("2001:db8::1"), &p) == 0);
	dmarc_row_put_source(&pieces, &p);
	buf_put_char(&pieces, '\0');
	dmarc_row_put_rest(&pieces, &row);
	CHECK_INT(dmarc_xml_begin(&b, &label,
	              SPAN("v=DMARC1; p=reject; sp=none; adkim=s; t=y; "
	                   "fo=</fo>&\x01; rua=mailto:x@b.test")),
	    0);
	dmarc_xml_put(&b, buf_span(&pieces), 7);
	dmarc_xml_end(&b);
	buf_putf(&text, want, version_string());
	CHECK_SPAN(buf_span(&b), buf_span(&text));
	buf_reset(&b);
	CHECK_INT(dmarc_xml_begin(&b, &label, SPAN("v=spf1")), ERR_SYNTAX);
	buf_deinit(&b);
	buf_deinit(&pieces);
	buf_deinit(&text);
}

/* However long and hostile, a row can be kept. */
static void
the_longest(void)
{
	char big[1000], name[1000];
	struct dmarc_row row = { .domain = SPAN("b.test"),
		.done = DMARC_DONE_QUARANTINE,
		.reason = "policy_test_mode",
		.comment = "t=y",
		.spf = SPF_TEMPERROR };
	struct buf b;

	memset(big, '"', sizeof(big));
	memset(name, 'x', sizeof(name));
	row.envelope_from = row.spf_domain = span_of(big, sizeof(big));
	/* A domain with a policy is a name. */
	row.header_from = span_of(name, sizeof(name));
	buf_init(&b, 1 << 16);
	dmarc_row_put_rest(&b, &row);
	/* And five signatures, whose names are names. */
	CHECK(b.len + 5 * (2 * 253 + 200) < DMARC_ROW_BYTES);
	buf_deinit(&b);
}

int
main(void)
{
	whole();
	the_longest();
	return test_done();
}
