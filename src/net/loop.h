/* loop.h - the one loop: turns, timers, jobs, signals, and their times.
 *
 * Ownership  the loop owns its connections; timers, jobs and watches belong
 *            to those who embed them, and are taken out before they die.
 * Blocking   loop_run only; it sleeps when nothing is ready.
 */
#ifndef TINPOST_NET_LOOP_H
#define TINPOST_NET_LOOP_H

#include "base/heap.h"
#include "base/list.h"

struct loop;

/* What the owner of the loop does in a turn; any may be NULL. */
struct loop_hooks {
	void *arg;
	/* Has this turn changed something that flush must make durable? Asked
	 * after each session's step: cheap. */
	bool (*is_dirty)(void *arg);
	/* Make the turn's changes durable; called when is_dirty says so. < 0:
	 * it failed. Every connection whose session ran since the turn became
	 * dirty is then dropped and its output discarded. */
	int (*flush)(void *arg);
	/* Nothing is ready: do some bounded housekeeping. Returns 1 when there
	 * is more to do, 0 when not. */
	int (*idle)(void *arg);
	/* SIGHUP came. */
	void (*reload)(void *arg);
};

/* ERR_NOMEM, ERR_IO. Blocks SIGTERM, SIGINT and SIGHUP in this process and
 * receives them: the first two stop the loop. Raises the limit of descriptors as
 * far as is allowed without root. hooks is copied. */
MUST_USE int loop_new(const struct loop_hooks *hooks, struct loop **out);

/* Abort all connections (their sessions are freed) and the loop; restores the
 * signal mask. NULL is fine. */
void loop_free(struct loop *l);

/* Run turns until loop_stop or a signal. Returns 0, or ERR_IO when waiting
 * itself fails. */
MUST_USE int loop_run(struct loop *l);

/* One turn, sleeping at most max_ms (-1: as long as it takes). For tests. */
MUST_USE int loop_turn(struct loop *l, int max_ms);

/* Let loop_run return after this turn's writes. */
void loop_stop(struct loop *l);
bool loop_is_stopping(const struct loop *l);

/* A thing to do later, once. */
struct timer {
	struct heap_node node;
	void (*fire)(struct timer *);
};

void timer_init(struct timer *t, void (*fire)(struct timer *));

/* Fire in delay_ms from now; moves a timer that is set. ERR_NOMEM. */
MUST_USE int loop_set_timer(struct loop *l, struct timer *t, int64_t delay_ms);
void loop_clear_timer(struct loop *l, struct timer *t);

/* Long work in small steps. One step takes well under a millisecond (a few on
 * a router); all jobs together get about LOOP_SLICE_US of CPU in a turn, in
 * turns of one step each. */
#define LOOP_SLICE_US 5000

struct job {
	struct list link;
	/* Do a little. Returns true when there is more to do; false: it is
	 * taken out, and may have freed itself. */
	bool (*step)(struct job *);
	/* The flush of a turn in which this job ran, and goes on, has failed
	 * after the turn became dirty: its changes are undone. NULL: does not
	 * matter. */
	void (*lost)(struct job *);
	bool has_run_dirty; /* the loop's */
};

void job_init(struct job *j, bool (*step)(struct job *));

/* Let it run; fine when it does already. */
void loop_add_job(struct loop *l, struct job *j);
/* Take it out; it may be in none. */
void loop_remove_job(struct loop *l, struct job *j);

/* A descriptor of somebody else that the loop watches. */
struct watch {
	int fd;
	uint32_t events; /* what is watched now; 0: not in the loop */
	/* Called in the run phase with the EPOLL* bits that are set. */
	void (*ready)(struct watch *, uint32_t events);
};

void watch_init(
    struct watch *w, int fd, void (*ready)(struct watch *, uint32_t));

/* Watch for these EPOLL bits (level triggered); 0 takes it out. ERR_IO. */
MUST_USE int loop_set_watch(struct loop *l, struct watch *w, uint32_t events);
void loop_clear_watch(struct loop *l, struct watch *w);

/* Bucket i counts times of 2^i to 2^(i+1)-1 microseconds (0 and 1 are in
 * bucket 0); the last one all above. */
#define LOOP_BUCKETS 24

struct loop_stats {
	uint64_t n_turns, n_steps, n_flushes, n_failed_flushes;
	uint64_t turn_wall_us[LOOP_BUCKETS]; /* without the waiting */
	uint64_t turn_cpu_us[LOOP_BUCKETS];
	uint64_t step_cpu_us[LOOP_BUCKETS]; /* one session in one turn */
	uint64_t job_cpu_us[LOOP_BUCKETS];  /* one step of a job */
	uint32_t max_turn_wall_us, max_turn_cpu_us;
	uint32_t max_step_cpu_us, max_job_cpu_us;
	uint32_t n_conns, n_tls_conns, n_accepted, n_refused;
	uint32_t n_handshakes, n_resumed, n_failed_handshakes;
};

/* The figures since the start, borrowed; they go on changing. */
const struct loop_stats *loop_stats(const struct loop *l);

#endif
