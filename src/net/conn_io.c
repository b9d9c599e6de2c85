/* conn_io.c - what a connection does in the phases of a turn. */
#include <errno.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/conn_impl.h"
#include "net/loop_impl.h"

/* A smaller output buffer is not worth keeping. */
#define MIN_SPARE_BYTES 1024

/* recv that tells apart: > 0 bytes, 0 end, ERR_AGAIN, ERR_CLOSED (reset). */
static int
receive(struct conn *c, char *p, size_t len)
{
	ssize_t n = recv(c->watch.fd, p, len, 0);

	c->is_readable = false;
	if (n >= 0)
		return (int)n;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return ERR_AGAIN;
	return ERR_CLOSED;
}

/* The unread input is moved in front of the loop's buffer for the step. */
static void
take_up_input(struct conn *c)
{
	struct loop *l = c->loop;

	if (c->in_len > 0)
		memcpy(l->in, c->in, c->in_len);
	c->in = l->in;
	mem_free(c->kept);
	c->kept = NULL;
}

/* What the step left is kept in a block of its size. */
static void
put_down_input(struct conn *c)
{
	if (c->in_len > 0) {
		c->kept = mem_alloc(c->in_len);
		if (c->kept == NULL) {
			conn_abort(c);
			return;
		}
		memcpy(c->kept, c->in, c->in_len);
	}
	c->in = c->kept;
}

/* The handshake or a record has failed: an alert may wait to be sent. */
static void
fail_tls(struct conn *c)
{
	struct log line;
	struct buf who;
	char text[64];

	buf_init_fixed(&who, text, sizeof(text));
	peer_put(&who, &c->peer);
	log_begin(&line, LOG_NOTE, "tls.failed");
	log_num(&line, "conn", (int64_t)c->id);
	log_str(&line, "peer", buf_span(&who));
	log_num(&line, "code", tls_io_error(c->tls));
	log_end(&line);
	c->in_len = 0;
	buf_deinit(&c->out);
	if (c->state == CONN_SHAKING)
		c->loop->stats.n_failed_handshakes++;
	if (c->dialed != NULL && c->state == CONN_SHAKING) {
		dial_fail(c, ERR_TLS, tls_io_why(c->tls));
		return;
	}
	conn_enter(c, CONN_DRAINING);
	conn_schedule_write(c);
}

/* Decrypt n bytes of the loop's raw buffer behind the unread input. */
static enum tls_state
decrypt(struct conn *c, size_t n)
{
	struct loop *l = c->loop;
	struct buf plain;
	enum tls_state state;

	buf_init_fixed(&plain, c->in + c->in_len,
	    (size_t)(l->in + LOOP_IN_BYTES - (c->in + c->in_len)));
	state = tls_io_feed(c->tls, span_of(l->raw, n), &plain, &c->wire);
	c->in_len += plain.len;
	if (plain.len > 0)
		c->has_news = true;
	if (c->wire.len > 0)
		conn_schedule_write(c);
	return state;
}

static void
read_tls(struct conn *c, size_t max)
{
	struct loop *l = c->loop;
	int n = receive(c, l->raw, max < sizeof(l->raw) ? max : sizeof(l->raw));

	if (n == ERR_AGAIN)
		return;
	if (n < 0) {
		conn_abort(c);
		return;
	}
	if (n == 0) {
		/* Without close_notify: cut off, or a careless client. Mail
		 * protocols end by commands, so both are an end of input. */
		c->is_eof = c->is_cut = c->has_news = true;
		return;
	}
	switch (decrypt(c, (size_t)n)) {
	case TLS_SHAKING:
	case TLS_OPEN:
		break;
	case TLS_ENDED:
		/* RFC 5246 7.2.1: pending writes are discarded. */
		c->is_eof = c->has_news = true;
		buf_reset(&c->out);
		break;
	case TLS_FAILED:
		fail_tls(c);
		break;
	}
}

static void
read_plain(struct conn *c, size_t max)
{
	int n = receive(c, c->in + c->in_len, max);

	if (n == ERR_AGAIN)
		return;
	if (n < 0) {
		conn_abort(c);
		return;
	}
	c->has_news = true;
	c->in_len += (size_t)n;
	if (n == 0)
		c->is_eof = true;
}

/* Its peer waits for the flush of this turn, if it does: then it is one of
 * those who share it. */
static void
note_held(struct conn *c)
{
	struct loop *l = c->loop;

	if (c->held_turn == l->turn || c->out.len == 0 ||
	    (c->is_early && !c->is_held))
		return;
	c->held_turn = l->turn;
	l->n_held++;
}

/* Call the session if there is a reason. */
static void
call_step(struct conn *c)
{
	struct loop *l = c->loop;
	bool was_late = c->has_timed_out, was_asked = c->has_news;

	if (!c->has_news && !c->is_woken && !was_late)
		return;
	c->has_news = c->is_woken = false;
	c->ops->step(c->session);
	loop_note_dirty(l);
	if (l->is_turn_dirty) {
		c->dirty_turn = l->turn;
		if (was_asked)
			note_held(c);
	}
	if (c->out.has_failed ||
	    (was_late && c->has_timed_out && c->state == CONN_OPEN))
		conn_abort(c);
	if (c->out.len > CONN_OUT_LOW)
		c->was_full = true;
}

static void
run_open(struct conn *c)
{
	take_up_input(c);
	if (c->is_readable && !c->is_paused && !c->is_eof &&
	    (c->out.len <= CONN_OUT_HIGH || c->is_broken) &&
	    c->in_len < c->in_max) {
		if (c->tls != NULL)
			read_tls(c, c->in_max - c->in_len);
		else
			read_plain(c, c->in_max - c->in_len);
	}
	if (c->state == CONN_OPEN)
		call_step(c);
	put_down_input(c);
}

/* One feed of a handshake; at most one with an asymmetric operation a turn,
 * the others wait in order for the next. */
static void
run_shaking(struct conn *c)
{
	struct loop *l = c->loop;
	int n;

	if (!c->is_readable)
		return;
	if (l->has_handshaken) {
		conn_schedule(c);
		return;
	}
	take_up_input(c);
	n = receive(c, l->raw, sizeof(l->raw));
	if (n == ERR_AGAIN)
		return;
	if (n <= 0) {
		l->stats.n_failed_handshakes++;
		if (c->dialed != NULL)
			dial_fail(c, ERR_TLS,
			    "the host closed during the TLS handshake");
		else
			conn_abort(c);
		return;
	}
	switch (decrypt(c, (size_t)n)) {
	case TLS_SHAKING:
		break;
	case TLS_OPEN:
		conn_enter(c, CONN_OPEN);
		l->stats.n_handshakes++;
		l->stats.n_resumed += tls_io_is_resumed(c->tls);
		conn_schedule_write(c);
		conn_wake(c);
		break;
	case TLS_ENDED:
	case TLS_FAILED:
		fail_tls(c);
		break;
	}
	l->has_handshaken |= tls_io_has_sweated(c->tls);
	put_down_input(c);
}

/* All was sent; what still comes in is swallowed until the peer closes. */
static void
run_lingering(struct conn *c)
{
	struct loop *l = c->loop;
	int n = ERR_AGAIN;

	if (c->is_readable)
		n = receive(c, l->raw, sizeof(l->raw));
	if (n == ERR_AGAIN)
		return;
	if (n > 0)
		c->n_swallowed += (uint32_t)n;
	if (n <= 0 || c->n_swallowed > CONN_LINGER_BYTES)
		conn_abort(c);
}

void
conn_run(struct conn *c)
{
	switch (c->state) {
	case CONN_OPEN:
		run_open(c);
		break;
	case CONN_SHAKING:
		run_shaking(c);
		break;
	case CONN_LINGERING:
		run_lingering(c);
		break;
	case CONN_DIALING:
		dial_run(c);
		break;
	case CONN_FAILED:
		call_step(c);
		if (c->state == CONN_FAILED)
			conn_abort(c); /* there is nothing to wait for */
		break;
	case CONN_SWITCHING:
	case CONN_DRAINING:
	case CONN_DEAD:
		break;
	}
	/* What is put is sent before the next wait, and most often all of it:
	 * what to wait for is known then. */
	if (list_is_empty(&c->out_link))
		conn_update(c);
}

/* The last output is sent: end our direction, wait for the peer's. */
static void
begin_linger(struct conn *c)
{
	if (c->is_eof || shutdown(c->watch.fd, SHUT_WR) < 0) {
		conn_abort(c);
		return;
	}
	if (c->tls != NULL) {
		tls_io_free(c->tls);
		c->tls = NULL;
		c->loop->stats.n_tls_conns--;
	}
	conn_enter(c, CONN_LINGERING);
}

/* Everything was handed to the kernel. Returns whether there is more to
 * send now. */
static bool
on_drained(struct conn *c)
{
	switch (c->state) {
	case CONN_SWITCHING:
		conn_shake(c);
		return c->wire.len > 0; /* a client speaks first */
	case CONN_DRAINING:
		if (c->tls != NULL)
			tls_io_end(c->tls, &c->wire);
		if (c->wire.len > 0)
			return true;
		begin_linger(c);
		return false;
	case CONN_OPEN:
	case CONN_DIALING:
	case CONN_FAILED:
	case CONN_SHAKING:
	case CONN_LINGERING:
	case CONN_DEAD:
		break;
	}
	return false;
}

/* What may be sent next; encrypts a piece when the wire is empty. */
static struct buf *
next_output(struct conn *c)
{
	if (c->tls == NULL)
		return &c->out;
	if (c->wire.len == 0 && c->out.len > 0 && c->state != CONN_SHAKING) {
		struct span piece = span_sub(buf_span(&c->out), 0, TLS_PUT_MAX);

		tls_io_put(c->tls, piece, &c->wire);
		buf_consume(&c->out, piece.len);
	}
	return &c->wire;
}

/* Send until all is sent or the socket is full. Returns false when the
 * connection is broken. */
static bool
send_output(struct conn *c)
{
	for (;;) {
		struct buf *b = next_output(c);
		ssize_t n;

		if (b->has_failed || c->out.has_failed)
			return false;
		if (b->len == 0 && !on_drained(c))
			return true;
		if (b->len == 0)
			continue;
		n = send(c->watch.fd, b->p, b->len, MSG_NOSIGNAL);
		if (n > 0) {
			buf_consume(b, (size_t)n);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		c->is_blocked = true;
		return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
	}
}

/* An idle connection has no buffer; that which is grown goes to the next who
 * has output. */
static void
let_go_of_output(struct conn *c)
{
	struct loop *l = c->loop;

	if (c->out.cap < MIN_SPARE_BYTES || l->n_spares == LOOP_SPARES ||
	    mem_is_tight()) {
		buf_deinit(&c->out);
		return;
	}
	buf_reset(&c->out);
	l->spares[l->n_spares++] = c->out;
	buf_init(&c->out, CONN_OUT_MAX);
}

/* The peer takes nothing more. A server that refuses a message in its midst
 * may have said why before it closed: that is still to be read. */
static void
break_output(struct conn *c)
{
	if (c->dialed == NULL || c->state != CONN_OPEN || c->is_eof ||
	    c->is_broken) {
		conn_abort(c);
		return;
	}
	c->is_blocked = false;
	c->is_broken = c->is_readable = true;
	conn_schedule(c);
	conn_update(c);
}

void
conn_write(struct conn *c)
{
	c->is_held = false;
	if (c->state == CONN_DEAD || c->state == CONN_LINGERING ||
	    c->state == CONN_DIALING || c->is_blocked ||
	    (c->is_broken && c->state == CONN_OPEN)) {
		conn_update(c);
		return;
	}
	if (!send_output(c)) {
		break_output(c);
		return;
	}
	if (c->state == CONN_DEAD)
		return;
	if (c->out.len == 0)
		let_go_of_output(c);
	if (c->wire.len == 0)
		buf_deinit(&c->wire);
	if (c->was_full && c->out.len <= CONN_OUT_LOW &&
	    c->state == CONN_OPEN) {
		c->was_full = false;
		c->has_news = true;
		conn_schedule(c);
	}
	conn_update(c);
}
