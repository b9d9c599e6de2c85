#include "cmd/control.h"

#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* A client that says nothing for so long is gone. */
#define SILENCE_MS (15 * 60 * 1000)

struct control {
	struct conn *conn;
	struct run run;
	bool is_done;
};

int
control_path(const char *folder, char *out, size_t cap_bytes)
{
	return file_path(folder, "control", out, cap_bytes);
}

static void
wake(void *owner)
{
	struct control *c = owner;

	conn_wake(c->conn);
}

/* Take the frames that are there. */
static int
take_input(struct control *c)
{
	for (;;) {
		enum frame_type type;
		struct span payload;
		int n = frame_next(conn_in(c->conn), &type, &payload);
		int rc;

		if (n <= 0)
			return n;
		rc = run_feed(&c->run, type, payload);
		if (rc == ERR_AGAIN)
			return 0;
		if (type == FRAME_PASSWORD)
			wipe((char *)(uintptr_t)payload.p, payload.len);
		conn_consume(c->conn, (size_t)n);
		if (rc < 0)
			return rc;
		/* One piece of data a step: a batch is bounded work. */
		if (type == FRAME_DATA || type == FRAME_ITEM_END) {
			conn_wake(c->conn);
			return 0;
		}
	}
}

static void
give_output(struct control *c)
{
	struct span all = buf_span(&c->run.out);
	size_t room = conn_out_room(c->conn);

	all = span_sub(all, 0, room);
	conn_put(c->conn, all);
	buf_consume(&c->run.out, all.len);
}

static void
control_step(void *session)
{
	struct control *c = session;

	if (conn_timed_out(c->conn)) {
		conn_abort(c->conn);
		return;
	}
	conn_set_deadline(c->conn, SILENCE_MS);
	if (!c->is_done && take_input(c) < 0) {
		conn_abort(c->conn);
		return;
	}
	if (!c->is_done) {
		enum run_step step = run_step(&c->run);

		c->is_done = step == RUN_DONE;
		if (step == RUN_MORE)
			conn_wake(c->conn);
	}
	give_output(c);
	if (buf_failed(&c->run.out))
		conn_abort(c->conn);
	else if (c->is_done && c->run.out.len == 0)
		conn_close(c->conn);
	else if (!c->is_done && conn_is_eof(c->conn))
		conn_abort(c->conn); /* the client was interrupted */
}

static void
control_free(void *session)
{
	struct control *c = session;

	run_deinit(&c->run);
	mem_free(c);
}

static const struct conn_ops ops = { control_step, control_free };

void
control_accept(struct conn *conn, enum listen_refusal why, void *arg)
{
	const struct peer *peer = conn_peer(conn);
	struct control *c;

	/* Full or not, the owner gets in. */
	(void)why;
	if (peer->family != PEER_LOCAL ||
	    (peer->uid != 0 && peer->uid != (uint32_t)geteuid())) {
		conn_abort(conn);
		return;
	}
	c = mem_alloc(sizeof(*c));
	if (!c) {
		conn_abort(conn);
		return;
	}
	c->conn = conn;
	run_init(&c->run, arg, wake, c);
	conn_set_in_max(conn, FRAME_HEAD_BYTES + MAX_FRAME_BYTES);
	conn_attach(conn, &ops, c);
	conn_set_deadline(conn, SILENCE_MS);
}
