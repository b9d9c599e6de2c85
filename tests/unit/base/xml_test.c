/* Hostile text stays text, in XML and in JSON. */
#include "base/xml.h"

#include "../test.h"
#include "base/json.h"

static const struct {
	const char *in;
	size_t len;
	const char *xml, *json;
} rows[] = {
	{ "plain.test", 10, "plain.test", "\"plain.test\"" },
	{ "", 0, "", "\"\"" },
	{ "</domain>&amp;\"'", 16, "&lt;/domain&gt;&amp;amp;&quot;'",
	    "\"</domain>&amp;\\\"'\"" },
	{ "a\\b\r\n\t\0c\x7f", 9, "a\\b????c?",
	    "\"a\\\\b\\u000d\\u000a\\u0009\\u0000c\\u007f\"" },
	{ "m\xc3\xbcller", 7, "m\xc3\xbcller", "\"m\xc3\xbcller\"" },
	{ "\xff\xc3", 2, "??", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xed\xa0\x80", 3, "???",
	    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "\xef\xbf\xbe]]>", 6, "?]]&gt;", "\"\xef\xbf\xbe]]>\"" },
};

int
main(void)
{
	char big[XML_MAX_TEXT + 100];
	struct buf b;

	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *p = test_copy(span_of(rows[i].in, rows[i].len));

		buf_reset(&b);
		xml_put_text(&b, span_of(p, rows[i].len));
		CHECK_SPAN(buf_span(&b), span_str(rows[i].xml));
		buf_reset(&b);
		json_put_string(&b, span_of(p, rows[i].len));
		CHECK_SPAN(buf_span(&b), span_str(rows[i].json));
		free(p);
	}
	/* No more than the bound, whatever it is made of. */
	memset(big, '&', sizeof(big));
	buf_reset(&b);
	xml_put_text(&b, span_of(big, sizeof(big)));
	CHECK_INT(b.len, 5 * XML_MAX_TEXT);
	memset(big, '\x80', sizeof(big));
	buf_reset(&b);
	json_put_string(&b, span_of(big, sizeof(big)));
	CHECK_SPAN(buf_span(&b), SPAN("\"\""));
	buf_reset(&b);
	xml_put_element(&b, "a", SPAN("<b>"));
	CHECK_SPAN(buf_span(&b), SPAN("<a>&lt;b&gt;</a>\n"));
	buf_deinit(&b);
	return test_done();
}
