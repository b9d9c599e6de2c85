#include "store/guard.h"

#include <setjmp.h>
#include <signal.h>

static sigjmp_buf way_out;
static volatile sig_atomic_t is_inside;

void
guard_escape(void)
{
	if (is_inside)
		siglongjmp(way_out, 1);
}

static void
on_sigbus(int sig)
{
	guard_escape();
	/* Not ours: the instruction runs again and ends the process. */
	signal(sig, SIG_DFL);
}

static void
install(void)
{
	static bool is_installed;
	struct sigaction sa = { .sa_handler = on_sigbus,
		.sa_flags = SA_NODEFER };

	if (is_installed)
		return;
	sigemptyset(&sa.sa_mask);
	is_installed = sigaction(SIGBUS, &sa, NULL) == 0;
}

int
guard_call(guard_call_fn *fn, void *arg)
{
	int rc;

	install();
	/* SA_NODEFER: no mask to save, so no system call. */
	if (sigsetjmp(way_out, 0) != 0) {
		is_inside = 0;
		return ERR_DAMAGED;
	}
	is_inside = 1;
	rc = fn(arg);
	is_inside = 0;
	return rc;
}

struct copy {
	void *to;
	const void *from;
	size_t len;
};

static int
copy(void *arg)
{
	const struct copy *c = arg;

	memcpy(c->to, c->from, c->len);
	return 0;
}

int
guard_copy(void *to, const void *from, size_t len)
{
	struct copy c = { to, from, len };

	return len > 0 ? guard_call(copy, &c) : 0;
}
