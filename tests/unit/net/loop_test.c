/* The loop and plain connections: turns, flush, drops, deadlines, limits. */
#include "bench.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/fault.h"

static void
send_text(int fd, const char *s)
{
	REQUIRE(send(fd, s, strlen(s), MSG_NOSIGNAL) == (ssize_t)strlen(s));
}

static void
test_echo(void)
{
	struct bench b;
	int fd[300];

	bench_open(&b, NULL, false);
	for (int i = 0; i < 300; i++) {
		fd[i] = bench_connect(&b);
		bench_turns(&b, 1);
	}
	for (int i = 0; i < 300; i++)
		CHECK(bench_expect(&b, fd[i], "hi\n"));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 300; i++)
			send_text(fd[i], "ping");
		for (int i = 0; i < 300; i++)
			CHECK(bench_expect(&b, fd[i], "ping"));
	}
	CHECK(b.n_sessions == 300);
	CHECK(loop_stats(b.loop)->n_conns == 300);
	for (int i = 0; i < 300; i++)
		close(fd[i]);
	bench_turns(&b, 20);
	CHECK(b.n_freed == 300);
	CHECK(loop_stats(b.loop)->n_conns == 0);
	CHECK(b.n_idle > 0);
	bench_close(&b);
	CHECK(mem_used() == 0);
}

/* A partial line stays, and comes together with the rest. */
static void
step_lines(struct session *s)
{
	struct span in = conn_in(s->c);
	size_t n = span_find(in, '\n');

	if (conn_is_eof(s->c)) {
		conn_close(s->c);
		return;
	}
	conn_set_deadline(s->c, 60000);
	if (n == in.len)
		return;
	conn_put(s->c, span_sub(in, 0, n + 1));
	conn_consume(s->c, n + 1);
	if (conn_in(s->c).len > 0)
		conn_wake(s->c);
}

static void
test_partial_input(void)
{
	struct bench b;
	size_t before;
	int fd;

	bench_open(&b, NULL, false);
	b.step = step_lines;
	fd = bench_connect(&b);
	CHECK(bench_expect(&b, fd, "hi\n"));
	before = mem_used();
	for (const char *p = "one\ntwo\nthree"; *p; p++) {
		REQUIRE(send(fd, p, 1, 0) == 1);
		bench_turns(&b, 1);
	}
	CHECK(mem_used() == before + 5);
	CHECK(bench_expect(&b, fd, "one\ntwo\n"));
	send_text(fd, "\nfour\nfive\n");
	CHECK(bench_expect(&b, fd, "three\nfour\nfive\n"));
	CHECK(mem_used() == before);
	close(fd);
	bench_close(&b);
}

/* A client that does not read stops being read, and gets all in the end. */
static void
test_back_pressure(void)
{
	struct bench b;
	static char chunk[65536];
	size_t sent = 0, got = 0, before;
	int fd;

	bench_open(&b, NULL, false);
	fd = bench_connect(&b);
	CHECK(bench_expect(&b, fd, "hi\n"));
	before = mem_used();
	for (int i = 0; i < 2000; i++) {
		ssize_t n = send(fd, chunk, sizeof(chunk), MSG_DONTWAIT);

		if (n > 0)
			sent += (size_t)n;
		bench_turns(&b, 1);
		CHECK(mem_used() <= before + CONN_OUT_MAX + CONN_IN_MAX);
	}
	CHECK(sent > 100000);
	/* It is full: the loop sleeps. */
	CHECK(loop_turn(b.loop, 0) == 0);
	for (int i = 0; i < 50000 && got < sent; i++) {
		int n = bench_recv(fd, chunk, sizeof(chunk));

		if (n > 0)
			got += (size_t)n;
		CHECK(loop_turn(b.loop, n > 0 ? 0 : 5) == 0);
	}
	CHECK(got == sent);
	/* The loop keeps the buffer for the next, while there are any. */
	CHECK(mem_used() <= before + CONN_OUT_MAX);
	close(fd);
	for (int i = 0; i < 100 && loop_stats(b.loop)->n_conns > 0; i++)
		CHECK(loop_turn(b.loop, 5) == 0);
	CHECK(mem_used() < before);
	bench_close(&b);
}

/* More output than there is room for ends that connection only. */
static void
step_flood(struct session *s)
{
	static char big[CONN_OUT_MAX + 1];

	conn_consume(s->c, conn_in(s->c).len);
	conn_put(s->c, span_of(big, sizeof(big)));
}

static void
test_overflow(void)
{
	struct bench b;
	int fd;

	bench_open(&b, NULL, false);
	b.step = step_flood;
	fd = bench_connect(&b);
	CHECK(bench_expect(&b, fd, "hi\n"));
	send_text(fd, "x");
	bench_turns(&b, 3);
	CHECK(b.n_freed == 1);
	close(fd);
	bench_close(&b);
}

static void
test_deadline(void)
{
	struct bench b;
	int64_t now_ms = clock_mono_ms();
	int fd;
	char text[16];

	clock_fake(now_ms, 0);
	bench_open(&b, NULL, false);
	b.deadline_ms = 30;
	fd = bench_connect(&b);
	CHECK(bench_expect(&b, fd, "hi\n"));
	clock_fake(now_ms + 20, 0);
	send_text(fd, "x"); /* moves it */
	CHECK(bench_expect(&b, fd, "x"));
	clock_fake(now_ms + 40, 0);
	bench_turns(&b, 2);
	CHECK(b.n_freed == 0);
	clock_fake(now_ms + 60, 0);
	CHECK(bench_expect(&b, fd, "late\n"));
	bench_turns(&b, 2);
	CHECK(b.n_freed == 1);
	CHECK(bench_recv(fd, text, sizeof(text)) == 0);
	close(fd);
	bench_close(&b);
}

/* The loop itself wakes for a deadline. */
static void
test_sleep(void)
{
	struct bench b;
	int64_t began;
	int fd;

	bench_open(&b, NULL, false);
	b.deadline_ms = 50; /* of ten turns with 10 s each */
	fd = bench_connect(&b);
	CHECK(bench_expect(&b, fd, "hi\n"));
	began = clock_mono_ms();
	for (int i = 0; i < 10 && b.n_freed == 0; i++)
		CHECK(loop_turn(b.loop, 10000) == 0);
	CHECK(clock_mono_ms() - began < 5000);
	CHECK(b.n_freed == 1);
	close(fd);
	bench_close(&b);
}

static struct conn *ran[4];
static int n_ran;

/* "a" leaves the store alone, "b" changes it. */
static void
step_store(struct session *s)
{
	struct span in = conn_in(s->c);

	conn_set_deadline(s->c, 60000);
	if (in.len == 0)
		return;
	if (*in.p == 'b')
		s->b->is_dirty = true;
	ran[n_ran++] = s->c;
	conn_put_str(s->c, "done\n");
	conn_consume(s->c, in.len);
}

/* Design, one turn, 3 and 4: nobody hears of what did not become durable;
 * who ran before the first change goes on. */
static void
test_failed_flush(void)
{
	struct bench b;
	char text[16];
	int fd[3];

	bench_open(&b, NULL, false);
	b.step = step_store;
	for (int i = 0; i < 3; i++) {
		fd[i] = bench_connect(&b);
		CHECK(bench_expect(&b, fd[i], "hi\n"));
	}
	n_ran = 0;
	b.flush_result = ERR_IO;
	send_text(fd[0], "a");
	send_text(fd[1], "b");
	send_text(fd[2], "a");
	bench_turns(&b, 3);
	CHECK(n_ran == 3);
	CHECK(b.n_flushes == 1);
	CHECK(loop_stats(b.loop)->n_failed_flushes == 1);
	/* The changing one and whoever ran behind it. */
	CHECK(bench_recv(fd[1], text, sizeof(text)) <= 0);
	CHECK(b.n_freed == 2);
	CHECK(bench_recv(fd[0], text, sizeof(text)) == 5);
	CHECK(bench_recv(fd[2], text, sizeof(text)) <= 0);
	b.flush_result = 0;
	n_ran = 0;
	send_text(fd[0], "b");
	CHECK(bench_expect(&b, fd[0], "done\n"));
	CHECK(b.n_flushes == 2);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	bench_close(&b);
}

static void
step_early(struct session *s)
{
	struct span in = conn_in(s->c);

	conn_speak_early(s->c);
	if (in.len > 0 && *in.p == 'b')
		conn_hold(s->c);
	step_store(s);
}

/* Who tells of no change is heard although the flush fails, and dropped like
 * the others; who holds what it puts is not heard. */
static void
test_early(void)
{
	struct bench b;
	char text[16];
	int fd[2];

	bench_open(&b, NULL, false);
	b.step = step_early;
	for (int i = 0; i < 2; i++) {
		fd[i] = bench_connect(&b);
		CHECK(bench_expect(&b, fd[i], "hi\n"));
	}
	n_ran = 0;
	b.flush_result = ERR_IO;
	send_text(fd[0], "b");
	send_text(fd[1], "a");
	bench_turns(&b, 3);
	CHECK(n_ran == 2);
	CHECK(b.n_flushes == 1);
	CHECK(b.n_freed == 2);
	CHECK(bench_recv(fd[0], text, sizeof(text)) <= 0);
	CHECK(bench_recv(fd[1], text, sizeof(text)) == 5);
	CHECK(bench_recv(fd[1], text, sizeof(text)) <= 0);
	for (int i = 0; i < 2; i++)
		close(fd[i]);
	bench_close(&b);
}

/* No reset overtakes the last reply, though input is unread. */
static void
test_last_reply(void)
{
	struct bench b;
	static char junk[100000];
	char text[16];
	int fd;

	bench_open(&b, NULL, false);
	fd = bench_connect(&b);
	CHECK(bench_expect(&b, fd, "hi\n"));
	send_text(fd, "quit");
	bench_turns(&b, 1);
	(void)!send(fd, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL);
	bench_turns(&b, 5);
	CHECK(b.n_freed == 1);
	CHECK(bench_recv(fd, text, sizeof(text)) == 3);
	CHECK(bench_recv(fd, text, sizeof(text)) == 0);
	CHECK(loop_stats(b.loop)->n_conns == 1);
	close(fd);
	bench_turns(&b, 5);
	CHECK(loop_stats(b.loop)->n_conns == 0);
	bench_close(&b);
}

static void
test_half_close(void)
{
	struct bench b;
	int fd;

	bench_open(&b, NULL, false);
	fd = bench_connect(&b);
	send_text(fd, "abc");
	shutdown(fd, SHUT_WR);
	CHECK(bench_expect(&b, fd, "hi\nabc"));
	bench_turns(&b, 2);
	CHECK(loop_stats(b.loop)->n_conns == 0);
	close(fd);
	bench_close(&b);
}

static void
test_reset(void)
{
	struct bench b;
	struct linger now = { 1, 0 };
	int fd;

	bench_open(&b, NULL, false);
	fd = bench_connect(&b);
	CHECK(bench_expect(&b, fd, "hi\n"));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	bench_turns(&b, 3);
	CHECK(loop_stats(b.loop)->n_conns == 0);
	bench_close(&b);
}

/* A paused session whose peer goes away costs nothing until it goes on. */
static void
step_pause(struct session *s)
{
	conn_set_deadline(s->c, 60000);
	if (conn_is_eof(s->c))
		conn_close(s->c);
	else if (conn_in(s->c).len == 1)
		conn_pause_input(s->c, true);
}

static void
test_pause(void)
{
	struct bench b;
	uint64_t steps;
	int fd;

	bench_open(&b, NULL, false);
	b.step = step_pause;
	fd = bench_connect(&b);
	send_text(fd, "x");
	bench_turns(&b, 3);
	close(fd);
	bench_turns(&b, 3);
	steps = loop_stats(b.loop)->n_steps;
	bench_turns(&b, 10);
	CHECK(loop_stats(b.loop)->n_steps == steps);
	CHECK(b.n_freed == 0);
	conn_consume(b.last->c, 1);
	conn_pause_input(b.last->c, false);
	bench_turns(&b, 5);
	CHECK(b.n_freed == 1);
	bench_close(&b);
}

static void
test_limits(void)
{
	struct bench b;
	struct listen_limits limits = { 2, 1, 1, 30000, 60000 };
	int fd[3];

	bench_open(&b, NULL, false);
	listen_set_limits(b.loop, &limits);
	for (int i = 0; i < 3; i++)
		fd[i] = bench_connect(&b);
	/* Loopback is exempt from all but the total. */
	CHECK(bench_expect(&b, fd[0], "hi\n"));
	CHECK(bench_expect(&b, fd[1], "hi\n"));
	CHECK(bench_expect(&b, fd[2], "421 later\r\n"));
	CHECK(b.last_refusal == LISTEN_TOO_MANY);
	close(fd[2]);
	bench_turns(&b, 3);
	mem_set_budget(mem_used() - 1);
	close(fd[1]);
	fd[1] = bench_connect(&b);
	mem_set_budget(mem_used() - 1);
	limits.max_conns = 100;
	listen_set_limits(b.loop, &limits);
	CHECK(bench_expect(&b, fd[1], "421 later\r\n"));
	CHECK(b.last_refusal == LISTEN_NO_MEMORY);
	mem_set_budget(0);
	close(fd[0]);
	close(fd[1]);
	bench_close(&b);
}

static void
test_no_descriptors(void)
{
	struct bench b;
	char text[16];
	uint64_t turns;
	int fd, fd2;

	bench_open(&b, NULL, false);
	fd = bench_connect(&b);
	fault_arm(FAULT_ACCEPT, 1, true);
	bench_turns(&b, 3);
	/* It was taken by the spare descriptor, and closed. */
	CHECK(bench_recv(fd, text, sizeof(text)) <= 0);
	fd2 = bench_connect(&b);
	turns = loop_stats(b.loop)->n_turns;
	CHECK(loop_turn(b.loop, 50) == 0); /* sleeps: no spinning */
	CHECK(loop_stats(b.loop)->n_turns == turns + 1);
	CHECK(b.n_sessions == 0);
	fault_arm(FAULT_ACCEPT, 0, false);
	bench_sleep(250);
	CHECK(bench_expect(&b, fd2, "hi\n"));
	close(fd);
	close(fd2);
	bench_close(&b);
}

static void
test_local_socket(void)
{
	struct bench b;
	struct listen_options o = {
		.name = "local", .accept = bench_accept, .arg = &b
	};
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct listener *ls;
	char path[sizeof(sa.sun_path)];
	int fd, other;

	snprintf(path, sizeof(path), "%s/tinpost-loop-%d", test_folder(),
	    (int)getpid());
	memcpy(sa.sun_path, path, strlen(path));
	bench_open(&b, NULL, false);
	REQUIRE(listen_bind_local(path, 0600, &fd) == 0);
	REQUIRE(listen_open(b.loop, fd, &o, &ls) == 0);
	CHECK(listen_bind_local(path, 0600, &other) == ERR_BUSY);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	REQUIRE(connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	CHECK(bench_expect(&b, fd, "hi\n"));
	CHECK(conn_peer(b.last->c)->family == PEER_LOCAL);
	CHECK(conn_peer(b.last->c)->uid == getuid());
	CHECK(conn_peer(b.last->c)->pid == (uint32_t)getpid());
	send_text(fd, "quit");
	CHECK(bench_expect(&b, fd, "bye"));
	close(fd);
	listen_close(ls);
	bench_close(&b);
	/* Nobody listens there now: it may be bound again. */
	REQUIRE(listen_bind_local(path, 0600, &fd) == 0);
	close(fd);
	unlink(path);
}

static int n_fired, n_stepped, n_lost;

static void
on_fire(struct timer *t)
{
	(void)t;
	n_fired++;
}

static bool
step_job(struct job *j)
{
	int64_t until = clock_cpu_us() + 1000;

	(void)j;
	while (clock_cpu_us() < until)
		;
	return ++n_stepped < 30;
}

static void
on_lost(struct job *j)
{
	(void)j;
	n_lost++;
}

static void
test_timers_and_jobs(void)
{
	struct bench b;
	struct timer t, u;
	struct job j;

	bench_open(&b, NULL, false);
	timer_init(&t, on_fire);
	timer_init(&u, on_fire);
	CHECK(loop_set_timer(b.loop, &t, 0) == 0);
	CHECK(loop_set_timer(b.loop, &u, 1000000) == 0);
	bench_turns(&b, 2);
	CHECK(n_fired == 1);
	loop_clear_timer(b.loop, &u);
	job_init(&j, step_job);
	j.lost = on_lost;
	loop_add_job(b.loop, &j);
	b.is_dirty = true;
	b.flush_result = ERR_IO;
	bench_turns(&b, 1);
	CHECK(n_lost == 1);
	/* A slice is about 5 ms: the others get their turn. */
	CHECK(n_stepped >= 4 && n_stepped <= 6);
	bench_turns(&b, 10);
	CHECK(n_stepped == 30);
	CHECK(n_lost == 1);
	loop_remove_job(b.loop, &j);
	bench_close(&b);
}

static void
test_signals(void)
{
	struct bench b;

	bench_open(&b, NULL, false);
	raise(SIGTERM);
	CHECK(loop_run(b.loop) == 0);
	CHECK(loop_is_stopping(b.loop));
	bench_close(&b);
}

/* An allocation fails at each point: that connection ends, the loop goes on. */
static void
test_no_memory(void)
{
	for (uint64_t n = 1; n < 12; n++) {
		struct bench b;
		int fd;

		bench_open(&b, NULL, false);
		b.step = step_lines;
		fault_arm(FAULT_ALLOC, n, false);
		fd = bench_connect(&b);
		bench_turns(&b, 2);
		(void)!send(fd, "abc\nde", 6, MSG_NOSIGNAL);
		bench_turns(&b, 4);
		fault_arm(FAULT_ALLOC, 0, false);
		close(fd);
		fd = bench_connect(&b);
		CHECK(bench_expect(&b, fd, "hi\n"));
		close(fd);
		bench_close(&b);
	}
}

static void
measure_idle(void)
{
	struct bench b;
	size_t before;
	int fd[500];

	bench_open(&b, NULL, false);
	before = mem_used();
	for (int i = 0; i < 500; i++) {
		fd[i] = bench_connect(&b);
		bench_turns(&b, 1);
	}
	bench_turns(&b, 20);
	CHECK(b.n_sessions == 500);
	CHECK((mem_used() - before) / 500 < 4096);
	printf("bytes of an idle plain session: %zu\n",
	    (mem_used() - before) / 500);
	for (int i = 0; i < 500; i++)
		close(fd[i]);
	bench_close(&b);
}

int
main(void)
{
	test_echo();
	test_partial_input();
	test_back_pressure();
	test_overflow();
	test_sleep();
	test_failed_flush();
	test_early();
	test_last_reply();
	test_half_close();
	test_reset();
	test_pause();
	test_limits();
	test_no_descriptors();
	test_local_socket();
	test_timers_and_jobs();
	test_signals();
	test_no_memory();
	measure_idle();
	test_deadline(); /* stops the clock: the last */
	return test_done();
}
