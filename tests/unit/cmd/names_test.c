/* The names of other programs: folders, a Maildir's files, Gmail's labels, and
 * what files seem to be. */
#include "cmd/folder_name.h"
#include "cmd/gmail.h"
#include "cmd/maildir_name.h"
#include "cmd/sniff.h"
#include "store/message.h"
#include "test.h"

/* --- folders --- */

static const struct {
	const char *path, *maildir;
} both_ways[] = {
	{ "Sent", ".Sent" },
	{ "Lists/Cats", ".Lists.Cats" },
	{ "Müller/日本", ".M&APw-ller.&ZeVnLA-" },
	{ "v1.0/a\\b", ".v1\\2e0.a\\5cb" },
	{ "R&D", ".R&-D" },
	{ "INBOX/x", ".INBOX.x" },
};

static const struct {
	const char *maildir, *path;
} one_way[] = {
	{ "M\xc3\xbcller", "Müller" },
	{ "a..b.", "a/b" },
	{ "a\\2fb", "a_b" },
	{ "a\\zz\\41", "a\\zz\\41" },
	{ "x&y", "x&y" },
	{ "\xfc", "ü" },
	{ "a\tb", "a_b" },
};

static void
test_maildir_folders(void)
{
	char storage[1000];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	for (size_t i = 0; i < sizeof(both_ways) / sizeof(*both_ways); i++) {
		struct span name = span_str(both_ways[i].maildir);

		buf_reset(&b);
		folder_name_put_maildir(&b, span_str(both_ways[i].path));
		CHECK_SPAN(buf_span(&b), name);
		buf_reset(&b);
		folder_name_get_maildir(&b, span_sub(name, 1, name.len));
		CHECK_SPAN(buf_span(&b), span_str(both_ways[i].path));
	}
	for (size_t i = 0; i < sizeof(one_way) / sizeof(*one_way); i++) {
		buf_reset(&b);
		folder_name_get_maildir(&b, span_str(one_way[i].maildir));
		CHECK_SPAN(buf_span(&b), span_str(one_way[i].path));
	}
}

static void
test_file_names(void)
{
	static const char *const levels[] = { "a", ".a", "..", "100%", "%2E",
		".%25", "a.b" };
	char storage[200];
	struct buf b, back;
	char storage2[200];

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_init_fixed(&back, storage2, sizeof(storage2));
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		buf_reset(&b);
		buf_reset(&back);
		folder_name_put_file(&b, span_str(levels[i]));
		CHECK(b.p[0] != '.');
		folder_name_get_file(&back, buf_span(&b));
		CHECK_SPAN(buf_span(&back), span_str(levels[i]));
	}
	buf_reset(&b);
	folder_name_put_clean(&b, SPAN(""));
	CHECK_SPAN(buf_span(&b), SPAN("_"));
}

static void
test_uses(void)
{
	bool is_ours;

	CHECK_INT(folder_name_use(SPAN("sent"), &is_ours), SPECIAL_SENT);
	CHECK(is_ours);
	CHECK_INT(folder_name_use(SPAN("Sent Items"), &is_ours), SPECIAL_SENT);
	CHECK(!is_ours);
	CHECK_INT(folder_name_use(SPAN("Spam"), &is_ours), SPECIAL_JUNK);
	CHECK(!is_ours);
	CHECK_INT(folder_name_use(SPAN("Archive"), &is_ours), SPECIAL_ARCHIVE);
	CHECK(is_ours);
	CHECK_INT(folder_name_use(SPAN("INBOX"), &is_ours), SPECIAL_NONE);
	CHECK_INT(folder_name_use(SPAN("Work"), &is_ours), SPECIAL_NONE);
}

/* --- a Maildir's files --- */

static const struct {
	const char *name, *base;
	uint16_t flags;
	const char *keywords;
} files[] = {
	{ "1.M2.host:2,", "1.M2.host", 0, "" },
	{ "1.M2.host,S=5:2,DFRST", "1.M2.host,S=5", 0x1f, "" },
	{ "1.a!2,FSb", "1.a", MESSAGE_FLAGGED | MESSAGE_SEEN, "two " },
	{ "1.a;2,S", "1.a", MESSAGE_SEEN, "" },
	{ "1.a:2,PSac", "1.a", MESSAGE_SEEN, "one $Forwarded " },
	{ "1.a:1,xyz", "1.a", 0, "" },
	{ "1.a", "1.a", 0, "" },
	{ "1.a,K=30-1-99-x,W=3:2,", "1.a,K=30-1-99-x,W=3", 0, "far two " },
	{ ":2,S", "", MESSAGE_SEEN, "" },
	{ "", "", 0, "" },
};

static void
test_maildir_names(void)
{
	struct maildir_keywords k;

	maildir_keywords_parse(
	    SPAN("0 one\n1 two\nx\n99 no\n30 far\n7 \n"), &k);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct span name = span_str(files[i].name);

		CHECK_SPAN(maildir_name_base(name), span_str(files[i].base));
		for (size_t len = 0; len <= name.len; len++) {
			char *exact = malloc(len ? len : 1), storage[100];
			uint16_t flags;
			struct buf b;

			memcpy(exact, name.p, len);
			buf_init_fixed(&b, storage, sizeof(storage));
			maildir_name_read(span_of(exact, len), &k, &flags, &b);
			if (len == name.len) {
				CHECK_INT(flags, files[i].flags);
				CHECK_SPAN(
				    buf_span(&b), span_str(files[i].keywords));
			}
			free(exact);
		}
	}
}

static void
test_maildir_put(void)
{
	char storage[100];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	maildir_name_put_keywords(&b, 5 | 1ull << 26 | 1ull << 63);
	maildir_name_put_info(
	    &b, MESSAGE_FLAGS, 5 | 1ull << 25 | 1ull << 26, true);
	CHECK_SPAN(buf_span(&b), SPAN(",K=26-63:2,DFPRSTacz"));
}

/* --- Gmail --- */

static const struct {
	const char *labels;
	uint16_t flags;
	bool is_important;
	const char *boxes; /* with "|" between */
} labels[] = {
	{ "Inbox,Opened,Category Updates", MESSAGE_SEEN, false, "INBOX" },
	{ "Inbox, Unread,Important", 0, true, "INBOX" },
	{ "Archived,Opened", MESSAGE_SEEN, false, "Archive" },
	{ "Sent,Starred,Work/Old,\"a, b\",Work/Old",
	    MESSAGE_SEEN | MESSAGE_FLAGGED, false, "Sent|Work/Old|a, b" },
	{ "Drafts,Unread", MESSAGE_DRAFT, false, "Drafts" },
	{ "Spam,Bin", MESSAGE_SEEN, false, "Junk|Trash" },
	{ "", MESSAGE_SEEN, false, "Archive" },
	{ "\"open", MESSAGE_SEEN, false, "open" },
	{ ",,\"\",", MESSAGE_SEEN, false, "Archive" },
};

static void
test_gmail(void)
{
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		char storage[200];
		struct gmail g;
		struct buf b;

		gmail_read(span_str(labels[i].labels), &g);
		buf_init_fixed(&b, storage, sizeof(storage));
		for (size_t k = 0; k < g.n_boxes; k++) {
			buf_put_str(&b, k > 0 ? "|" : "");
			buf_put(&b, g.box[k]);
		}
		CHECK_SPAN(buf_span(&b), span_str(labels[i].boxes));
		CHECK_INT(g.flags, labels[i].flags);
		CHECK_INT(g.is_important, labels[i].is_important);
	}
}

/* --- what files seem to be --- */

static void
test_sniff(void)
{
	CHECK(sniff_is_mail(SPAN("")));
	CHECK(sniff_is_mail(SPAN("Subject: x\n\n")));
	CHECK(sniff_is_mail(SPAN("From a Mon\n")));
	CHECK(sniff_is_mail(SPAN("\xef\xbb\xbfSubject: x")));
	CHECK(sniff_is_mail(SPAN("\r\nbody")));
	CHECK(!sniff_is_mail(SPAN("hello\nworld")));
	CHECK(!sniff_is_mail(SPAN("a\1b: c\n")));
	CHECK(strstr(sniff_name(SPAN("!BDN\1\2")), "Outlook"));
	CHECK(strstr(sniff_name(SPAN("PK\3\4xx")), "zip"));
	CHECK(strstr(sniff_name(SPAN("\xff\xd8\xff\xe0")), "JPEG"));
	CHECK(strstr(sniff_name(SPAN("1234      \nReceived: x\n")), "Apple"));
	CHECK(strstr(sniff_name(SPAN("{\"a\": 1}")), "JSON"));
	CHECK(sniff_name(SPAN("Received: x\n")) == NULL);
	CHECK(sniff_name(SPAN("2026: x\n")) == NULL);
}

int
main(void)
{
	test_maildir_folders();
	test_file_names();
	test_uses();
	test_maildir_names();
	test_maildir_put();
	test_gmail();
	test_sniff();
	return test_done();
}
