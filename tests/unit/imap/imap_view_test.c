/* What sessions are told, against a naive client that believes every word: it
 * keeps an array of UIDs and flags, and must end up with the mailbox. */
#include "imap/imap_view.h"

#include "store/store_world.h"
#include "base/mem.h"
#include "imap/imap_session.h"
#include "imap/imap_uids.h"

/* --- a connection that keeps what was put --- */

struct conn {
	struct buf out;
	bool is_woken;
};

struct buf *
conn_out(struct conn *c)
{
	return &c->out;
}

size_t
conn_out_room(const struct conn *c)
{
	return CONN_OUT_MAX - c->out.len;
}

void
conn_wake(struct conn *c)
{
	c->is_woken = true;
}

/* --- the naive client --- */

#define MAX_MESSAGES 3000

struct known {
	uint32_t uid; /* 0: not known */
	uint16_t flags;
	uint64_t keywords;
	bool has_flags;
};

struct client {
	struct imap i;
	struct conn conn;
	struct known m[MAX_MESSAGES];
	uint32_t n;
	uint64_t n_lines;
};

static struct store *store;
static uint32_t box;
static struct imap_env env;

static uint16_t
flags_of(struct span text)
{
	static const struct {
		const char *name;
		uint16_t bit;
	} all[] = { { "\\Seen", MESSAGE_SEEN },
		{ "\\Answered", MESSAGE_ANSWERED },
		{ "\\Flagged", MESSAGE_FLAGGED },
		{ "\\Deleted", MESSAGE_DELETED },
		{ "\\Draft", MESSAGE_DRAFT } };
	uint16_t flags = 0;

	while (text.len > 0) {
		struct span word = span_split(&text, ' ');

		for (size_t k = 0; k < 5; k++)
			if (span_is(word, span_str(all[k].name)))
				flags |= all[k].bit;
	}
	return flags;
}

static bool
has_word(struct span text, struct span word)
{
	while (text.len > 0 && !span_starts(text, word))
		text = span_sub(text, 1, text.len);
	return text.len > 0;
}

static uint64_t
number(struct span *text)
{
	uint64_t v = 0;
	size_t n = 0;

	while (n < text->len && text->p[n] >= '0' && text->p[n] <= '9')
		v = v * 10 + (uint64_t)(text->p[n++] - '0');
	CHECK(n > 0);
	*text = span_sub(*text, n, text->len);
	return v;
}

static void
forget(struct client *c, uint32_t at)
{
	memmove(&c->m[at], &c->m[at + 1], (c->n - at - 1) * sizeof(c->m[0]));
	c->n--;
}

/* One that is not fetched yet may be any of those between its neighbours. */
static void
forget_uid(struct client *c, uint64_t uid)
{
	uint32_t at = 0, unknown = UINT32_MAX;

	for (; at < c->n && c->m[at].uid <= uid; at++) {
		if (c->m[at].uid == 0)
			unknown = at;
		else if (c->m[at].uid < uid)
			unknown = UINT32_MAX;
		else
			break;
	}
	if (at == c->n || c->m[at].uid != uid)
		at = unknown;
	CHECK(at < c->n);
	if (at < c->n)
		forget(c, at);
}

static void
hear_vanished(struct client *c, struct span set)
{
	CHECK(c->i.enabled & IMAP_QRESYNC);
	while (set.len > 0) {
		struct span part = span_split(&set, ',');
		uint64_t first = number(&part), last = first;

		if (part.len > 0) {
			part = span_sub(part, 1, part.len);
			last = number(&part);
		}
		for (uint64_t uid = first; uid <= last; uid++)
			forget_uid(c, uid);
	}
}

static void
hear_fetch(struct client *c, uint64_t seq, struct span text)
{
	struct known *k;
	uint64_t uid;

	CHECK(seq >= 1 && seq <= c->n);
	if (seq == 0 || seq > c->n)
		return;
	k = &c->m[seq - 1];
	CHECK(span_starts(text, SPAN("FETCH (UID ")));
	text = span_sub(text, 11, text.len);
	uid = number(&text);
	CHECK(k->uid == 0 || k->uid == uid);
	k->uid = (uint32_t)uid;
	if (c->i.enabled & IMAP_CONDSTORE) {
		CHECK(span_starts(text, SPAN(" MODSEQ (")));
		text = span_sub(text, 9, text.len);
		CHECK(number(&text) > 1);
		text = span_sub(text, 1, text.len);
	}
	CHECK(span_starts(text, SPAN(" FLAGS (")));
	text = span_sub(text, 8, text.len);
	k->flags = flags_of(span_sub(text, 0, span_find(text, ')')));
	k->keywords = 0;
	for (unsigned bit = 0; bit < 2; bit++)
		if (has_word(text, bit == 0 ? SPAN("kw0") : SPAN("kw1")))
			k->keywords |= 1u << bit;
	k->has_flags = true;
}

static void
hear_line(struct client *c, struct span line)
{
	uint64_t n;

	c->n_lines++;
	CHECK(span_starts(line, SPAN("* ")));
	line = span_sub(line, 2, line.len);
	if (span_is(span_sub(line, span_find(line, ' '), line.len),
	        SPAN(" RECENT"))) {
		CHECK(number(&line) <= c->n);
		return;
	}
	if (span_starts(line, SPAN("FLAGS (")) ||
	    span_starts(line, SPAN("OK [PERMANENTFLAGS")))
		return;
	if (span_starts(line, SPAN("VANISHED "))) {
		hear_vanished(c, span_sub(line, 9, line.len));
		return;
	}
	n = number(&line);
	line = span_sub(line, 1, line.len);
	if (span_is(line, SPAN("EXISTS"))) {
		CHECK(n > c->n && n <= MAX_MESSAGES);
		while (c->n < n)
			c->m[c->n++] = (struct known){ 0 };
	} else if (span_is(line, SPAN("EXPUNGE"))) {
		CHECK(!(c->i.enabled & IMAP_QRESYNC));
		CHECK(n >= 1 && n <= c->n);
		if (n >= 1 && n <= c->n)
			forget(c, (uint32_t)n - 1);
	} else {
		hear_fetch(c, n, line);
	}
}

static void
hear(struct client *c)
{
	struct span all = buf_span(&c->conn.out);

	while (all.len > 0) {
		struct span line = span_split(&all, '\n');

		CHECK(line.len > 1 && line.p[line.len - 1] == '\r');
		hear_line(c, span_sub(line, 0, line.len - 1));
	}
	CHECK(!buf_failed(&c->conn.out));
	buf_reset(&c->conn.out);
}

/* FETCH 1:* (UID FLAGS), looked up. */
static void
look(struct client *c)
{
	for (uint32_t at = 0; at < c->n; at++) {
		struct message m;
		uint32_t uid = imap_view_uid(c->i.view, at + 1);

		if (c->m[at].uid == 0)
			c->m[at].uid = uid;
		CHECK_INT(c->m[at].uid, uid);
		CHECK_INT(imap_view_seq(c->i.view, uid), at + 1);
		if (message_get(store, box, uid, &m) < 0)
			continue;
		c->m[at].flags = m.flags;
		c->m[at].keywords = m.keywords;
		c->m[at].has_flags = true;
	}
}

static void
prepare(struct client *c)
{
	int rc;

	do
		rc = imap_view_prepare(&c->i);
	while (rc == 1);
	CHECK_INT(rc, 0);
}

static void
open_client(struct client *c, uint32_t enabled)
{
	memset(c, 0, sizeof(*c));
	buf_init(&c->conn.out, CONN_OUT_MAX);
	c->i.conn = &c->conn;
	c->i.env = &env;
	c->i.enabled = enabled;
	CHECK_INT(imap_view_open(&c->i, box, false), 0);
	c->n = imap_view_count(c->i.view);
}

static void
close_client(struct client *c)
{
	imap_view_close(&c->i);
	buf_deinit(&c->conn.out);
}

/* To the end of a command. Each piece is small, and heard at once. */
static void
sync_client(struct client *c, bool may_expunge)
{
	int rc;

	do {
		rc = imap_view_sync(&c->i, may_expunge);
		hear(c);
	} while (rc == 1);
	CHECK_INT(rc, 0);
	if (!c->i.view->uids->is_made)
		return;
	CHECK_INT(imap_view_count(c->i.view), c->n);
	for (uint32_t at = 0; at < c->n; at++) {
		uint32_t uid = imap_view_uid(c->i.view, at + 1);

		if (c->m[at].uid == 0)
			c->m[at].uid = uid;
		CHECK_INT(uid, c->m[at].uid);
	}
}

/* The client knows the mailbox as it is. */
static void
compare(struct client *c)
{
	struct message m = { 0 };
	uint32_t n = 0;

	sync_client(c, true);
	prepare(c);
	while (message_next(store, box, m.uid + 1, &m) == 0) {
		REQUIRE(n < c->n);
		if (c->m[n].uid == 0)
			c->m[n].uid = m.uid;
		CHECK_INT(c->m[n].uid, m.uid);
		if (c->m[n].has_flags) {
			CHECK_INT(c->m[n].flags, m.flags);
			CHECK_INT(c->m[n].keywords, m.keywords);
		}
		n++;
	}
	CHECK_INT(c->n, n);
}

/* --- what happens --- */

static uint32_t
random_below(uint32_t n)
{
	return (uint32_t)rand() % n;
}

static uint32_t
uidnext(void)
{
	struct mailbox_view m;

	REQUIRE(mailbox_get(store, box, &m) == 0);
	return m.uidnext;
}

static void
deliver(unsigned n)
{
	struct delivered d;

	while (n-- > 0)
		REQUIRE(world_deliver(store, SPAN("A: b\r\n\r\nc\r\n"), &box, 1,
		            &d) == 0);
}

static void
random_set(struct rangeset *out, unsigned most)
{
	rangeset_init(out);
	for (unsigned n = 1 + random_below(most); n > 0; n--) {
		uint32_t uid = 1 + random_below(uidnext());

		CHECK(rangeset_add(out, uid, uid) == 0);
	}
}

static void
change_flags(struct client *own)
{
	struct message_flags f = { (enum message_how)random_below(3),
		(uint16_t)random_below(MESSAGE_FLAGS + 1), random_below(4),
		UINT64_MAX };
	struct rangeset uids;
	uint64_t modseq;
	uint32_t uid = 0;

	random_set(&uids, 10);
	CHECK_INT(message_set_flags(store, box, &uids, &f, NULL, &modseq), 0);
	/* Its session answers it, with the flags of all that were named. */
	if (own != NULL && modseq > 0 && own->i.view->uids->is_made) {
		imap_view_own(own->i.view, modseq);
		while (rangeset_next(&uids, uid + 1, &uid)) {
			uint32_t seq = imap_view_seq(own->i.view, uid);
			struct message m;

			if (seq == 0 || message_get(store, box, uid, &m) < 0)
				continue;
			own->m[seq - 1].flags = m.flags;
			own->m[seq - 1].keywords = m.keywords;
		}
	}
	rangeset_deinit(&uids);
}

static void
expunge(void)
{
	struct rangeset uids;
	uint32_t n;

	random_set(&uids, 5);
	CHECK_INT(message_expunge(store, box, &uids, &n), 0);
	rangeset_deinit(&uids);
}

/* Everything with an even UID, by intent. */
static void
expunge_many(void)
{
	struct expunge_totals t = { .modseq = mailbox_modseq(store, box) };
	struct message m = { 0 };
	struct rangeset uids;

	rangeset_init(&uids);
	while (message_next(store, box, m.uid + 1, &m) == 0) {
		if (m.uid % 2 != 0)
			continue;
		CHECK(rangeset_add(&uids, m.uid, m.uid) == 0);
		message_total(&t, &m);
	}
	CHECK_INT(message_expunge_set(store, box, &uids, &t), 0);
	rangeset_deinit(&uids);
}

static void
begin(const char *name)
{
	uint32_t account;
	unsigned bit;

	store = world_new(name, NULL);
	env = (struct imap_env){ .store = store };
	account = world_account(store, "kim@x.test");
	box = world_inbox(store, account);
	CHECK(mailbox_add_keyword(store, box, SPAN("kw0"), &bit) == 0);
	CHECK(mailbox_add_keyword(store, box, SPAN("kw1"), &bit) == 0);
}

static void
end(void)
{
	for (uint32_t b = 0; b < 1000; b++)
		CHECK(imap_box_find(store, b) == NULL);
	store_close(store);
	world_remove(world_folder);
}

/* --- tests --- */

#define N_CLIENTS 6
static struct client clients[N_CLIENTS];

static const uint32_t kinds[] = { 0, IMAP_CONDSTORE,
	IMAP_CONDSTORE | IMAP_QRESYNC };

/* Before its first command. */
static void
ready(struct client *c)
{
	prepare(c);
	if (c->n > 0 && c->m[0].uid == 0)
		look(c);
}

static void
random_step(void)
{
	struct client *c = &clients[random_below(N_CLIENTS)];

	switch (random_below(10)) {
	case 0:
	case 1:
		deliver(1 + random_below(3));
		break;
	case 2:
	case 3:
		change_flags(random_below(2) ? c : NULL);
		break;
	case 4:
		expunge();
		break;
	case 5:
		close_client(c);
		open_client(c, kinds[random_below(3)]);
		break;
	case 6: /* a slice of it, while others change things */
		CHECK(imap_view_prepare(&c->i) >= 0);
		break;
	case 7:
		ready(c);
		sync_client(c, false);
		break;
	case 8:
		ready(c);
		break;
	case 9:
		ready(c);
		compare(c);
		break;
	}
}

static void
test_against_model(unsigned seed)
{
	begin("view");
	srand(seed);
	deliver(20);
	for (int k = 0; k < N_CLIENTS; k++)
		open_client(&clients[k], kinds[k % 3]);
	for (int n = 0; n < 1500; n++) {
		random_step();
		if (n % 50 == 0)
			CHECK(store_flush(store) == 0);
	}
	for (int k = 0; k < N_CLIENTS; k++) {
		ready(&clients[k]);
		compare(&clients[k]);
	}
	/* All see the same: there is one set. */
	for (int k = 1; k < N_CLIENTS; k++)
		CHECK(clients[k].i.view->uids->set.n ==
		      clients[0].i.view->uids->set.n);
	for (int k = 0; k < N_CLIENTS; k++)
		close_client(&clients[k]);
	end();
}

/* 10,000 rows later the log does not reach back: the view is compared. */
static void
test_cut_log(void)
{
	struct rangeset one;
	uint64_t modseq;

	begin("view-cut");
	deliver(60);
	for (int k = 0; k < 3; k++) {
		open_client(&clients[k], kinds[k]);
		look(&clients[k]);
	}
	expunge();
	change_flags(NULL);
	rangeset_init(&one);
	CHECK(rangeset_add(&one, 7, 7) == 0);
	for (unsigned n = 0; n < CHANGE_MAX_ROWS + 10; n++) {
		struct message_flags f = { MESSAGE_REPLACE, n % 32, 0,
			UINT64_MAX };

		CHECK(message_set_flags(store, box, &one, &f, NULL, &modseq) ==
		      0);
		if (n % 1000 == 0)
			CHECK(store_flush(store) == 0);
	}
	rangeset_deinit(&one);
	deliver(3);
	expunge();
	for (int k = 0; k < 3; k++) {
		clients[k].n_lines = 0;
		sync_client(&clients[k], false);
		CHECK_INT(clients[k].n_lines, 0);
		compare(&clients[k]);
		CHECK(clients[k].n_lines > 0 && clients[k].n_lines < 150);
	}
	CHECK(clients[0].i.view->uids == clients[2].i.view->uids);
	for (int k = 0; k < 3; k++)
		close_client(&clients[k]);
	end();
}

/* The set is read in slices while the mailbox changes, and is that of SELECT
 * in the end; another session derives its own from it. */
static void
test_slices(void)
{
	struct client *a = &clients[0], *b = &clients[1];

	begin("view-slices");
	deliver(2600);
	expunge_many();
	open_client(a, IMAP_CONDSTORE | IMAP_QRESYNC);
	CHECK_INT(a->n, 1300);
	CHECK(!a->i.view->uids->is_made && a->i.view->is_new);
	CHECK_INT(imap_view_sync(&a->i, true), 0); /* needs no set */
	for (int rc = 1; rc == 1;) {
		deliver(1);
		expunge();
		rc = imap_view_prepare(&a->i);
		CHECK(rc >= 0);
	}
	CHECK_INT(a->i.view->uids->set.n_members, 1300);
	look(a);
	open_client(b, 0);
	CHECK(!b->i.view->uids->is_made);
	CHECK_INT(imap_view_prepare(&b->i), 0); /* at once: from a's */
	look(b);
	compare(b);
	compare(a);
	CHECK(a->i.view->uids == b->i.view->uids);
	CHECK_INT(a->i.view->uids->n_refs, 2);
	/* All of it goes: in pieces, in order. */
	for (uint32_t uid = 1; uid < uidnext(); uid += 20) {
		struct rangeset some;
		uint32_t n;

		rangeset_init(&some);
		CHECK(rangeset_add(&some, uid, uid + 19) == 0);
		CHECK(message_expunge(store, box, &some, &n) == 0);
		rangeset_deinit(&some);
	}
	CHECK(store_flush(store) == 0);
	compare(a);
	compare(b);
	CHECK_INT(b->n, 0);
	close_client(a);
	close_client(b);
	end();
}

static void
test_wake(void)
{
	begin("view-wake");
	open_client(&clients[0], 0);
	open_client(&clients[1], 0);
	clients[1].i.view->is_idle = true;
	imap_view_changed(store, box + 256);
	imap_view_changed(&env, box);
	CHECK(!clients[1].conn.is_woken);
	imap_view_changed(store, box);
	CHECK(clients[1].conn.is_woken && !clients[0].conn.is_woken);
	CHECK_INT(mailbox_delete(store, box), ERR_DENIED);
	close_client(&clients[0]);
	close_client(&clients[1]);
	end();
}

/* --- sequence sets --- */

static bool
is_meant(const struct range *r, uint32_t n, uint32_t v, uint32_t star)
{
	for (uint32_t k = 0; k < n; k++) {
		uint32_t first = r[k].first == UINT32_MAX ? star : r[k].first;
		uint32_t last = r[k].last == UINT32_MAX ? star : r[k].last;

		if ((v >= first && v <= last) || (v >= last && v <= first))
			return true;
	}
	return false;
}

static void
check_resolve(struct client *c, bool is_uid)
{
	struct range r[6];
	struct imap_set set = { false, r, 1 + random_below(6) };
	uint32_t most = is_uid ? uidnext() + 9 : c->n;
	uint32_t star = is_uid ? imap_view_last_uid(c->i.view) : c->n;
	struct rangeset got;
	struct imap_walk w;

	for (uint32_t k = 0; k < set.n; k++) {
		r[k].first = 1 + random_below(most);
		r[k].last = r[k].first + random_below(9);
		if (!is_uid && r[k].last > c->n)
			r[k].last = c->n;
		if (random_below(5) == 0)
			r[k].last = UINT32_MAX;
		if (random_below(9) == 0)
			r[k].first = UINT32_MAX, r[k].last = UINT32_MAX;
	}
	rangeset_init(&got);
	CHECK_INT(imap_view_resolve(c->i.view, &set, is_uid, &got), 0);
	imap_walk_init(&w);
	for (uint32_t at = 0; at < c->n; at++) {
		uint32_t v = is_uid ? c->m[at].uid : at + 1;
		bool want = is_meant(r, set.n, v, star);

		CHECK_INT(rangeset_has(&got, c->m[at].uid), want);
		if (!want)
			continue;
		CHECK(imap_walk_next(&w, c->i.view, &got));
		CHECK_INT(w.uid, c->m[at].uid);
		CHECK_INT(w.seq, at + 1);
	}
	CHECK(!imap_walk_next(&w, c->i.view, &got));
	rangeset_deinit(&got);
}

static void
test_resolve(void)
{
	struct range one = { 1, 1 }, star = { UINT32_MAX, UINT32_MAX };
	struct imap_set set = { false, &one, 1 };
	struct client *c = &clients[0];
	struct rangeset got;

	begin("view-resolve");
	rangeset_init(&got);
	open_client(c, 0);
	/* RFC 9051 9: no sequence number is right in an empty mailbox. */
	CHECK_INT(imap_view_resolve(c->i.view, &set, false, &got), ERR_SYNTAX);
	CHECK_INT(imap_view_resolve(c->i.view, &set, true, &got), 0);
	set.r = &star;
	CHECK_INT(imap_view_resolve(c->i.view, &set, false, &got), ERR_SYNTAX);
	CHECK_INT(imap_view_resolve(c->i.view, &set, true, &got), 0);
	CHECK_INT(imap_view_search(c->i.view, &set, false, &got), 0);
	close_client(c);
	deliver(80);
	for (int n = 0; n < 10; n++)
		expunge();
	open_client(c, 0);
	prepare(c);
	look(c);
	for (int n = 0; n < 400; n++)
		check_resolve(c, n % 2 == 0);
	one.first = one.last = c->n + 1;
	set.r = &one;
	CHECK_INT(imap_view_resolve(c->i.view, &set, false, &got), ERR_SYNTAX);
	CHECK_INT(imap_view_search(c->i.view, &set, false, &got), 0);
	CHECK_INT(got.n_members, 0);
	one.first = UINT32_MAX; /* "*:n" */
	CHECK_INT(imap_view_resolve(c->i.view, &set, false, &got), ERR_SYNTAX);
	CHECK_INT(imap_view_search(c->i.view, &set, false, &got), 0);
	CHECK_INT(got.n_members, 1);
	CHECK(rangeset_has(&got, imap_view_last_uid(c->i.view)));
	set.is_saved = true;
	CHECK_INT(imap_view_resolve(c->i.view, &set, false, &got), 0);
	CHECK_INT(got.n, 0);
	rangeset_deinit(&got);
	close_client(c);
	end();
}

int
main(void)
{
	test_resolve();
	test_slices();
	test_cut_log();
	test_wake();
	for (unsigned seed = 1; seed <= 6; seed++)
		test_against_model(seed);
	CHECK(mem_used() == 0);
	return test_done();
}
