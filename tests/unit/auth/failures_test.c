#include "auth/failures.h"
#include "auth_world.h"

static struct peer
peer_at(uint8_t last)
{
	struct peer p = { .family = PEER_IP4 };

	p.addr[0] = 192;
	p.addr[3] = last;
	return p;
}

/* How many events of sign-ins are there of this word, and the latest's text. */
static int
count(struct store *s, const char *word, char *text, size_t cap)
{
	struct event_view view;
	uint64_t number = UINT64_MAX;
	int n = 0;

	for (;;) {
		int rc = event_previous(s, span_str(word), &number, &view);

		if (rc == ERR_AGAIN)
			continue;
		if (rc < 0)
			return n;
		if (view.e.kind != EVENT_SIGN_IN)
			continue;
		if (n++ == 0)
			snprintf(text, cap, "%.*s by %.*s",
			    (int)view.e.text.len, view.e.text.p,
			    (int)view.e.client.len,
			    view.e.client.p ? view.e.client.p : "");
	}
}

/* One event at once, one for all that follow in the window. */
static void
test_one_guesser(struct store *s)
{
	struct failures f;
	struct peer p = peer_at(1);
	char text[400];

	failures_init(&f, s, NULL);
	failures_note(&f, SPAN("kim@mail.test"), &p, "wrong");
	CHECK(count(s, "kim@mail.test", text, sizeof(text)) == 1);
	CHECK(strcmp(text, "wrong by [192.0.0.1]") == 0);
	for (int i = 0; i < 1000; i++)
		failures_note(&f, SPAN("kim@mail.test"), &p, "wrong");
	CHECK(count(s, "kim@mail.test", text, sizeof(text)) == 1);
	failures_end_window(&f);
	CHECK(count(s, "kim@mail.test", text, sizeof(text)) == 2);
	CHECK(strcmp(text, "it failed 1000 times more within a minute by "
	                   "[192.0.0.1]") == 0);
	failures_end_window(&f);
	CHECK(count(s, "kim@mail.test", text, sizeof(text)) == 2);
}

/* A day of guessing with ever new names from ever new places. */
static void
test_flood(struct store *s)
{
	struct failures f;
	char text[400], name[40];
	int before = count(s, "", text, sizeof(text));
	int64_t seconds = 0;

	failures_init(&f, s, NULL);
	while (seconds < 24 * 3600) {
		seconds += f.window_s;
		for (int i = 0; i < 100; i++) {
			struct peer p = peer_at((uint8_t)i);

			snprintf(name, sizeof(name), "n%d@mail.test", i);
			failures_note(&f, span_str(name), &p, "wrong");
			failures_note(&f, span_str(name), &p, "wrong");
		}
		failures_end_window(&f);
		CHECK(store_flush(s) == 0);
	}
	CHECK(count(s, "", text, sizeof(text)) - before < 600);
	CHECK(strcmp(text, "others failed 184 times more within 64 minutes "
	                   "by ") == 0);
	failures_end_window(&f);
	CHECK(f.window_s == FAILURES_WINDOW_S);
}

/* A name of any length and any bytes. */
static void
test_odd_name(struct store *s)
{
	static char name[MAX_ADDRESS_BYTES + 100];
	struct failures f;
	struct peer p = peer_at(9);

	memset(name, '\n', sizeof(name));
	failures_init(&f, s, NULL);
	failures_note(&f, span_of(name, sizeof(name)), &p, "wrong");
	failures_note(&f, span_of(NULL, 0), &p, "wrong");
	failures_note(&f, span_of(NULL, 0), &p, "wrong");
	failures_end_window(&f);
	CHECK(store_flush(s) == 0);
}

int
main(void)
{
	struct world w;

	world_open(&w, NULL);
	test_one_guesser(w.store);
	test_flood(w.store);
	test_odd_name(w.store);
	world_close(&w);
	return test_done();
}
