#include "base/log.h"

#include "test.h"

int
main(void)
{
	static const struct {
		struct span in, out;
	} rows[] = {
		{ SPAN("plain@example.test"), SPAN("plain@example.test") },
		{ SPAN(""), SPAN("\"\"") },
		{ SPAN("two words"), SPAN("\"two words\"") },
		{ SPAN("a=b"), SPAN("\"a=b\"") },
		{ SPAN("say \"hi\"\\"), SPAN("\"say \\\"hi\\\"\\\\\"") },
		{ SPAN("x\r\nfault: y"), SPAN("\"x\\x0d\\x0afault: y\"") },
		{ SPAN("\x1b[2J"), SPAN("\"\\x1b[2J\"") },
		{ SPAN("\xff"), SPAN("\"\\xff\"") },
		{ SPAN("K\xc3\xa4se"), SPAN("\"K\xc3\xa4se\"") },
		{ SPAN("\xe2\x80\xaetxt"), SPAN("\"\\xe2\\x80\\xaetxt\"") },
		{ SPAN("\xc2\x9b"
		       "5m"),
		    SPAN("\"\\xc2\\x9b"
		         "5m\"") },
	};
	struct buf b;
	static struct log l;

	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&b);
		log_put_value(&b, rows[i].in);
		CHECK_ROW(span_is(buf_span(&b), rows[i].out), rows[i].out.p);
	}
	buf_deinit(&b);
	/* A line never grows past its storage, whatever goes in. */
	log_open(LOG_TO_NOTHING, LOG_TRACE);
	log_begin(&l, LOG_NOTE, "test.event");
	for (int i = 0; i < 100; i++)
		log_str(&l, "key", SPAN("a value of some length, with spaces"));
	log_end(&l);
	CHECK(l.line.len < LOG_LINE_BYTES);
	return test_done();
}
