#include "net/conn.h"

#include <assert.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/conn_impl.h"
#include "net/loop_impl.h"

static void
on_ready(struct watch *w, uint32_t events)
{
	struct conn *c = LIST_OF(w, struct conn, watch);

	if (c->state == CONN_DIALING) {
		conn_schedule(c);
		return;
	}
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
		if (c->is_blocked)
			conn_schedule_write(c);
		c->is_blocked = false;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		c->is_readable = true;
		conn_schedule(c);
	}
}

int
conn_new(struct loop *l, int fd, struct conn **out)
{
	struct conn *c = mem_alloc(sizeof(*c));

	if (c == NULL)
		return ERR_NOMEM;
	c->loop = l;
	c->id = ++l->last_conn_id;
	c->deadline_ms = -1;
	c->in_max = CONN_IN_DEFAULT;
	c->state = CONN_OPEN;
	list_init(&c->all_link);
	list_init(&c->ready_link);
	list_init(&c->out_link);
	list_init(&c->reap_link);
	buf_init(&c->out, CONN_OUT_MAX);
	buf_init(&c->wire, TLS_MAX_WIRE);
	timer_init(&c->timer, conn_expire);
	watch_init(&c->watch, fd, on_ready);
	if (loop_set_watch(l, &c->watch, EPOLLIN) < 0) {
		mem_free(c);
		return ERR_IO;
	}
	list_add(&l->conns, &c->all_link);
	l->stats.n_conns++;
	*out = c;
	return 0;
}

/* Let go of everything; the session is gone already. */
static void
destroy(struct conn *c)
{
	struct loop *l = c->loop;

	loop_clear_watch(l, &c->watch);
	loop_clear_timer(l, &c->timer);
	list_remove(&c->all_link);
	list_remove(&c->ready_link);
	list_remove(&c->out_link);
	list_remove(&c->reap_link);
	l->stats.n_conns--;
	if (c->tls != NULL)
		l->stats.n_tls_conns--;
	tls_io_free(c->tls);
	dial_free(c->dialed);
	mem_free(c->kept);
	buf_deinit(&c->out);
	buf_deinit(&c->wire);
	close(c->watch.fd);
	mem_free(c);
	while (l->stats.n_conns == 0 && l->n_spares > 0)
		buf_deinit(&l->spares[--l->n_spares]);
}

void
conn_reap(struct conn *c)
{
	if (c->session != NULL) {
		void *session = c->session;

		c->session = NULL;
		c->ops->free(session);
	}
	if (c->state == CONN_DEAD)
		destroy(c);
}

static void
schedule_reap(struct conn *c)
{
	if (list_is_empty(&c->reap_link))
		list_add(&c->loop->reap, &c->reap_link);
}

void
conn_schedule(struct conn *c)
{
	if (list_is_empty(&c->ready_link))
		list_add(&c->loop->ready, &c->ready_link);
}

void
conn_schedule_write(struct conn *c)
{
	if (list_is_empty(&c->out_link))
		list_add(&c->loop->outs, &c->out_link);
}

/* Set the timer unless it fires early enough: then conn_expire sets it
 * again. A session moves its deadline with each command. */
static void
arm(struct conn *c, int64_t ms)
{
	int64_t at = clock_mono_ms() + ms;

	if (c->timer.node.place != 0 && c->timer.node.at <= at)
		return;
	if (loop_set_timer(c->loop, &c->timer, ms) < 0)
		conn_abort(c);
}

void
conn_enter(struct conn *c, enum conn_state state)
{
	int64_t ms = -1;

	c->state = state;
	loop_clear_timer(c->loop, &c->timer);
	switch (state) {
	case CONN_OPEN:
		if (c->deadline_ms >= 0)
			ms = c->deadline_ms - clock_mono_ms();
		if (c->deadline_ms >= 0 && ms < 0)
			ms = 0;
		break;
	case CONN_DIALING: /* dial sets it */
	case CONN_FAILED:  /* the session is called in the next turn */
		break;
	case CONN_SWITCHING:
	case CONN_SHAKING:
		ms = c->loop->limits.handshake_ms;
		break;
	case CONN_DRAINING:
		ms = c->loop->limits.drain_ms;
		schedule_reap(c); /* the session */
		break;
	case CONN_LINGERING:
		ms = CONN_LINGER_MS;
		break;
	case CONN_DEAD:
		schedule_reap(c);
		return;
	}
	if (ms >= 0)
		arm(c, ms);
}

void
conn_expire(struct timer *t)
{
	struct conn *c = LIST_OF(t, struct conn, timer);
	int64_t left;

	if (c->dialed != NULL && !conn_is_closing(c) && c->state != CONN_OPEN) {
		dial_fail(c, ERR_TIMEOUT,
		    c->state == CONN_DIALING
		        ? "the host did not answer in time"
		        : "the TLS handshake took too long");
		return;
	}
	if (c->state != CONN_OPEN) {
		conn_abort(c);
		return;
	}
	if (c->deadline_ms < 0)
		return;
	left = c->deadline_ms - clock_mono_ms();
	if (left > 0) {
		arm(c, left);
		return;
	}
	c->has_timed_out = true;
	conn_schedule(c);
}

void
conn_update(struct conn *c)
{
	uint32_t want = c->is_blocked ? EPOLLOUT : 0;

	switch (c->state) {
	case CONN_OPEN:
		if (!c->is_paused && !c->is_eof &&
		    (c->out.len <= CONN_OUT_HIGH || c->is_broken) &&
		    c->in_len < c->in_max)
			want |= EPOLLIN;
		break;
	case CONN_DIALING:
		want = EPOLLOUT;
		break;
	case CONN_SHAKING:
	case CONN_LINGERING:
		want |= EPOLLIN;
		break;
	case CONN_FAILED:
		want = 0;
		break;
	case CONN_SWITCHING:
	case CONN_DRAINING:
		break;
	case CONN_DEAD:
		want = 0;
		break;
	}
	if (loop_set_watch(c->loop, &c->watch, want) < 0)
		conn_abort(c);
}

void
conn_attach(struct conn *c, const struct conn_ops *ops, void *session)
{
	c->ops = ops;
	c->session = session;
}

struct span
conn_in(const struct conn *c)
{
	return span_of(c->in, c->in_len);
}

void
conn_consume(struct conn *c, size_t n)
{
	if (c->state != CONN_OPEN)
		return; /* closing or switching has dropped it all */
	assert(n <= c->in_len);
	c->in += n;
	c->in_len -= n;
}

void
conn_set_in_max(struct conn *c, size_t bytes)
{
	c->in_max = bytes > CONN_LINE_MAX ? CONN_LINE_MAX : (uint32_t)bytes;
	conn_update(c);
}

bool
conn_is_eof(const struct conn *c)
{
	return c->is_eof;
}

bool
conn_is_cut(const struct conn *c)
{
	return c->is_cut;
}

void
conn_pause_input(struct conn *c, bool is_paused)
{
	if (c->is_paused && !is_paused)
		conn_wake(c);
	c->is_paused = is_paused;
	conn_update(c);
}

size_t
conn_out_room(const struct conn *c)
{
	return c->out.has_failed ? 0 : CONN_OUT_MAX - c->out.len;
}

struct buf *
conn_out(struct conn *c)
{
	struct loop *l = c->loop;

	/* Also what a job puts in a dirty turn waits for the flush. */
	if (l->is_turn_dirty)
		c->dirty_turn = l->turn;
	conn_schedule_write(c);
	if (c->out.cap == 0 && !c->out.has_failed && l->n_spares > 0)
		c->out = l->spares[--l->n_spares];
	return &c->out;
}

void
conn_put(struct conn *c, struct span s)
{
	buf_put(conn_out(c), s);
}

void
conn_put_str(struct conn *c, const char *s)
{
	conn_put(c, span_str(s));
}

void
conn_speak_early(struct conn *c)
{
	c->is_early = true;
}

void
conn_hold(struct conn *c)
{
	c->is_held = true;
}

bool
conn_is_drained(const struct conn *c)
{
	return c->out.len == 0 && c->wire.len == 0;
}

void
conn_set_deadline(struct conn *c, int64_t ms)
{
	c->has_timed_out = false;
	c->deadline_ms = ms < 0 ? -1 : clock_mono_ms() + ms;
	if (c->state == CONN_OPEN && ms >= 0)
		arm(c, ms);
}

bool
conn_timed_out(const struct conn *c)
{
	return c->has_timed_out;
}

void
conn_close(struct conn *c)
{
	if (conn_is_closing(c))
		return;
	c->in_len = 0;
	if (c->state == CONN_SHAKING || c->state == CONN_DIALING) {
		conn_abort(c); /* nothing can be said yet */
		return;
	}
	conn_enter(c, CONN_DRAINING);
	conn_schedule_write(c);
	conn_update(c);
}

void
conn_abort(struct conn *c)
{
	if (c->state == CONN_DEAD)
		return;
	c->in_len = 0;
	conn_enter(c, CONN_DEAD);
	conn_update(c);
}

bool
conn_is_closing(const struct conn *c)
{
	return c->state >= CONN_DRAINING;
}

void
conn_drop_dirty(struct conn *c)
{
	if (c->dirty_turn == c->loop->turn)
		conn_abort(c);
}

void
conn_wake(struct conn *c)
{
	c->is_woken = true;
	conn_schedule(c);
}

bool
conn_can_start_tls(const struct conn *c)
{
	return c->state == CONN_OPEN && c->tls == NULL &&
	       c->tls_config != NULL &&
	       tls_config_cert(c->tls_config, 0) != NULL;
}

void
conn_start_tls(struct conn *c)
{
	assert(conn_can_start_tls(c));
	c->in_len = 0;
	conn_enter(c, CONN_SWITCHING);
	conn_schedule_write(c);
	conn_update(c);
}

void
conn_shake(struct conn *c)
{
	if (c->dialed != NULL) {
		dial_shake(c);
		return;
	}
	if (tls_io_new(c->tls_config, c->alpn, &c->tls) < 0) {
		conn_abort(c);
		return;
	}
	c->loop->stats.n_tls_conns++;
	conn_enter(c, CONN_SHAKING);
}

bool
conn_is_tls(const struct conn *c)
{
	return c->tls != NULL && c->state != CONN_SHAKING &&
	       c->state != CONN_FAILED;
}

int
conn_tls_info(const struct conn *c, struct tls_info *out)
{
	if (!conn_is_tls(c))
		return ERR_NONE;
	tls_io_info(c->tls, out);
	return 0;
}

const struct peer *
conn_peer(const struct conn *c)
{
	return &c->peer;
}

const struct peer *
conn_self(const struct conn *c)
{
	return &c->self;
}

struct loop *
conn_loop(const struct conn *c)
{
	return c->loop;
}

uint64_t
conn_id(const struct conn *c)
{
	return c->id;
}
