/* DMARC records, and the tree walk against a table. */
#include "trust/dmarc.h"

#include "fake_dns.h"
#include "trust/dmarc_record.h"

static int n_woken;

static void
wake(void *owner)
{
	(void)owner;
	n_woken++;
}

static const struct {
	const char *txt;
	int rc;
	enum dmarc_policy p, sp, np;
	enum dmarc_psd psd;
} records[] = {
	{ "v=DMARC1; p=reject", 0, DMARC_P_REJECT, DMARC_P_REJECT,
	    DMARC_P_REJECT, DMARC_PSD_UNKNOWN },
	{ "V = DMARC1;p=Quarantine;sp=none", 0, DMARC_P_QUARANTINE,
	    DMARC_P_NONE, DMARC_P_NONE, DMARC_PSD_UNKNOWN },
	{ "v=DMARC1; p=reject; sp=none; np=reject; psd=n; p=none;", 0,
	    DMARC_P_REJECT, DMARC_P_NONE, DMARC_P_REJECT, DMARC_PSD_NO },
	{ "v=DMARC1; psd=y", 0, DMARC_P_NONE, DMARC_P_NONE, DMARC_P_NONE,
	    DMARC_PSD_YES },
	{ "v=DMARC1; p=reject; pct=0; rf=x; =; ;;\x01\xff", 0, DMARC_P_REJECT,
	    DMARC_P_REJECT, DMARC_P_REJECT, DMARC_PSD_UNKNOWN },
	{ "v=DMARC1; rua=mailto:a@b", 0, DMARC_P_NONE, DMARC_P_NONE,
	    DMARC_P_NONE, DMARC_PSD_UNKNOWN },
	{ "v=DMARC1; p=banana; rua=mailto:a@b", 0, DMARC_P_NONE, DMARC_P_NONE,
	    DMARC_P_NONE, DMARC_PSD_UNKNOWN },
	{ "v=DMARC1; p=banana; rua=x, https://r.test/", 0, DMARC_P_NONE,
	    DMARC_P_NONE, DMARC_P_NONE, DMARC_PSD_UNKNOWN },
	{ "v=DMARC1; p=banana; rua=x,:y", ERR_SYNTAX, 0, 0, 0, 0 },
	{ "v=DMARC1; p=banana", ERR_SYNTAX, 0, 0, 0, 0 },
	{ "v=DMARC1", ERR_SYNTAX, 0, 0, 0, 0 },
	{ "v=dmarc1; p=none", ERR_SYNTAX, 0, 0, 0, 0 },
	{ "v=DMARC12; p=none", ERR_SYNTAX, 0, 0, 0, 0 },
	{ "p=none; v=DMARC1", ERR_SYNTAX, 0, 0, 0, 0 },
	{ "", ERR_SYNTAX, 0, 0, 0, 0 },
};

static void
test_records(void)
{
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct span all = span_str(records[i].txt);
		struct dmarc_record r;

		for (size_t n = 0; n <= all.len; n++) {
			char *p = test_copy(span_sub(all, 0, n));
			int rc = dmarc_record_parse(span_of(p, n), &r);

			free(p);
			if (n < all.len)
				continue;
			CHECK_ROW(rc == records[i].rc, records[i].txt);
			if (rc < 0)
				continue;
			CHECK_INT(r.p, records[i].p);
			CHECK_INT(r.sp, records[i].sp);
			CHECK_INT(r.np, records[i].np);
			CHECK_INT(r.psd, records[i].psd);
		}
	}
}

static const struct {
	const char *name, *txt;
} zones[] = {
	{ "_dmarc.org.test", "v=DMARC1; p=reject; sp=quarantine; np=none" },
	{ "_dmarc.strict.test", "v=DMARC1; p=reject; adkim=s; aspf=s" },
	/* A public suffix, and what stands below it. */
	{ "_dmarc.psd.test", "v=DMARC1; p=none; np=reject; psd=y" },
	{ "_dmarc.a.psd.test", "v=DMARC1; p=quarantine" },
	/* A part of an organization that is one of its own. */
	{ "_dmarc.own.org.test", "v=DMARC1; p=quarantine; psd=n" },
	{ "_dmarc.two.test", "v=DMARC1; p=reject" },
	{ "_dmarc.two.test", "v=DMARC1; p=none" },
	{ "_dmarc.xn--mller-kva.test", "v=DMARC1; p=reject; adkim=s" },
	{ "_dmarc.t.test", "v=DMARC1; p=reject; t=y" },
	{ "_dmarc.other.test", "some text" },
	{ "_dmarc.bad.org.test", "v=DMARC1; p=banana" },
	{ "_dmarc.bad.test", "v=DMARC1; p=reject; sp=banana" },
	{ "_dmarc.down.test", "!" },
	{ "_dmarc.late.down.test", "v=DMARC1; p=reject" },
};

static const struct {
	const char *author, *identity;
	bool is_spf, is_unknown;
	enum dmarc_result result;
	enum dmarc_policy asked, policy;
} rows[] = {
	{ "org.test", "org.test", false, false, DMARC_PASS, DMARC_P_REJECT,
	    DMARC_P_REJECT },
	{ "ORG.test.", "x.Org.test", true, false, DMARC_PASS, DMARC_P_REJECT,
	    DMARC_P_REJECT },
	{ "org.test", "xorg.test", false, false, DMARC_FAIL, DMARC_P_REJECT,
	    DMARC_P_REJECT },
	{ "org.test", "test", false, false, DMARC_FAIL, DMARC_P_REJECT,
	    DMARC_P_REJECT },
	{ "org.test", "org.test", false, true, DMARC_TEMPERROR, DMARC_P_REJECT,
	    DMARC_P_REJECT },
	{ "org.test", "else.test", false, true, DMARC_FAIL, DMARC_P_REJECT,
	    DMARC_P_REJECT },
	{ "there.org.test", NULL, false, false, DMARC_FAIL, DMARC_P_QUARANTINE,
	    DMARC_P_QUARANTINE },
	{ "nowhere.org.test", NULL, false, false, DMARC_FAIL, DMARC_P_NONE,
	    DMARC_P_NONE },
	{ "there.org.test", "deep.x.org.test", true, false, DMARC_PASS,
	    DMARC_P_QUARANTINE, DMARC_P_QUARANTINE },
	{ "org.test", "own.org.test", true, false, DMARC_FAIL, DMARC_P_REJECT,
	    DMARC_P_REJECT },
	{ "own.org.test", "x.own.org.test", true, false, DMARC_PASS,
	    DMARC_P_QUARANTINE, DMARC_P_QUARANTINE },
	{ "own.org.test", "org.test", true, false, DMARC_FAIL,
	    DMARC_P_QUARANTINE, DMARC_P_QUARANTINE },
	{ "strict.test", "x.strict.test", true, false, DMARC_FAIL,
	    DMARC_P_REJECT, DMARC_P_REJECT },
	{ "strict.test", "strict.test", false, false, DMARC_PASS,
	    DMARC_P_REJECT, DMARC_P_REJECT },
	/* RFC 8616 6: the same domain in another form */
	{ "xn--mller-kva.test", "M\xc3\xbcller.test", false, false, DMARC_PASS,
	    DMARC_P_REJECT, DMARC_P_REJECT },
	{ "a.psd.test", "b.psd.test", true, false, DMARC_FAIL,
	    DMARC_P_QUARANTINE, DMARC_P_QUARANTINE },
	{ "a.psd.test", "x.a.psd.test", true, false, DMARC_PASS,
	    DMARC_P_QUARANTINE, DMARC_P_QUARANTINE },
	{ "b.psd.test", "psd.test", true, false, DMARC_FAIL, DMARC_P_REJECT,
	    DMARC_P_REJECT },
	{ "x.b.psd.test", "y.b.psd.test", true, false, DMARC_PASS,
	    DMARC_P_REJECT, DMARC_P_REJECT },
	{ "two.test", "two.test", true, false, DMARC_NONE, DMARC_P_NONE,
	    DMARC_P_NONE },
	{ "other.test", NULL, false, false, DMARC_NONE, DMARC_P_NONE,
	    DMARC_P_NONE },
	/* RFC 9989 4.10.1: what is malformed there is not looked for above. */
	{ "bad.org.test", NULL, false, false, DMARC_NONE, DMARC_P_NONE,
	    DMARC_P_NONE },
	{ "bad.test", NULL, false, false, DMARC_NONE, DMARC_P_NONE,
	    DMARC_P_NONE },
	{ "org.test", "bad.org.test", false, false, DMARC_PASS, DMARC_P_REJECT,
	    DMARC_P_REJECT },
	{ "t.test", NULL, false, false, DMARC_FAIL, DMARC_P_REJECT,
	    DMARC_P_QUARANTINE },
	{ "down.test", "down.test", true, false, DMARC_TEMPERROR, DMARC_P_NONE,
	    DMARC_P_NONE },
	{ "late.down.test", "late.down.test", true, false, DMARC_PASS,
	    DMARC_P_REJECT, DMARC_P_REJECT },
	{ "late.down.test", "else.down.test", true, false, DMARC_TEMPERROR,
	    DMARC_P_REJECT, DMARC_P_REJECT },
	{ "not a name", "x.test", true, false, DMARC_NONE, DMARC_P_NONE,
	    DMARC_P_NONE },
	{ "1.2.3.4.5.6.7.8.9.10.11.12.org.test", "org.test", true, false,
	    DMARC_PASS, DMARC_P_NONE, DMARC_P_NONE },
};

static void
test_rows(void)
{
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		fake_txt(zones[i].name, zones[i].txt);
	fake_add(DNS_MX, "there.org.test", SPAN("mx.org.test"), 10);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dmarc_identity id = { .domain =
			                         span_str(rows[i].identity),
			.is_spf = rows[i].is_spf,
			.is_unknown = rows[i].is_unknown };
		struct dmarc *d;
		bool is_early = i % 2 == 0;

		n_woken = 0;
		n_fake_asked = 0;
		REQUIRE(dmarc_new(NULL, span_str(rows[i].author), wake, NULL,
		            &d) == 0);
		if (!is_early) /* the walk ends while the body comes */
			fake_run();
		dmarc_judge(d, &id, rows[i].identity != NULL);
		fake_run();
		CHECK(n_woken <= 1);
		CHECK_ROW(dmarc_result(d) == rows[i].result, rows[i].author);
		CHECK_ROW(dmarc_asked(d) == rows[i].asked, rows[i].author);
		CHECK_ROW(dmarc_policy(d) == rows[i].policy, rows[i].author);
		CHECK(n_fake_asked <= 2 * DMARC_MAX_WALK + 3);
		dmarc_free(d);
		CHECK_INT(n_fake_pending, 0);
	}
	fake_clear();
}

int
main(void)
{
	test_records();
	test_rows();
	return test_done();
}
