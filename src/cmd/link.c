#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "cmd/link.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "admin/run.h"
#include "admin/settings.h"
#include "auth/auth.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cmd/control.h"
#include "cmd/owner.h"
#include "store/store.h"

#define MAX_IN_BYTES (1024 * 1024)

struct link {
	const char *folder;
	int fd; /* -1: the store is open here */
	bool has_answered;
	struct buf in; /* frames from the server */
	size_t n_used; /* of in, or of run.out: handed out already */
	struct admin admin;
	struct run run;
	bool is_run_over;
};

/* --- through a server --- */

static int
connect_server(const char *folder, int *fd_out)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, rc;

	rc = control_path(folder, sa.sun_path, sizeof(sa.sun_path));
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ERR_IO;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0) {
		*fd_out = fd;
		return 0;
	}
	rc = errno == EACCES || errno == EPERM ? ERR_DENIED
	     : errno == EAGAIN                 ? ERR_AGAIN
	                                       : ERR_NONE;
	close(fd);
	return rc;
}

/* Wait for the socket. ERR_AGAIN: not within timeout_ms. */
static int
wait_socket(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n = poll(&p, 1, timeout_ms);

	if (n < 0 && errno != EINTR)
		return ERR_IO;
	if (n == 0)
		return ERR_AGAIN;
	return n > 0 ? p.revents : 0;
}

static int
read_some(struct link *l)
{
	ssize_t n;

	buf_consume(&l->in, l->n_used);
	l->n_used = 0;
	if (buf_reserve(&l->in, 16384) < 0)
		return ERR_NOMEM;
	n = read(l->fd, l->in.p + l->in.len, 16384);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return ERR_CLOSED;
	if (n > 0) {
		l->in.len += (size_t)n;
		l->has_answered = true;
	}
	return 0;
}

/* What the server says meanwhile is read, so that neither waits for the
 * other. A server that is gone is told by its answer, if it gave one. */
static int
send_all(struct link *l, struct span s)
{
	while (s.len > 0) {
		ssize_t n = send(l->fd, s.p, s.len, MSG_NOSIGNAL);
		int got;

		if (n > 0) {
			s = span_sub(s, (size_t)n, s.len);
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return ERR_CLOSED;
		got = wait_socket(l->fd, POLLIN | POLLOUT, 60000);
		if (got < 0)
			return got == ERR_AGAIN ? ERR_BUSY : got;
		if ((got & POLLIN) && read_some(l) < 0)
			return ERR_CLOSED;
	}
	return 0;
}

static int
receive_remote(struct link *l)
{
	int got =
	    wait_socket(l->fd, POLLIN, l->has_answered ? 60000 : LINK_WAIT_MS);

	if (got == ERR_AGAIN)
		return l->has_answered ? 0 : ERR_BUSY;
	if (got < 0)
		return got;
	return read_some(l);
}

/* --- in this process --- */

static void
no_wake(void *owner)
{
	(void)owner; /* it is asked again in any case */
}

/* Tell the store its limits; what auth must know is returned. */
static struct auth_options
take_settings(struct store *s)
{
	struct auth_options o = auth_defaults;
	struct settings st;

	settings_load(&st, s);
	event_set_max(s, (uint32_t)st.n[SET_STORE_EVENTS]);
	store_set_reserve(s, st.n[SET_STORE_RESERVE]);
	o.iterations = (uint32_t)st.n[SET_AUTH_ITERATIONS];
	return o;
}

static int
open_local(struct link *l, struct buf *why)
{
	struct auth_options o;
	int rc = owner_enter(l->folder);

	if (rc == 0)
		rc = store_open(l->folder, NULL, &l->admin.store, why);

	if (rc < 0) {
		owner_leave();
		return rc;
	}
	o = take_settings(l->admin.store);
	rc = auth_new(l->admin.store, NULL, &o, &l->admin.auth);
	if (rc == 0)
		rc = store_flush(l->admin.store);
	if (rc < 0) {
		buf_putf(why, "The store in %s: %s.", l->folder, err_text(rc));
		return rc;
	}
	l->admin.folder = l->folder;
	run_init(&l->run, &l->admin, no_wake, l);
	return 0;
}

/* One turn, as the server's loop would make it. */
static int
turn(struct link *l, enum run_step *step_out)
{
	buf_consume(&l->run.out, l->n_used);
	l->n_used = 0;
	*step_out = RUN_WAIT;
	if (!l->is_run_over)
		*step_out = run_step(&l->run);
	if (*step_out == RUN_DONE)
		l->is_run_over = true;
	if (auth_step(l->admin.auth))
		*step_out = RUN_MORE;
	if (store_is_dirty(l->admin.store))
		return store_flush(l->admin.store);
	return 0;
}

static int
send_local(struct link *l, enum frame_type type, struct span payload)
{
	enum run_step step;
	int rc;

	/* What was handed out is used by now: a long import reads its notes
	 * and never waits for more. */
	buf_consume(&l->run.out, l->n_used);
	l->n_used = 0;
	for (int i = 0; i < 100000; i++) {
		rc = run_feed(&l->run, type, payload);
		/* An early end is to be seen by who goes on sending. */
		if (rc == 0 && l->run.phase == RUN_ENDED && !l->is_run_over)
			return turn(l, &step);
		if (rc == 0)
			return store_is_dirty(l->admin.store)
			           ? store_flush(l->admin.store)
			           : 0;
		if (rc != ERR_AGAIN)
			return rc;
		rc = turn(l, &step);
		if (rc < 0)
			return rc;
	}
	return ERR_BUSY;
}

/* --- both --- */

static struct buf *
input(struct link *l)
{
	return l->fd >= 0 ? &l->in : &l->run.out;
}

int
link_send(struct link *l, enum frame_type type, struct span payload)
{
	char storage[FRAME_HEAD_BYTES + MAX_FRAME_BYTES];
	struct buf frame;
	int rc;

	if (l->fd < 0)
		return send_local(l, type, payload);
	buf_init_fixed(&frame, storage, sizeof(storage));
	frame_put(&frame, type, payload);
	rc = buf_failed(&frame) ? ERR_LIMIT : send_all(l, buf_span(&frame));
	if (type == FRAME_PASSWORD)
		wipe(storage, sizeof(storage));
	return rc;
}

static bool
has_frame(struct link *l)
{
	struct buf *b = input(l);
	enum frame_type type;
	struct span payload;

	return frame_next(span_sub(buf_span(b), l->n_used, b->len), &type,
	           &payload) > 0;
}

bool
link_has_input(struct link *l)
{
	if (has_frame(l))
		return true;
	/* A server that is gone is told of by the next who sends. */
	if (l->fd < 0 || wait_socket(l->fd, POLLIN, 0) <= 0 || read_some(l) < 0)
		return false;
	return has_frame(l);
}

int
link_receive(struct link *l, enum frame_type *type, struct span *payload)
{
	for (int n_idle = 0; n_idle < 3;) {
		struct buf *b = input(l);
		enum run_step step = RUN_MORE;
		int n = frame_next(
		    span_sub(buf_span(b), l->n_used, b->len), type, payload);

		if (n > 0) {
			l->n_used += (size_t)n;
			return 0;
		}
		if (n == 0)
			n = l->fd >= 0 ? receive_remote(l) : turn(l, &step);
		if (n < 0)
			return n;
		n_idle = step == RUN_WAIT ? n_idle + 1 : 0;
	}
	return ERR_INVALID;
}

static void
explain(const char *folder, int rc, struct buf *why)
{
	if (rc == ERR_DENIED)
		buf_putf(why,
		    "The server's socket in %s may not be used by "
		    "you: run this as root or as the server's user.",
		    folder);
	else if (rc == ERR_LIMIT)
		buf_putf(why, "The folder name %s is too long for a socket.",
		    folder);
	else if (rc == ERR_BUSY || rc == ERR_AGAIN)
		buf_putf(why,
		    "Another process has the store in %s open, but "
		    "does not answer. If it is a server that hangs, "
		    "its parent restarts it within a minute: try "
		    "again then.",
		    folder);
}

static void
nap(void)
{
	struct timespec t = { .tv_nsec = 100 * 1000 * 1000 };

	(void)nanosleep(&t, NULL);
}

static int
reach(struct link *l, struct buf *why)
{
	int64_t until = clock_mono_ms() + LINK_WAIT_MS;
	int rc;

	for (;;) {
		rc = connect_server(l->folder, &l->fd);
		if (rc == 0)
			return 0;
		l->fd = -1;
		if (rc == ERR_NONE) {
			buf_reset(why);
			rc = open_local(l, why);
		}
		if ((rc != ERR_BUSY && rc != ERR_AGAIN) ||
		    clock_mono_ms() > until)
			break;
		nap();
	}
	if (rc == ERR_NONE) {
		buf_reset(why);
		buf_putf(why,
		    "There is no store in %s: `tinpost init` makes "
		    "one; --data FOLDER names another place.",
		    l->folder);
	} else if (rc == ERR_BUSY || rc == ERR_AGAIN || why->len == 0) {
		buf_reset(why);
		explain(l->folder, rc, why);
	}
	return rc;
}

int
link_open(const char *folder, struct link **out, struct buf *why)
{
	struct link *l = mem_alloc(sizeof(*l));
	int rc;

	if (!l) {
		buf_put_str(why, "No memory.");
		return ERR_NOMEM;
	}
	l->folder = folder;
	l->fd = -1;
	buf_init(&l->in, MAX_IN_BYTES);
	rc = reach(l, why);
	if (rc < 0) {
		link_close(l);
		return rc;
	}
	*out = l;
	return 0;
}

int
link_restart(struct link *l, struct buf *why)
{
	l->n_used = 0;
	if (l->fd < 0) {
		run_deinit(&l->run);
		run_init(&l->run, &l->admin, no_wake, l);
		l->is_run_over = false;
		return 0;
	}
	close(l->fd);
	buf_reset(&l->in);
	return reach(l, why);
}

struct store *
link_store(struct link *l)
{
	return l->admin.store;
}

void
link_close(struct link *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	if (l->admin.store) {
		run_deinit(&l->run);
		auth_free(l->admin.auth);
		store_close(l->admin.store);
		owner_leave();
	}
	buf_deinit(&l->in);
	mem_free(l);
}
