#define _GNU_SOURCE /* setgroups, syscall numbers */
#include "box/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int
confine_user(uint32_t uid, uint32_t gid)
{
	if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
		return ERR_DENIED;
	/* There must be no way back. */
	if (uid != 0 && setuid(0) == 0)
		return ERR_DENIED;
	return 0;
}

/* What takes a server beyond its work: other programs, other processes, the
 * machine, the kernel. A list of what is refused, not of what is allowed: it
 * holds with every C library and kernel, where a forgotten call in the other
 * kind of list would be an outage. Opening files is bounded by the user. */
static const uint32_t refused[] = {
	/* other programs and processes */
	__NR_execve,
#ifndef __SANITIZE_ADDRESS__ /* its search for leaks uses it */
	__NR_ptrace,
#endif
	__NR_process_vm_readv,
	__NR_process_vm_writev,
	__NR_kexec_load,
	__NR_personality,
	/* rights and names */
	__NR_setuid,
	__NR_setgid,
	__NR_setreuid,
	__NR_setregid,
	__NR_setresuid,
	__NR_setresgid,
	__NR_setgroups,
	__NR_capset,
	__NR_unshare,
	__NR_setns,
	__NR_keyctl,
	__NR_add_key,
	__NR_request_key,
	/* the file system as a whole */
	__NR_mount,
	__NR_umount2,
	__NR_pivot_root,
	__NR_chroot,
	__NR_swapon,
	__NR_swapoff,
	__NR_mknodat,
	/* the machine */
	__NR_reboot,
	__NR_init_module,
	__NR_finit_module,
	__NR_delete_module,
	__NR_adjtimex,
	__NR_sethostname,
	__NR_setdomainname,
	__NR_acct,
	__NR_syslog,
	__NR_quotactl,
/* what not every architecture or header has */
#ifdef __NR_execveat
	__NR_execveat,
#endif
#ifdef __NR_kexec_file_load
	__NR_kexec_file_load,
#endif
/* musl calls what counts in 32 bits _time32 or 32 */
#ifdef __NR_settimeofday
	__NR_settimeofday,
#endif
#ifdef __NR_settimeofday_time32
	__NR_settimeofday_time32,
#endif
#ifdef __NR_clock_settime32
	__NR_clock_settime32,
#endif
#ifdef __NR_clock_settime
	__NR_clock_settime,
#endif
#ifdef __NR_clock_settime64
	__NR_clock_settime64,
#endif
#ifdef __NR_setuid32
	__NR_setuid32,
	__NR_setgid32,
	__NR_setreuid32,
	__NR_setregid32,
	__NR_setresuid32,
	__NR_setresgid32,
	__NR_setgroups32,
#endif
#ifdef __NR_mknod
	__NR_mknod,
#endif
#ifdef __NR_iopl
	__NR_iopl,
	__NR_ioperm,
#endif
#ifdef __NR_bpf
	__NR_bpf,
#endif
#ifdef __NR_perf_event_open
	__NR_perf_event_open,
#endif
#ifdef __NR_userfaultfd
	__NR_userfaultfd,
#endif
#ifdef __NR_io_uring_setup
	__NR_io_uring_setup,
#endif
#ifdef __NR_open_by_handle_at
	__NR_open_by_handle_at,
#endif
#ifdef __NR_mount_setattr
	__NR_mount_setattr,
#endif
#ifdef __NR_fsopen
	__NR_fsopen,
	__NR_move_mount,
	__NR_open_tree,
#endif
};

#define N_REFUSED (sizeof(refused) / sizeof(*refused))
_Static_assert(N_REFUSED < 250, "a jump of the filter has 8 bits");

/* Other ABIs of the same kernel have other numbers: none of theirs. */
#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#define MAX_CALL 0x3fffffffu /* x32 has the same numbers with a bit set */
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define OWN_ARCH AUDIT_ARCH_ARM
#elif defined(__mips__) && defined(__MIPSEL__)
#define OWN_ARCH AUDIT_ARCH_MIPSEL
#elif defined(__i386__)
#define OWN_ARCH AUDIT_ARCH_I386
#endif
#ifndef MAX_CALL
#define MAX_CALL 0xfffffffeu
#endif

#ifdef OWN_ARCH
static struct sock_filter
make_op(uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	return (struct sock_filter){ code, yes, no, k };
}

/* The whole filter; returns its length. */
static size_t
make_filter(struct sock_filter *f)
{
	size_t n = 0;

	f[n++] = make_op(BPF_LD | BPF_W | BPF_ABS, 0, 0,
	    offsetof(struct seccomp_data, arch));
	f[n++] = make_op(BPF_JMP | BPF_JEQ | BPF_K, 0, N_REFUSED + 3, OWN_ARCH);
	f[n++] = make_op(
	    BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	f[n++] = make_op(BPF_JMP | BPF_JGT | BPF_K, N_REFUSED + 1, 0, MAX_CALL);
	for (size_t i = 0; i < N_REFUSED; i++)
		f[n++] = make_op(BPF_JMP | BPF_JEQ | BPF_K,
		    (uint8_t)(N_REFUSED - i), 0, refused[i]);
	f[n++] = make_op(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	f[n++] = make_op(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM);
	return n;
}

int
confine_calls(void)
{
	struct sock_filter f[N_REFUSED + 6];
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
