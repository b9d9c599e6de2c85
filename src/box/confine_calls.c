/* confine_calls.c - the system calls of a server, by seccomp.
 *
 * What stands here is what a server does: files, sockets, memory, time, its own
 * signals. All else is answered ENOSYS, as by a kernel that does not have it
 * yet: the C libraries then take another way where there is one. So a new call
 * of a new library costs nothing, and a forgotten one is an error, not a death.
 */
#define _GNU_SOURCE /* syscall numbers */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/confine.h"

static const uint32_t allowed[] = {
	/* files */
	__NR_read,
	__NR_write,
	__NR_readv,
	__NR_writev,
	__NR_pread64,
	__NR_pwrite64,
	__NR_preadv,
	__NR_pwritev,
	__NR_lseek,
	__NR_openat,
	__NR_close,
	__NR_fstat,
	__NR_fstatfs,
	__NR_statfs,
	__NR_faccessat,
	__NR_readlinkat,
	__NR_getdents64,
	__NR_mkdirat,
	__NR_unlinkat,
	__NR_ftruncate,
	__NR_fallocate,
	__NR_fsync,
	__NR_fdatasync,
	__NR_fcntl,
	__NR_flock,
	__NR_dup,
	__NR_dup3,
	__NR_pipe2,
	__NR_umask,
	__NR_fchmod,
	__NR_fchmodat,
	__NR_getcwd,
	__NR_chdir,
	__NR_fchdir,
	__NR_inotify_init1,
	__NR_inotify_add_watch,
	__NR_inotify_rm_watch,
	/* sockets, waiting */
	__NR_socket,
	__NR_socketpair,
	__NR_bind,
	__NR_listen,
	__NR_accept,
	__NR_accept4,
	__NR_connect,
	__NR_getsockname,
	__NR_getpeername,
	__NR_setsockopt,
	__NR_getsockopt,
	__NR_sendto,
	__NR_recvfrom,
	__NR_sendmsg,
	__NR_recvmsg,
	__NR_sendmmsg,
	__NR_shutdown,
	__NR_epoll_create1,
	__NR_epoll_ctl,
	__NR_epoll_pwait,
	__NR_ppoll,
	__NR_eventfd2,
	__NR_timerfd_create,
	__NR_signalfd4,
	/* memory */
	__NR_munmap,
	__NR_mprotect,
	__NR_mremap,
	__NR_madvise,
	__NR_msync,
	__NR_mincore,
	__NR_brk,
	/* time, and what it knows of itself */
	__NR_nanosleep,
	__NR_times,
	__NR_getrusage,
	__NR_getpid,
	__NR_getppid,
	__NR_gettid,
	__NR_getuid,
	__NR_geteuid,
	__NR_getgid,
	__NR_getegid,
	__NR_uname,
	__NR_sysinfo,
	__NR_getrandom,
	__NR_prlimit64,
	__NR_sched_getaffinity,
	__NR_sched_yield,
	__NR_prctl,
	__NR_futex,
	__NR_set_tid_address,
	__NR_set_robust_list,
	/* signals to itself, ending */
	__NR_rt_sigaction,
	__NR_rt_sigprocmask,
	__NR_rt_sigpending,
	__NR_rt_sigtimedwait,
	__NR_rt_sigreturn,
	__NR_sigaltstack,
	__NR_restart_syscall,
	__NR_tkill,
	__NR_tgkill,
	__NR_exit,
	__NR_exit_group,
/* where there is more than the newer form */
#ifdef __NR_open
	__NR_open,
	__NR_access,
	__NR_readlink,
	__NR_getdents,
	__NR_mkdir,
	__NR_unlink,
	__NR_rename,
	__NR_dup2,
	__NR_pipe,
	__NR_chmod,
	__NR_stat,
	__NR_lstat,
	__NR_poll,
	__NR_epoll_create,
	__NR_epoll_wait,
#endif
#ifdef __NR_renameat
	__NR_renameat,
#endif
#ifdef __NR_renameat2
	__NR_renameat2,
#endif
#ifdef __NR_faccessat2
	__NR_faccessat2,
#endif
#ifdef __NR_statx
	__NR_statx,
#endif
#ifdef __NR_close_range
	__NR_close_range,
#endif
#ifdef __NR_getrlimit
	__NR_getrlimit,
#endif
#ifdef __NR_ugetrlimit
	__NR_ugetrlimit,
#endif
#ifdef __NR_setrlimit
	__NR_setrlimit,
#endif
#ifdef __NR_rseq
	__NR_rseq,
#endif
#ifdef __NR_arch_prctl
	__NR_arch_prctl,
#endif
#ifdef __NR_set_thread_area
	__NR_set_thread_area,
#endif
#ifdef __NR_cacheflush /* MIPS: LMDB keeps its map and its file alike by it */
	__NR_cacheflush,
#endif
#ifdef __NR_send
	__NR_send,
	__NR_recv,
#endif
/* one word size or the other */
#ifdef __NR_newfstatat
	__NR_newfstatat,
#endif
#ifdef __NR_mmap
	__NR_mmap,
#endif
#ifdef __NR_mmap2
	__NR_mmap2,
#endif
#ifdef __NR__llseek
	__NR__llseek,
	__NR_fcntl64,
	__NR_stat64,
	__NR_lstat64,
	__NR_fstat64,
	__NR_fstatat64,
	__NR_fstatfs64,
	__NR_statfs64,
	__NR_ftruncate64,
	__NR_sigreturn,
#endif
#ifdef __NR_getuid32
	__NR_getuid32,
	__NR_geteuid32,
	__NR_getgid32,
	__NR_getegid32,
#endif
/* musl names the older of two forms of time in 32 bits */
#ifdef __NR_clock_gettime
	__NR_clock_gettime,
#endif
#ifdef __NR_clock_gettime32
	__NR_clock_gettime32,
#endif
#ifdef __NR_clock_gettime64
	__NR_clock_gettime64,
	__NR_clock_getres_time64,
	__NR_clock_nanosleep_time64,
	__NR_ppoll_time64,
	__NR_futex_time64,
	__NR_rt_sigtimedwait_time64,
	__NR_timerfd_settime64,
#endif
#ifdef __NR_clock_getres
	__NR_clock_getres,
#endif
#ifdef __NR_clock_getres_time32
	__NR_clock_getres_time32,
#endif
#ifdef __NR_clock_nanosleep
	__NR_clock_nanosleep,
#endif
#ifdef __NR_clock_nanosleep_time32
	__NR_clock_nanosleep_time32,
#endif
#ifdef __NR_timerfd_settime
	__NR_timerfd_settime,
#endif
#ifdef __NR_timerfd_settime32
	__NR_timerfd_settime32,
#endif
#ifdef __NR_gettimeofday
	__NR_gettimeofday,
#endif
#ifdef __NR_gettimeofday_time32
	__NR_gettimeofday_time32,
#endif
#ifdef __SANITIZE_ADDRESS__ /* its search for leaks is a process that looks */
	__NR_clone,
	__NR_wait4,
	__NR_ptrace,
	__NR_kill,
	__NR_sched_setaffinity,
	__NR_getpgid,
#endif
};

#define N_ALLOWED (sizeof(allowed) / sizeof(*allowed))
_Static_assert(N_ALLOWED < 240, "a jump of the filter has 8 bits");

/* Questions to a terminal and a socket. Others could write into a terminal
 * that the server was started from. */
static const uint32_t allowed_ioctl[] = { TCGETS, TIOCGWINSZ, FIONREAD,
	FIONBIO };

#define N_IOCTL (sizeof(allowed_ioctl) / sizeof(*allowed_ioctl))

/* Other ABIs of the same kernel have other numbers: none of theirs. */
#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64 /* x32 has a bit more in its numbers */
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define OWN_ARCH AUDIT_ARCH_ARM
#elif defined(__mips__) && defined(__MIPSEL__)
#define OWN_ARCH AUDIT_ARCH_MIPSEL
#elif defined(__i386__)
#define OWN_ARCH AUDIT_ARCH_I386
#endif

#ifdef OWN_ARCH
#define FILTER_MAX (N_ALLOWED + N_IOCTL + 8)

static struct sock_filter
make_op(uint16_t code, size_t yes, size_t no, uint32_t k)
{
	return (struct sock_filter){ code, (uint8_t)yes, (uint8_t)no, k };
}

static struct sock_filter
make_load(size_t offset)
{
	return make_op(BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* Go to one of two places, counted from the next instruction on. */
static struct sock_filter
make_branch(uint32_t k, size_t yes, size_t no)
{
	return make_op(BPF_JMP | BPF_JEQ | BPF_K, yes, no, k);
}

/* The whole filter; returns its length. The argument's low half comes first:
 * every board of ours is little-endian. */
static size_t
make_filter(struct sock_filter *f)
{
	size_t allow = 5 + N_ALLOWED + N_IOCTL, refuse = allow + 1;
	size_t ask = 4 + N_ALLOWED; /* for the request of an ioctl */
	size_t n = 0;

	f[n++] = make_load(offsetof(struct seccomp_data, arch));
	f[n] = make_branch(OWN_ARCH, 0, refuse - n - 1);
	n++;
	f[n++] = make_load(offsetof(struct seccomp_data, nr));
	f[n] = make_branch(__NR_ioctl, ask - n - 1, 0);
	n++;
	for (size_t i = 0; i < N_ALLOWED; i++, n++) {
		bool is_last = i + 1 == N_ALLOWED;

		f[n] = make_branch(
		    allowed[i], allow - n - 1, is_last ? refuse - n - 1 : 0);
	}
	f[n++] = make_load(offsetof(struct seccomp_data, args[1]));
	for (size_t i = 0; i < N_IOCTL; i++, n++) {
		bool is_last = i + 1 == N_IOCTL;

		f[n] = make_branch(allowed_ioctl[i], allow - n - 1,
		    is_last ? refuse - n - 1 : 0);
	}
	f[n++] = make_op(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	f[n++] = make_op(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS);
	return n;
}

int
confine_calls(void)
{
	struct sock_filter f[FILTER_MAX];
	struct sock_fprog prog = { .filter = f };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return ERR_UNSUPPORTED;
	prog.len = (unsigned short)make_filter(f);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		return ERR_UNSUPPORTED;
	return 0;
}
#else
int
confine_calls(void)
{
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return ERR_UNSUPPORTED;
}
#endif
