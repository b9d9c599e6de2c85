#define _GNU_SOURCE /* signalfd */
#include "net/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/conn_impl.h"
#include "net/loop_impl.h"

/* More than connections may be set; each costs the kernel memory too. */
#define MAX_DESCRIPTORS 16384
/* Before a flush: how often and how long others are run who share it. */
#define GATHER_ROUNDS  64
#define GATHER_MAX_US  8000
#define GATHER_WAIT_US 1000 /* of them without anything to do */

static void
on_signal(struct watch *w, uint32_t events)
{
	struct loop *l = LIST_OF(w, struct loop, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(w->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			l->is_stopping = true;
		else if (l->hooks.reload)
			l->hooks.reload(l->hooks.arg);
	}
}

static int
open_signals(struct loop *l)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, &l->old_mask) < 0)
		return ERR_IO;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return ERR_IO;
	watch_init(&l->signals, fd, on_signal);
	return loop_set_watch(l, &l->signals, EPOLLIN);
}

/* A descriptor for each connection: the soft limit is a default for programs
 * that use select(2). */
static void
raise_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	r.rlim_cur =
	    r.rlim_max < MAX_DESCRIPTORS ? r.rlim_max : MAX_DESCRIPTORS;
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

int
loop_new(const struct loop_hooks *hooks, struct loop **out)
{
	struct loop *l = mem_alloc(sizeof(*l));
	int rc;

	if (l == NULL)
		return ERR_NOMEM;
	l->hooks = *hooks;
	l->limits = (struct listen_limits){ 1000, 20, 100, 30000, 60000 };
	l->is_idle_due = true;
	l->signals.fd = -1;
	heap_init(&l->timers);
	list_init(&l->jobs);
	list_init(&l->conns);
	list_init(&l->ready);
	list_init(&l->outs);
	list_init(&l->reap);
	list_init(&l->listeners);
	sigprocmask(SIG_BLOCK, NULL, &l->old_mask);
	raise_descriptors();
	l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	rc = l->epoll_fd < 0 ? ERR_IO : open_signals(l);
	if (rc < 0) {
		loop_free(l);
		return rc;
	}
	*out = l;
	return 0;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	while (!list_is_empty(&l->listeners))
		listen_close(listener_of(l->listeners.next));
	while (!list_is_empty(&l->conns)) {
		struct conn *c = LIST_OF(l->conns.next, struct conn, all_link);

		conn_abort(c);
		conn_reap(c);
	}
	dial_forget(l);
	while (!list_is_empty(&l->jobs))
		list_remove(l->jobs.next);
	if (l->signals.fd >= 0)
		close(l->signals.fd);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	if (l->spare_fd >= 0)
		close(l->spare_fd);
	sigprocmask(SIG_SETMASK, &l->old_mask, NULL);
	while (l->n_spares > 0)
		buf_deinit(&l->spares[--l->n_spares]);
	heap_deinit(&l->timers);
	mem_free(l);
}

void
loop_stop(struct loop *l)
{
	l->is_stopping = true;
}

bool
loop_is_stopping(const struct loop *l)
{
	return l->is_stopping;
}

const struct loop_stats *
loop_stats(const struct loop *l)
{
	return &l->stats;
}

void
loop_count_time(uint64_t buckets[LOOP_BUCKETS], uint32_t *max, int64_t us)
{
	uint32_t v = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	size_t i = 0;

	if (v > *max)
		*max = v;
	while (v > 1 && i < LOOP_BUCKETS - 1) {
		v >>= 1;
		i++;
	}
	buckets[i]++;
}

void
watch_init(struct watch *w, int fd, void (*ready)(struct watch *, uint32_t))
{
	*w = (struct watch){ .fd = fd, .ready = ready };
}

int
loop_set_watch(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };
	int op = w->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (events == w->events)
		return 0;
	if (events == 0) {
		/* It may be freed now: forget what this turn has for it. */
		for (int i = 0; i < l->n_events; i++)
			if (l->events[i].data.ptr == w)
				l->events[i].data.ptr = NULL;
		op = EPOLL_CTL_DEL;
	}
	w->events = events;
	if (epoll_ctl(l->epoll_fd, op, w->fd, &e) < 0)
		return ERR_IO;
	return 0;
}

void
loop_clear_watch(struct loop *l, struct watch *w)
{
	/* Taking out fails only for a descriptor that is not in. */
	if (loop_set_watch(l, w, 0) < 0)
		w->events = 0;
}

void
timer_init(struct timer *t, void (*fire)(struct timer *))
{
	*t = (struct timer){ .fire = fire };
}

int
loop_set_timer(struct loop *l, struct timer *t, int64_t delay_ms)
{
	return heap_set(&l->timers, &t->node, clock_mono_ms() + delay_ms);
}

void
loop_clear_timer(struct loop *l, struct timer *t)
{
	heap_remove(&l->timers, &t->node);
}

void
job_init(struct job *j, bool (*step)(struct job *))
{
	*j = (struct job){ .step = step };
	list_init(&j->link);
}

void
loop_add_job(struct loop *l, struct job *j)
{
	if (list_is_empty(&j->link))
		list_add(&l->jobs, &j->link);
}

void
loop_remove_job(struct loop *l, struct job *j)
{
	(void)l;
	list_remove(&j->link);
}

void
loop_note_dirty(struct loop *l)
{
	if (!l->is_turn_dirty && l->hooks.is_dirty)
		l->is_turn_dirty = l->hooks.is_dirty(l->hooks.arg);
}

/* Is there something to run without waiting for an event? */
static bool
has_work(const struct loop *l)
{
	struct heap_node *first = heap_first(&l->timers);

	return !list_is_empty(&l->ready) || !list_is_empty(&l->jobs) ||
	       !list_is_empty(&l->reap) || !list_is_empty(&l->outs) ||
	       (first != NULL && first->at <= clock_mono_ms());
}

/* How long may the loop sleep? */
static int
sleep_ms(const struct loop *l, int max_ms)
{
	struct heap_node *first = heap_first(&l->timers);
	int64_t ms = max_ms;

	if (first != NULL) {
		int64_t left = first->at - clock_mono_ms();

		if (left < 0)
			left = 0;
		if (ms < 0 || left < ms)
			ms = left;
	}
	return ms > 3600 * 1000 ? 3600 * 1000 : (int)ms;
}

static int
wait_events(struct loop *l, int ms)
{
	l->n_events = epoll_wait(l->epoll_fd, l->events, LOOP_EVENTS, ms);
	if (l->n_events >= 0)
		return 0;
	l->n_events = 0;
	return errno == EINTR ? 0 : ERR_IO;
}

/* Wait; before a sleep the idle hook does its housekeeping. */
static int
wait_phase(struct loop *l, int max_ms)
{
	int rc;

	if (has_work(l))
		return wait_events(l, 0);
	if (l->is_idle_due && l->hooks.idle) {
		rc = wait_events(l, 0);
		if (rc < 0 || l->n_events > 0)
			return rc;
		l->is_idle_due = l->hooks.idle(l->hooks.arg) > 0;
		loop_note_dirty(l);
		if (l->is_idle_due || l->is_turn_dirty)
			return 0;
	}
	return wait_events(l, sleep_ms(l, max_ms));
}

static void
dispatch_events(struct loop *l)
{
	for (int i = 0; i < l->n_events; i++) {
		struct watch *w = l->events[i].data.ptr;

		if (w != NULL)
			w->ready(w, l->events[i].events);
	}
	if (l->n_events > 0)
		l->is_idle_due = true;
	l->n_events = 0;
}

static void
fire_timers(struct loop *l)
{
	int64_t now = clock_mono_ms();

	for (;;) {
		struct heap_node *n = heap_first(&l->timers);

		if (n == NULL || n->at > now)
			return;
		heap_remove(&l->timers, n);
		LIST_OF(n, struct timer, node)
		    ->fire(LIST_OF(n, struct timer, node));
		l->is_idle_due = true;
		loop_note_dirty(l);
	}
}

/* Move all members of one list to another, which is empty. */
static void
take_all(struct list *from, struct list *to)
{
	list_init(to);
	if (list_is_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

/* Run each ready session once; who is woken meanwhile comes next turn. */
static void
run_conns(struct loop *l)
{
	struct list now;
	int64_t before = clock_slice_us();

	take_all(&l->ready, &now);
	while (!list_is_empty(&now)) {
		struct conn *c = LIST_OF(now.next, struct conn, ready_link);
		int64_t after;

		list_remove(&c->ready_link);
		conn_run(c);
		after = clock_slice_us();
		loop_count_time(l->stats.step_cpu_us, &l->stats.max_step_cpu_us,
		    after - before);
		before = after;
		l->stats.n_steps++;
		l->is_idle_due = true;
	}
}

/* One step of each job in turn, until the slice is used up. */
static void
run_jobs(struct loop *l)
{
	int64_t start, before;

	if (list_is_empty(&l->jobs))
		return;
	start = before = clock_slice_us();
	while (!list_is_empty(&l->jobs) && before - start < LOOP_SLICE_US) {
		struct job *j = LIST_OF(l->jobs.next, struct job, link);
		int64_t after;

		/* Out first: a job that is done may free itself. */
		list_remove(&j->link);
		if (j->step(j)) {
			loop_note_dirty(l);
			j->has_run_dirty |= l->is_turn_dirty;
			loop_add_job(l, j);
		}
		loop_note_dirty(l);
		after = clock_slice_us();
		loop_count_time(l->stats.job_cpu_us, &l->stats.max_job_cpu_us,
		    after - before);
		before = after;
	}
	l->is_idle_due = true;
}

/* The flush has failed: nobody may learn of what this turn did. */
static void
drop_dirty(struct loop *l)
{
	struct list jobs;
	struct list *i;

	for (i = l->conns.next; i != &l->conns; i = i->next)
		conn_drop_dirty(LIST_OF(i, struct conn, all_link));
	take_all(&l->jobs, &jobs);
	while (!list_is_empty(&jobs)) {
		struct job *j = LIST_OF(jobs.next, struct job, link);

		list_remove(&j->link);
		loop_add_job(l, j);
		if (j->has_run_dirty && j->lost)
			j->lost(j);
	}
}

/* The mean of the last few. */
static void
note_flush_time(struct loop *l, int64_t us)
{
	if (us > 8 * GATHER_WAIT_US)
		us = 8 * GATHER_WAIT_US;
	l->flush_us = (uint32_t)((7 * l->flush_us + us) / 8);
}

static void
flush_phase(struct loop *l)
{
	int64_t before;
	struct list *i;

	loop_note_dirty(l);
	if (!l->is_turn_dirty)
		return;
	l->stats.n_flushes++;
	before = clock_mono_us();
	if (l->hooks.flush && l->hooks.flush(l->hooks.arg) < 0) {
		struct log line;

		l->stats.n_failed_flushes++;
		log_begin(&line, LOG_FAULT, "loop.flush_failed");
		log_num(&line, "turn", (int64_t)l->turn);
		log_end(&line);
		drop_dirty(l);
	}
	for (i = l->jobs.next; i != &l->jobs; i = i->next)
		LIST_OF(i, struct job, link)->has_run_dirty = false;
	l->is_turn_dirty = false;
	l->n_held_last = l->n_held;
	note_flush_time(l, clock_mono_us() - before);
}

static void
write_phase(struct loop *l)
{
	struct list now;

	take_all(&l->outs, &now);
	while (!list_is_empty(&now)) {
		struct conn *c = LIST_OF(now.next, struct conn, out_link);

		list_remove(&c->out_link);
		conn_write(c);
	}
}

static void
reap_phase(struct loop *l)
{
	while (!list_is_empty(&l->reap)) {
		struct conn *c = LIST_OF(l->reap.next, struct conn, reap_link);

		list_remove(&c->reap_link);
		conn_reap(c);
	}
}

/* Those who tell of no change need not wait for the flush. */
static void
write_early(struct loop *l)
{
	struct list now;

	take_all(&l->outs, &now);
	while (!list_is_empty(&now)) {
		struct conn *c = LIST_OF(now.next, struct conn, out_link);

		list_remove(&c->out_link);
		if (c->is_early && !c->is_held)
			conn_write(c);
		else
			list_add(&l->outs, &c->out_link);
	}
}

/* Sleep so long, or until somebody is ready. */
static int
wait_us(struct loop *l, int64_t us)
{
	struct pollfd p = { .fd = l->epoll_fd, .events = POLLIN };
	struct timespec ts = { .tv_nsec = (long)us * 1000 };

	if (ppoll(&p, 1, &ts, NULL) < 0 && errno != EINTR)
		return ERR_IO;
	return wait_events(l, 0);
}

/* Whoever has become ready while the others ran shares the flush of this
 * turn. Where several shared the last one, they are likely to come again: they
 * are waited for, but not for longer than half of what a flush takes. */
static int
gather_phase(struct loop *l)
{
	int64_t start = clock_mono_us();
	int64_t wait = l->flush_us / 2;
	int64_t waited = 0;

	if (wait > GATHER_WAIT_US)
		wait = GATHER_WAIT_US;
	for (int i = 0; i < GATHER_ROUNDS; i++) {
		int64_t now;
		int rc;

		loop_note_dirty(l);
		if (!l->is_turn_dirty)
			return 0;
		write_early(l);
		rc = wait_events(l, 0);
		if (rc < 0)
			return rc;
		now = clock_mono_us();
		if (now - start > GATHER_MAX_US)
			return 0; /* who is ready comes next turn */
		if (l->n_events == 0) {
			if (l->n_held >= l->n_held_last || waited >= wait)
				return 0;
			rc = wait_us(l, wait - waited);
			if (rc < 0)
				return rc;
			waited += clock_mono_us() - now;
		}
		dispatch_events(l);
		run_conns(l);
	}
	return 0;
}

int
loop_turn(struct loop *l, int max_ms)
{
	int64_t wall, cpu;
	int rc = wait_phase(l, max_ms);

	if (rc < 0)
		return rc;
	wall = clock_mono_us();
	cpu = clock_slice_us();
	l->turn++;
	l->n_held = 0;
	l->has_handshaken = false;
	dispatch_events(l);
	fire_timers(l);
	run_conns(l);
	run_jobs(l);
	rc = gather_phase(l);
	flush_phase(l);
	write_phase(l);
	reap_phase(l);
	l->stats.n_turns++;
	loop_count_time(l->stats.turn_wall_us, &l->stats.max_turn_wall_us,
	    clock_mono_us() - wall);
	loop_count_time(l->stats.turn_cpu_us, &l->stats.max_turn_cpu_us,
	    clock_slice_us() - cpu);
	return rc;
}

int
loop_run(struct loop *l)
{
	int rc = 0;

	while (!l->is_stopping && rc == 0)
		rc = loop_turn(l, -1);
	return rc;
}
