/* out_peer.h - a server that plays a script, and our client before it, in one
 * loop over loopback.
 *
 * A script is rows of what a line must begin with and what is replied then:
 *
 *	NULL	before anything is said: the banner
 *	"."	the text of DATA, up to its end
 *	"@"	nothing is awaited: said at once behind the row before
 *
 * and of replies: "" says nothing, "@close" closes, "@tls" is 220 and TLS. A
 * line that does not fit its row ends the script with a complaint. BDAT takes
 * its bytes. What was said is in `said`, texts of messages in `text`. */
#ifndef TINPOST_TESTS_SMTP_OUT_PEER_H
#define TINPOST_TESTS_SMTP_OUT_PEER_H

#include "auth/auth_world.h"
#include "smtp/smtp.h"
#include "smtp/smtp_out.h"

struct row {
	const char *expect, *reply;
};

struct peer_session {
	struct conn *c;
	struct stage *stage;
	size_t n_bdat;
	bool is_last, is_tls_next, is_data;
};

struct stage {
	struct world world;
	struct loop *loop;
	struct listener *listener;
	struct tls_config *tls;
	uint16_t port;
	const struct row *rows;
	size_t at;
	struct buf said, text;
	bool is_wrong;
	int n_sessions;
	struct smtp_out *out;
	int n_wakes;
	struct smtp_out_times times;
};

static inline void
peer_reply(struct peer_session *s)
{
	struct stage *g = s->stage;

	for (;;) {
		const char *reply = g->rows[g->at].reply;

		if (reply == NULL)
			return;
		g->at++;
		if (strcmp(reply, "@close") == 0) {
			conn_close(s->c);
			return;
		}
		if (strcmp(reply, "@tls") == 0) {
			conn_put_str(s->c, "220 go\r\n");
			conn_start_tls(s->c);
			return;
		}
		conn_put_str(s->c, reply);
		s->is_data = strncmp(reply, "354", 3) == 0;
		if (g->rows[g->at].expect == NULL ||
		    strcmp(g->rows[g->at].expect, "@") != 0)
			return;
	}
}

static inline void
peer_line(struct peer_session *s, struct span line)
{
	struct stage *g = s->stage;
	const char *want = g->rows[g->at].expect;

	/* Also of a connection of the last script, that parts late. */
	if (span_is(line, SPAN("QUIT\r\n")) &&
	    (want == NULL || strcmp(want, "QUIT") != 0)) {
		conn_close(s->c);
		return;
	}
	buf_put(&g->said, line);
	if (want == NULL || !span_starts(line, span_str(want))) {
		fprintf(stderr, "row %zu: wanted %s, got %.*s", g->at,
		    want ? want : "nothing", (int)line.len, line.p);
		g->is_wrong = true;
		conn_abort(s->c);
		return;
	}
	if (span_starts(line, SPAN("BDAT "))) {
		struct span rest = span_sub(line, 5, line.len);
		struct span n = span_trim(span_split(&rest, ' '));
		uint64_t v = 0;

		CHECK(span_to_u64(n, 1 << 20, &v) == 0);
		s->n_bdat = (size_t)v;
		s->is_last = rest.len > 0;
		return; /* its reply comes behind its bytes */
	}
	peer_reply(s);
}

/* Take bytes of a chunk, of a text, or a line. False: nothing whole. */
static inline bool
peer_take(struct peer_session *s, struct span in)
{
	struct stage *g = s->stage;
	size_t n;

	if (s->n_bdat > 0) {
		n = in.len < s->n_bdat ? in.len : s->n_bdat;
		if (n == 0)
			return false;
		buf_put(&g->text, span_sub(in, 0, n));
		conn_consume(s->c, n);
		s->n_bdat -= n;
		if (s->n_bdat == 0)
			peer_reply(s);
		return true;
	}
	n = span_find(in, '\n');
	if (n == in.len)
		return false;
	n++;
	if (!s->is_data) {
		peer_line(s, span_sub(in, 0, n));
		conn_consume(s->c, n);
		return true;
	}
	buf_put(&g->text, span_sub(in, 0, n));
	s->is_data = !span_is(span_sub(in, 0, n), SPAN(".\r\n"));
	conn_consume(s->c, n);
	if (!s->is_data)
		peer_reply(s);
	return true;
}

static inline void
peer_step(void *session)
{
	struct peer_session *s = session;

	conn_set_deadline(s->c, 60000);
	while (!conn_is_closing(s->c) && peer_take(s, conn_in(s->c)))
		;
	if (!conn_is_closing(s->c) && conn_is_eof(s->c))
		conn_close(s->c);
}

static inline void
peer_free(void *session)
{
	free(session);
}

static inline void
peer_accept(struct conn *c, enum listen_refusal why, void *arg)
{
	static const struct conn_ops ops = { peer_step, peer_free };
	struct peer_session *s = calloc(1, sizeof(*s));

	(void)why;
	REQUIRE(s != NULL);
	s->c = c;
	s->stage = arg;
	s->stage->n_sessions++;
	conn_set_in_max(c, CONN_IN_MAX);
	conn_attach(c, &ops, s);
	conn_set_deadline(c, 60000);
	if (s->stage->rows[s->stage->at].expect == NULL)
		peer_reply(s);
}

static inline bool
stage_is_dirty(void *arg)
{
	return store_is_dirty(((struct stage *)arg)->world.store);
}

static inline int
stage_flush(void *arg)
{
	return store_flush(((struct stage *)arg)->world.store);
}

static inline void
stage_wake(void *owner)
{
	((struct stage *)owner)->n_wakes++;
}

static inline void
stage_open(struct stage *g, struct tls_config *tls, bool is_tls)
{
	struct loop_hooks hooks = {
		.arg = g, .is_dirty = stage_is_dirty, .flush = stage_flush
	};
	struct listen_options o = { .name = "test",
		.tls = tls,
		.is_tls = is_tls,
		.accept = peer_accept,
		.arg = g };
	int fd = -1;

	*g = (struct stage){ .times = smtp_out_times_default };
	buf_init(&g->said, 1 << 24);
	buf_init(&g->text, 1 << 24);
	REQUIRE(loop_new(&hooks, &g->loop) == 0);
	world_open(&g->world, g->loop);
	REQUIRE(store_flush(g->world.store) == 0);
	REQUIRE(listen_bind("127.0.0.1", 0, &fd) == 0);
	g->port = listen_port(fd);
	REQUIRE(listen_open(g->loop, fd, &o, &g->listener) == 0);
}

static inline void
stage_turns(struct stage *g, int n)
{
	for (int i = 0; i < n; i++)
		CHECK(loop_turn(g->loop, 1) == 0);
}

static inline void
stage_close(struct stage *g)
{
	struct auth *auth = g->world.auth;

	smtp_out_free(g->out);
	stage_turns(g, 3);
	auth_free(auth);
	g->world.auth = NULL;
	loop_free(g->loop);
	world_close(&g->world);
	buf_deinit(&g->said);
	buf_deinit(&g->text);
}

/* A stored text; its id. */
static inline uint64_t
stage_store(struct stage *g, struct span text)
{
	struct delivery_to to = { 0 };
	struct delivery d = { .to = &to, .n_to = 1, .internal_date_s = 1 };
	struct upload *u = NULL;
	struct body body;
	uint64_t id = 0;

	REQUIRE(mailbox_find(g->world.store, g->world.kim, SPAN("INBOX"),
	            &to.mailbox) == 0);
	REQUIRE(upload_new(g->world.store, &u) == 0);
	REQUIRE(upload_put(u, text) == 0);
	REQUIRE(upload_finish(u, SPAN(""), SPAN(""), &body) == 0);
	d.body = &body;
	REQUIRE(mailbox_deliver(g->world.store, &d, NULL, &id) == 0);
	upload_free(u);
	REQUIRE(store_flush(g->world.store) == 0);
	return id;
}

/* Begin to connect to the script. */
static inline void
stage_dial(struct stage *g, const struct row *rows, struct smtp_route *r)
{
	struct smtp_out_env env = { g->loop, g->world.store, &g->times,
		stage_wake, g };
	struct peer here;

	g->rows = rows;
	g->at = 0;
	buf_reset(&g->said);
	buf_reset(&g->text);
	if (r->n_addresses == 0) {
		REQUIRE(peer_parse(SPAN("127.0.0.1"), &here) == 0);
		r->addresses = &here;
		r->n_addresses = 1;
	}
	if (r->port == 0)
		r->port = g->port;
	if (r->ehlo.len == 0)
		r->ehlo = SPAN("us.test");
	smtp_out_free(g->out);
	g->out = NULL;
	REQUIRE(smtp_out_new(&env, r, &g->out) == 0);
	CHECK(smtp_out_state(g->out) == OUT_CONNECTING);
}

static inline enum smtp_out_state
stage_wait(struct stage *g)
{
	int n_wakes = g->n_wakes;

	for (int i = 0; i < 5000 && g->n_wakes == n_wakes; i++)
		CHECK(loop_turn(g->loop, 1) == 0);
	return smtp_out_state(g->out);
}

#endif
