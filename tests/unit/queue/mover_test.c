/* When the mover tries again, with clocks that this test moves: intervals that
 * grow, jumps of the wall clock forward and back, the delay notice and the end
 * of a message, and no busy loop while a provider is down for days. */
#include "queue/mover.h"

#include "../store/fixture.h"
#include "base/clock.h"
#include "net/net.h"

#define NOW  1800000000
#define HOUR 3600
#define DAY  86400

struct site {
	struct store *s;
	struct loop *loop;
	struct dns *dns;
	struct mover *q;
	struct mover_env env;
	int64_t mono_ms, wall_s;
};

/* All mail goes through a provider at a port where nobody listens. */
static void
begin(struct site *g)
{
	struct loop_hooks hooks = { 0 };
	struct dns_options o = { .servers = "127.0.0.1:1",
		.timeout_ms = 1000,
		.tries = 1,
		.cache_bytes = 65536 };
	struct relay r = { .tls = RELAY_TLS_NEVER,
		.port = 1,
		.scope = SPAN("*"),
		.host = SPAN("127.0.0.1") };

	*g = (struct site){ .mono_ms = 1000000, .wall_s = NOW };
	clock_fake(g->mono_ms, g->wall_s);
	g->s = fx_open();
	CHECK_INT(relay_put(g->s, &r), 0);
	REQUIRE(loop_new(&hooks, &g->loop) == 0);
	REQUIRE(dns_new(g->loop, &o, &g->dns) == 0);
	g->env = (struct mover_env){ .loop = g->loop,
		.store = g->s,
		.dns = g->dns,
		.host = SPAN("mail.example.test"),
		.limits = mover_limits_default };
	REQUIRE(mover_new(&g->env, &g->q) == 0);
}

static void
end(struct site *g)
{
	mover_free(g->q);
	dns_free(g->dns);
	loop_free(g->loop);
	store_close(g->s);
	fx_clear();
}

static void
put(struct site *g)
{
	struct queue_to to = { .address = SPAN("kim@far.test") };
	struct queue_mail q = { .account = fx_account,
		.expires_s = g->wall_s + 5 * DAY,
		.notice_s = g->wall_s + 4 * HOUR,
		.from = SPAN("kim@example.test"),
		.trace = SPAN("abc"),
		.to = &to,
		.n_to = 1 };
	struct delivery d = {
		.queue = &q, .n_queue = 1, .internal_date_s = g->wall_s
	};
	struct upload *u = NULL;
	struct body body;

	REQUIRE(upload_new(g->s, &u) == 0);
	REQUIRE(upload_put(u, SPAN("Subject: x\r\n\r\nx\r\n")) == 0);
	REQUIRE(upload_finish(u, SPAN(""), SPAN("sum"), &body) == 0);
	d.body = &body;
	CHECK_INT(mailbox_deliver(g->s, &d, NULL, NULL), 0);
	upload_free(u);
	CHECK_INT(store_flush(g->s), 0);
}

static uint64_t
attempts(const struct site *g)
{
	struct mover_stats st;

	mover_stats(g->q, &st);
	return st.n_connections;
}

static uint32_t
reports(struct site *g)
{
	struct mover_stats st;

	mover_stats(g->q, &st);
	return (uint32_t)st.n_dsn;
}

/* Let real events come in while hardly any time passes. */
static void
settle(struct site *g)
{
	for (int i = 0; i < 40; i++) {
		g->mono_ms += 2;
		clock_fake(g->mono_ms, g->wall_s);
		CHECK_INT(loop_turn(g->loop, 1), 0);
	}
}

/* Time passes, in steps; the machine does what it would. */
static void
pass(struct site *g, int64_t seconds, int64_t step_s)
{
	for (int64_t t = 0; t < seconds; t += step_s) {
		g->mono_ms += step_s * 1000;
		g->wall_s += step_s;
		clock_fake(g->mono_ms, g->wall_s);
		for (int i = 0; i < 6; i++) {
			CHECK_INT(loop_turn(g->loop, 0), 0);
			g->mono_ms += 2;
			clock_fake(g->mono_ms, g->wall_s);
		}
	}
}

static void
jump(struct site *g, int64_t by_s)
{
	g->wall_s += by_s;
	clock_fake(g->mono_ms, g->wall_s);
}

/* 1m 5m 15m 30m 1h 2h 4h, plus or minus a tenth. */
static void
intervals_grow(void)
{
	struct site g;
	uint64_t n;

	begin(&g);
	put(&g);
	settle(&g);
	CHECK_INT(attempts(&g), 1);
	pass(&g, 50, 5);
	CHECK_INT(attempts(&g), 1);
	pass(&g, 80, 5);
	CHECK_INT(attempts(&g), 2);
	pass(&g, 10 * HOUR, 60);
	n = attempts(&g);
	CHECK(n >= 8 && n <= 10);
	/* A provider that is down for days costs one attempt in four hours. */
	pass(&g, 3 * DAY, 60);
	CHECK(attempts(&g) - n <= 3 * DAY / (3 * HOUR));
	CHECK(attempts(&g) - n >= 3 * DAY / (5 * HOUR));
	CHECK_INT(queue_n_messages(g.s), 1);
	CHECK_INT(reports(&g), 1); /* the delay was told, once */
	pass(&g, 2 * DAY, 60);
	CHECK_INT(queue_n_messages(g.s), 0);
	CHECK_INT(reports(&g), 2); /* and the end */
	end(&g);
}

/* A clock set back by years: what seems to lie years ahead is due. */
static void
clock_jumps_back(void)
{
	static const int64_t years[] = { -3 * DAY, -30 * DAY, -20 * 365 * DAY };

	for (size_t i = 0; i < 3; i++) {
		struct site g;
		uint64_t n;

		begin(&g);
		put(&g);
		settle(&g);
		pass(&g, 1000, 10);
		n = attempts(&g);
		jump(&g, years[i]);
		pass(&g, 120, 10);
		CHECK(attempts(&g) > n);
		CHECK_INT(queue_n_messages(g.s), 1);
		CHECK_INT(reports(&g), 0);
		/* It goes on as if nothing were: no storm. */
		n = attempts(&g);
		pass(&g, DAY, 60);
		CHECK(attempts(&g) - n >= 4);
		CHECK(attempts(&g) - n <= 30);
		end(&g);
	}
}

/* A board without a clock learns the time: nothing is given up for it. */
static void
clock_jumps_forward(void)
{
	static const int64_t years[] = { 30 * DAY, 20 * 365 * DAY };

	for (size_t i = 0; i < 2; i++) {
		struct site g;
		uint64_t n;

		begin(&g);
		put(&g);
		settle(&g);
		pass(&g, 1000, 10);
		n = attempts(&g);
		jump(&g, years[i]);
		pass(&g, 10 * 60, 10);
		CHECK(attempts(&g) > n);
		CHECK_INT(queue_n_messages(g.s), 1);
		pass(&g, 4 * DAY, 60);
		CHECK_INT(queue_n_messages(g.s), 1);
		pass(&g, 2 * DAY, 60);
		CHECK_INT(queue_n_messages(g.s), 0);
		end(&g);
	}
}

/* 300 messages at a destination that is down are one attempt, not 300; in a
 * quiet minute hardly anything runs. */
static void
many_wait_as_one(void)
{
	struct site g;
	uint64_t n;

	begin(&g);
	for (int i = 0; i < 300; i++)
		put(&g);
	settle(&g);
	CHECK(attempts(&g) <= 3);
	n = attempts(&g);
	pass(&g, HOUR, 1);
	CHECK(attempts(&g) - n <= 3 * 5);
	CHECK_INT(queue_n_messages(g.s), 300);
	end(&g);
}

int
main(void)
{
	fx_begin();
	intervals_grow();
	clock_jumps_back();
	clock_jumps_forward();
	many_wait_as_one();
	fx_end();
	return test_done();
}
