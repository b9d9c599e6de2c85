/* heartbeat.c - the server's side of the channel to its parent. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "box/parent.h"
#include "net/net.h"

#define BEAT_MS 5000

/* One in the process, for as long as it lives. */
static struct {
	struct loop *loop;
	struct timer timer;
	struct watch watch;
} heart;

static void
beat(struct timer *t)
{
	/* A full channel means that the parent has enough of them unread; a
	 * closed one is noticed by the watch. */
	ssize_t n = send(heart.watch.fd, ".", 1, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno == EPIPE)
		loop_stop(heart.loop);
	if (loop_set_timer(heart.loop, t, BEAT_MS) < 0)
		loop_stop(heart.loop);
}

static void
on_parent(struct watch *w, uint32_t events)
{
	if (events & (EPOLLHUP | EPOLLERR)) {
		loop_clear_watch(heart.loop, w);
		loop_stop(heart.loop);
	}
}

int
parent_attach(struct loop *l, int channel_fd)
{
	heart.loop = l;
	timer_init(&heart.timer, beat);
	watch_init(&heart.watch, channel_fd, on_parent);
	if (loop_set_watch(l, &heart.watch, EPOLLRDHUP) < 0)
		return ERR_IO;
	return loop_set_timer(l, &heart.timer, 0);
}
