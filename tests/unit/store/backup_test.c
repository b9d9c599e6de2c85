#include "store/backup.h"

#include "base/fault.h"
#include "base/mem.h"
#include "base/rand.h"
#include "fixture.h"
#include "store/check.h"
#include "store/restore.h"

/* A mail of len bytes, different for each n. */
static void
make_mail(struct buf *b, unsigned n, size_t len)
{
	buf_reset(b);
	buf_putf(b, "Subject: number %u\r\n\r\n", n);
	while (b->len < len)
		buf_putf(b, "line %zu of %u\r\n", b->len, n * 7919);
	buf_truncate(b, len < b->len ? len : b->len);
}

static uint64_t
deliver(struct store *s, const uint32_t *mailboxes, size_t n_to, unsigned n,
    size_t len)
{
	struct delivery_to to[3] = { { .mailbox = 0 } };
	struct delivery d = { .to = to,
		.n_to = n_to,
		.internal_date_s = 1700000000 + n,
		.zone_minutes = -90 };
	struct upload *u = NULL;
	struct body body;
	struct buf mail;
	uint64_t id = 0;

	buf_init(&mail, 1 << 21);
	make_mail(&mail, n, len);
	for (size_t i = 0; i < n_to; i++)
		to[i].mailbox = mailboxes[i];
	to[0].flags = n % 2 ? MESSAGE_SEEN | MESSAGE_FLAGGED : 0;
	REQUIRE(upload_new(s, &u) == 0);
	REQUIRE(upload_put(u, buf_span(&mail)) == 0);
	REQUIRE(upload_finish(u, n % 3 ? SPAN("Received: x\r\n") : SPAN(""),
	            SPAN("sum\0mary"), &body) == 0);
	d.body = &body;
	REQUIRE(mailbox_deliver(s, &d, NULL, &id) == 0);
	upload_free(u);
	buf_deinit(&mail);
	return id;
}

static void
add_keyword(struct store *s, uint32_t mailbox)
{
	struct message_flags f = { .how = MESSAGE_ADD,
		.flags = MESSAGE_ANSWERED,
		.unchanged_since = UINT64_MAX };
	struct rangeset uids;
	uint64_t modseq;
	unsigned bit = 0;

	CHECK(mailbox_add_keyword(s, mailbox, SPAN("$Forwarded"), &bit) == 0);
	CHECK(mailbox_add_keyword(s, mailbox, SPAN("50"), &bit) == 0);
	f.keywords = (uint64_t)1 << bit;
	rangeset_init(&uids);
	CHECK(rangeset_add(&uids, 2, 3) == 0);
	CHECK(message_set_flags(s, mailbox, &uids, &f, NULL, &modseq) == 0);
	rangeset_clear(&uids);
	CHECK(rangeset_add(&uids, 4, 4) == 0);
	CHECK(message_expunge(s, mailbox, &uids, &(uint32_t){ 0 }) == 0);
	rangeset_deinit(&uids);
}

/* Two people, an alias, odd names, shared and large bodies, flags, an
 * expunged message. */
static struct store *
make_store(void)
{
	struct store *s = fx_open();
	uint32_t other = fx_person(s, "lee@example.test");
	uint32_t to[3] = { fx_inbox };
	uint32_t odd = 0;

	CHECK(mailbox_find(s, other, SPAN("INBOX"), &to[1]) == 0);
	CHECK(mailbox_create(s, fx_account, SPAN("A/100% \xc3\xa4/c\\d"),
	          SPECIAL_NONE, &odd) == 0);
	to[2] = odd;
	CHECK(setting_put(s, SPAN("smtp.name"), SPAN("a\tb\nc%\r")) == 0);
	CHECK(address_create_alias(
	          s, SPAN("all@example.test"), ADDRESS_GROUP) == 0);
	CHECK(address_add_target(
	          s, SPAN("all@example.test"), SPAN("kim@example.test")) == 0);
	CHECK(address_add_target(s, SPAN("all@example.test"),
	          SPAN("out@elsewhere.test")) == 0);
	for (unsigned n = 1; n <= 12; n++)
		deliver(s, to, 1 + n % 3, n, n == 5 ? 700000 : 300 * n);
	deliver(s, to, 2, 13, 0);
	add_keyword(s, fx_inbox);
	CHECK(store_flush(s) == 0);
	return s;
}

static void
write_archive(struct store *s, struct buf *out)
{
	struct backup *b = NULL;
	int rc = 1;

	buf_reset(out);
	REQUIRE(backup_new(s, &b) == 0);
	while (rc == 1) {
		size_t before = out->len;

		rc = backup_step(b, out);
		CHECK(out->len - before <= BACKUP_STEP_BYTES);
	}
	CHECK(rc == 0);
	backup_free(b);
}

/* Into a new store in the emptied folder; NULL when it was refused. */
static struct store *
read_archive(struct span in, size_t piece, int *rc)
{
	struct store *s;
	struct restore *r = NULL;

	fx_clear();
	s = fx_new();
	REQUIRE(restore_new(s, &r) == 0);
	*rc = 0;
	while (*rc == 0 && in.len > 0) {
		struct span now = span_sub(in, 0, piece);
		char *p = test_copy(now);

		*rc = restore_put(r, span_of(p, now.len));
		in = span_sub(in, now.len, in.len);
		free(p);
	}
	if (*rc == 0)
		*rc = restore_finish(r);
	CHECK((*rc == 0) == (restore_why(r).len == 0));
	restore_free(r);
	if (*rc == 0)
		return s;
	store_close(s);
	return NULL;
}

static uint64_t
findings(struct store *s)
{
	struct check *c = NULL;
	uint64_t n;
	struct buf b;
	int rc = 1;

	buf_init(&b, 1 << 20);
	REQUIRE(check_new(s, &c) == 0);
	while (rc == 1)
		rc = check_step(c, &b);
	CHECK(rc == 0);
	n = check_findings(c);
	if (n > 0)
		fprintf(stderr, "%.*s", (int)b.len, b.p);
	check_free(c);
	buf_deinit(&b);
	return n;
}

/* The same store again: the archive of what was restored is the same. */
static void
test_round_trip(void)
{
	static const size_t pieces[] = { 1 << 22, 1000 };
	struct store *s = make_store();
	struct message before, after;
	struct mailbox_view m1, m2;
	struct account_view a;
	struct buf one, two;
	uint32_t id = 0;
	int rc = 0;

	buf_init(&one, 1 << 22);
	buf_init(&two, 1 << 22);
	write_archive(s, &one);
	CHECK(message_get(s, fx_inbox, 3, &before) == 0);
	CHECK(mailbox_get(s, fx_inbox, &m1) == 0);
	store_close(s);
	for (size_t i = 0; i < 2; i++) {
		s = read_archive(buf_span(&one), pieces[i], &rc);
		REQUIRE(s != NULL);
		CHECK(findings(s) == 0);
		CHECK(message_get(s, fx_inbox, 3, &after) == 0);
		CHECK(memcmp(&before, &after, sizeof(before)) == 0);
		CHECK(message_get(s, fx_inbox, 4, &after) == ERR_NONE);
		CHECK(mailbox_get(s, fx_inbox, &m2) == 0);
		CHECK(m1.uidvalidity == m2.uidvalidity &&
		      m1.uidnext == m2.uidnext && m1.n_unseen == m2.n_unseen &&
		      m1.highest_modseq == m2.highest_modseq &&
		      m1.bytes == m2.bytes && m1.object_id == m2.object_id);
		CHECK(account_get(s, fx_account, &a) == 0);
		CHECK(
		    a.secret.iterations == 4096 && a.secret.server_key[1] == 6);
		CHECK(mailbox_find(s, fx_account, SPAN("A/100% \xc3\xa4/c\\d"),
		          &id) == 0);
		write_archive(s, &two);
		CHECK(span_is(buf_span(&one), buf_span(&two)));
		/* And it is a store that goes on. */
		CHECK(deliver(s, &fx_inbox, 1, 99, 500) > before.body);
		CHECK(store_flush(s) == 0);
		store_close(s);
		s = fx_reopen();
		CHECK(findings(s) == 0);
		store_close(s);
	}
	buf_deinit(&one);
	buf_deinit(&two);
	fx_clear();
}

/* Refused: into a store with people; cut anywhere; any byte of a message or
 * list wrong. Never a store that opens as if it were whole. */
static void
test_refusals(void)
{
	struct store *s = make_store();
	struct restore *r = NULL;
	struct buf b;
	int rc = 0;

	buf_init(&b, 1 << 22);
	write_archive(s, &b);
	CHECK(restore_new(s, &r) == ERR_EXISTS);
	store_close(s);
	for (size_t n = 0; n < b.len - 1024; n += 49999) {
		CHECK(read_archive(span_of(b.p, n), 65536, &rc) == NULL);
		CHECK(rc < 0);
	}
	for (size_t n = 100; n < b.len - 4096; n += 40009) {
		b.p[n] ^= 0x20;
		s = read_archive(buf_span(&b), 65536, &rc);
		/* Padding, links and dates of files are nobody's. */
		if (s != NULL)
			CHECK(findings(s) == 0);
		store_close(s);
		b.p[n] ^= 0x20;
	}
	buf_deinit(&b);
	fx_clear();
}

/* A restore that did not end leaves a store that says so. */
static void
restore_half(struct store *s, uint64_t arg)
{
	struct restore *r = NULL;

	(void)arg;
	CHECK(restore_new(s, &r) == 0);
}

static void
test_unfinished(void)
{
	struct store *s = fx_new();
	char text[500];
	struct buf why;

	store_close(s);
	s = NULL;
	fx_in_child(restore_half, 0);
	buf_init_fixed(&why, text, sizeof(text));
	CHECK(store_open(fx_folder, &fx_options, &s, &why) == ERR_DAMAGED);
	CHECK(why.len > 0);
	store_close(s);
	fx_clear();
}

/* While it runs, messages come and go: what is restored is consistent, and
 * bodies that the backup needs are there. */
static void
test_while_serving(void)
{
	struct store *s = make_store();
	struct backup *b = NULL;
	struct rangeset uids;
	struct buf out;
	unsigned n = 100;
	int rc = 1;

	buf_init(&out, 1 << 22);
	rangeset_init(&uids);
	CHECK(rangeset_add(&uids, 1, 20) == 0);
	REQUIRE(backup_new(s, &b) == 0);
	while (rc == 1) {
		uint32_t gone;

		rc = backup_step(b, &out);
		deliver(s, &fx_inbox, 1, n++, 2000);
		CHECK(message_expunge(s, fx_inbox, &uids, &gone) == 0);
		CHECK(store_flush(s) == 0);
		for (int i = 0; i < 20; i++)
			CHECK(store_idle(s) >= 0);
	}
	CHECK(rc == 0);
	backup_free(b);
	rangeset_deinit(&uids);
	CHECK(findings(s) == 0);
	store_close(s);
	s = read_archive(buf_span(&out), 4096, &rc);
	REQUIRE(s != NULL);
	CHECK(findings(s) == 0);
	CHECK(message_get(s, fx_inbox, 3, &(struct message){ 0 }) == 0);
	store_close(s);
	buf_deinit(&out);
	fx_clear();
}

/* A body that cannot be read is left out, one that breaks off is filled up:
 * all the rest comes back, and the totals say how many. */
static void
test_damaged(void)
{
	struct store *s = make_store();
	struct message first, large, m;
	struct buf out;
	int rc = 0;

	buf_init(&out, 1 << 22);
	CHECK(message_get(s, fx_inbox, 1, &first) == 0);
	CHECK(message_get(s, fx_inbox, 5, &large) == 0);
	CHECK(large.bytes > 700000);
	for (uint32_t no = 0; no < 2; no++)
		CHECK(volume_put(s->volumes, 1, first.body, no, SPAN("\2?")) ==
		      0);
	CHECK(volume_put(s->volumes, 1, large.body, 20, SPAN("\2?")) == 0);
	CHECK(findings(s) == 2);
	write_archive(s, &out);
	store_close(s);
	s = read_archive(buf_span(&out), 4096, &rc);
	REQUIRE(s != NULL);
	CHECK(findings(s) == 0);
	CHECK(message_get(s, fx_inbox, 1, &m) == ERR_NONE);
	CHECK(message_get(s, fx_inbox, 5, &m) == 0);
	CHECK(m.bytes == large.bytes);
	store_close(s);
	buf_deinit(&out);
	fx_clear();
}

/* Any tar opens it, and finds each mail under its person and mailbox. */
static void
test_other_tar(void)
{
	struct store *s = make_store();
	char file[200], line[2000];
	struct buf b;
	int fd;

	snprintf(file, sizeof(file), "%s/tinpost-backup-XXXXXX", test_folder());
	fd = mkstemp(file);
	REQUIRE(fd >= 0);
	buf_init(&b, 1 << 22);
	write_archive(s, &b);
	store_close(s);
	CHECK(write(fd, b.p, b.len) == (ssize_t)b.len);
	close(fd);
	snprintf(line, sizeof(line),
	    "mkdir %s.d && tar xf %s -C %s.d && grep -q 'number 2' "
	    "%s.d/mail/kim@example.test/INBOX/2.eml && rm -r %s %s.d",
	    file, file, file, file, file, file);
	CHECK(system(line) == 0);
	buf_deinit(&b);
	fx_clear();
}

/* Allocations that fail: an error, no crash, no leak. */
static void
test_no_memory(void)
{
	struct store *s = make_store();
	struct buf b;
	int rc = -1;

	buf_init(&b, 1 << 22);
	for (uint64_t n = 1; rc < 0 && n < 300; n++) {
		size_t before = mem_used();
		struct backup *backup = NULL;

		b.len = 0;
		b.has_failed = false;
		REQUIRE(buf_reserve(&b, 1 << 21) == 0);
		before = mem_used();
		fault_arm(FAULT_ALLOC, n, false);
		rc = backup_new(s, &backup);
		if (rc == 0)
			for (rc = 1; rc == 1;)
				rc = backup_step(backup, &b);
		fault_arm(FAULT_ALLOC, 0, false);
		CHECK(rc == 0 || rc == ERR_NOMEM || rc == ERR_LIMIT);
		backup_free(backup);
		CHECK(mem_used() <= before + 64 * 1024);
	}
	CHECK(rc == 0);
	store_close(s);
	buf_deinit(&b);
	fx_clear();
}

int
main(void)
{
	fx_begin();
	test_round_trip();
	test_refusals();
	test_unfinished();
	test_while_serving();
	test_damaged();
	test_other_tar();
	test_no_memory();
	fx_end();
	return test_done();
}
