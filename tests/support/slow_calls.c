/*
 * Looks at the daemon's system calls: for LD_PRELOAD. See slow_calls.h.
 *
 * A filter (seccomp) turns each call that is to be judged into a SIGSYS, whose handler judges it,
 * has it last if it is the one, and then makes it, with a last argument that passes the filter. So
 * nothing escapes, whichever library calls. Questions to name services are wrapped as functions.
 *
 * A SIGSYS that is blocked would end the process, so nobody may block it.
 */
#include "tests/support/slow_calls.h"

#include "tests/support/waiting_call.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

#define CALL_NAME(name) #name,
static const char *const names[] = {"none", SLOW_CALLS(CALL_NAME)};
#undef CALL_NAME

static SlowCalls *told;

/* ---- What is made of a call ---------------------------------------------------------------- */

static bool is_loops_thread(void)
{
        return getpid() == gettid();
}

static void find(int call, const char *what)
{
        unsigned n = atomic_fetch_add(&told->n_findings, 1);

        if (n < SLOW_FINDINGS_MAX)
                snprintf(told->findings[n], SLOW_FINDING_BYTES, "%s %s", names[call], what);
}

static void meet(int call, const char *what)
{
        struct timespec time;

        if (!told || !atomic_load(&told->armed))
                return;
        atomic_fetch_add(&told->counts[call], 1);
        if (is_loops_thread())
                find(call, what);
        if (atomic_load(&told->slow) != call || atomic_fetch_sub(&told->slow_left, 1) <= 0)
                return;
        time.tv_sec = atomic_load(&told->slow_ms) / 1000;
        time.tv_nsec = atomic_load(&told->slow_ms) % 1000 * 1000000l;
        syscall(SYS_nanosleep, &time, NULL, 0, 0, 0, SLOW_CALLS_PASS);
}

/* ---- System calls -------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
static void read_call(const ucontext_t *context, WaitingCall *call)
{
        const greg_t *r = context->uc_mcontext.gregs;

        *call = (WaitingCall){r[REG_RAX],
                              {(unsigned long)r[REG_RDI], (unsigned long)r[REG_RSI],
                               (unsigned long)r[REG_RDX], (unsigned long)r[REG_R10],
                               (unsigned long)r[REG_R8], (unsigned long)r[REG_R9]}};
}

static void set_result(ucontext_t *context, long result)
{
        context->uc_mcontext.gregs[REG_RAX] = result;
}
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
static void read_call(const ucontext_t *context, WaitingCall *call)
{
        const unsigned long long *r = context->uc_mcontext.regs;

        *call = (WaitingCall){(long)r[8], {r[0], r[1], r[2], r[3], r[4], r[5]}};
}

static void set_result(ucontext_t *context, long result)
{
        context->uc_mcontext.regs[0] = (unsigned long long)result;
}
#endif

#ifdef ARCHITECTURE

/* Those with six arguments of their own are made in another way. */
static long make_call(const WaitingCall *call)
{
        const unsigned long *a = call->arguments;
        struct iovec bytes = {(void *)a[1], a[2]};
        struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
        long n;

        switch (call->number) {
        case SYS_sendto:
                message.msg_name = (void *)a[4];
                message.msg_namelen = (socklen_t)a[5];
                return syscall(SYS_sendmsg, a[0], &message, a[3], 0, 0, SLOW_CALLS_PASS);
        case SYS_recvfrom:
                message.msg_name = (void *)a[4];
                message.msg_namelen = a[4] ? *(socklen_t *)a[5] : 0;
                n = syscall(SYS_recvmsg, a[0], &message, a[3], 0, 0, SLOW_CALLS_PASS);
                if (n >= 0 && a[4])
                        *(socklen_t *)a[5] = message.msg_namelen;
                return n;
        case SYS_futex:
                /* Whoever wakes wakes any bit. */
                return syscall(SYS_futex, a[0], a[1], a[2], a[3], a[4], (int)SLOW_CALLS_PASS);
        default:
                return syscall(call->number, a[0], a[1], a[2], a[3], a[4], SLOW_CALLS_PASS);
        }
}

static void on_call(int signal_number, siginfo_t *info, void *data)
{
        ucontext_t *context = data;
        char what[SLOW_FINDING_BYTES / 2];
        int saved_errno = errno;
        WaitingCall call;
        long result;
        int met;

        (void)signal_number;
        (void)info;
        read_call(context, &call);
        met = told && atomic_load(&told->armed) ? waiting_call_judge(&call, what, sizeof(what))
                                                : SLOW_CALL_none;
        if (met != SLOW_CALL_none)
                meet(met, what);
        result = make_call(&call);
        set_result(context, result < 0 ? -errno : result);
        errno = saved_errno;
}

enum { FILTER_MAX = 256 };

typedef struct Filter {
        unsigned short count;
        struct sock_filter code[FILTER_MAX];
} Filter;

static void add(Filter *filter, struct sock_filter instruction)
{
        filter->code[filter->count++] = instruction;
}

#define LOAD(field)                                                                                \
        (struct sock_filter)                                                                       \
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, what)
#define IF(value, then, otherwise)                                                                 \
        (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)

static void make_filter(Filter *filter)
{
        int number;

        add(filter, LOAD(arch));
        add(filter, IF(ARCHITECTURE, 1, 0));
        add(filter, RETURN(SECCOMP_RET_ALLOW));
        /* Its low half: both are little-endian machines. */
        add(filter, LOAD(args[5]));
        add(filter, IF((unsigned)SLOW_CALLS_PASS, 0, 1));
        add(filter, RETURN(SECCOMP_RET_ALLOW));
        add(filter, LOAD(nr));
        add(filter, IF(SYS_futex, 0, 5));
        add(filter, LOAD(args[1]));
        add(filter, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, FUTEX_CMD_MASK));
        add(filter, IF(FUTEX_WAIT_BITSET, 0, 1));
        add(filter, RETURN(SECCOMP_RET_TRAP));
        add(filter, RETURN(SECCOMP_RET_ALLOW));
        for (size_t i = 0; (number = waiting_call_number(i)) >= 0; i++) {
                add(filter, IF((unsigned)number, 0, 1));
                add(filter, RETURN(SECCOMP_RET_TRAP));
        }
        add(filter, RETURN(SECCOMP_RET_ALLOW));
}

static bool set_filter(void)
{
        const struct sigaction action = {
                .sa_sigaction = on_call,
                .sa_flags = (int)(SA_SIGINFO | SA_NODEFER),
        };
        static Filter filter;
        struct sock_fprog program = {.filter = filter.code};

        make_filter(&filter);
        program.len = filter.count;
        return sigaction(SIGSYS, &action, NULL) == 0 &&
               prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

#else

static bool set_filter(void)
{
        return false;
}

#endif

__attribute__((constructor)) static void listen_to_test(void)
{
        const char *path = getenv("SLOW_CALLS");
        int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
        void *shared;

        if (fd < 0)
                return;
        shared = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (shared == MAP_FAILED)
                return;
        told = shared;
        atomic_store(&told->works, set_filter());
}

/* ---- Nobody blocks SIGSYS ------------------------------------------------------------------ */

/* The function that this one stands before. */
#define NEXT(function) ((__typeof__(&(function)))dlsym(RTLD_NEXT, #function))

static const sigset_t *without_ours(const sigset_t *set, sigset_t *copy)
{
        if (!set)
                return NULL;
        *copy = *set;
        sigdelset(copy, SIGSYS);
        return copy;
}

EXPORTED int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
        sigset_t copy;

        return NEXT(pthread_sigmask)(how, how == SIG_UNBLOCK ? set : without_ours(set, &copy), old);
}

EXPORTED int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
        sigset_t copy;

        return NEXT(sigprocmask)(how, how == SIG_UNBLOCK ? set : without_ours(set, &copy), old);
}

EXPORTED int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
        struct sigaction copy;

        if (action) {
                copy = *action;
                sigdelset(&copy.sa_mask, SIGSYS);
                /* Nor is it anybody else's. */
                if (number == SIGSYS && !(action->sa_flags & SA_SIGINFO))
                        return 0;
        }
        return NEXT(sigaction)(number, action ? &copy : NULL, old);
}

EXPORTED sighandler_t signal(int number, sighandler_t handler)
{
        return number == SIGSYS ? SIG_DFL : NEXT(signal)(number, handler);
}

/* ---- Questions to name services, and programs ---------------------------------------------- */

/* NOLINTBEGIN(bugprone-macro-parentheses) */
/* A function of that name, which meets what the call of that name meets. */
#define WRAP(result, function, call, subject, parameters, arguments)                               \
        EXPORTED result function parameters                                                        \
        {                                                                                          \
                meet(SLOW_CALL_##call, subject);                                                   \
                return NEXT(function) arguments;                                                   \
        }
/* NOLINTEND(bugprone-macro-parentheses) */

WRAP(int, getaddrinfo, getaddrinfo, name ? name : "",
     (const char *restrict name, const char *restrict service,
      const struct addrinfo *restrict hints, struct addrinfo **restrict out),
     (name, service, hints, out))
WRAP(int, getnameinfo, getnameinfo, "",
     (const struct sockaddr *restrict address, socklen_t size, char *restrict host,
      socklen_t host_size, char *restrict service, socklen_t service_size, int flags),
     (address, size, host, host_size, service, service_size, flags))
WRAP(struct hostent *, gethostbyname, gethostbyname, name, (const char *name), (name))
WRAP(struct hostent *, gethostbyname2, gethostbyname, name, (const char *name, int family),
     (name, family))
WRAP(int, gethostbyname_r, gethostbyname, name,
     (const char *restrict name, struct hostent *restrict entry, char *restrict buffer, size_t size,
      struct hostent **restrict out, int *restrict error),
     (name, entry, buffer, size, out, error))
WRAP(int, gethostbyname2_r, gethostbyname, name,
     (const char *restrict name, int family, struct hostent *restrict entry, char *restrict buffer,
      size_t size, struct hostent **restrict out, int *restrict error),
     (name, family, entry, buffer, size, out, error))
WRAP(struct passwd *, getpwnam, getpwnam, name, (const char *name), (name))
WRAP(int, getpwnam_r, getpwnam, name,
     (const char *restrict name, struct passwd *restrict entry, char *restrict buffer, size_t size,
      struct passwd **restrict out),
     (name, entry, buffer, size, out))
WRAP(struct passwd *, getpwuid, getpwuid, "", (uid_t uid), (uid))
WRAP(int, getpwuid_r, getpwuid, "",
     (uid_t uid, struct passwd *restrict entry, char *restrict buffer, size_t size,
      struct passwd **restrict out),
     (uid, entry, buffer, size, out))
WRAP(struct group *, getgrnam, getgrnam, name, (const char *name), (name))
WRAP(int, getgrnam_r, getgrnam, name,
     (const char *restrict name, struct group *restrict entry, char *restrict buffer, size_t size,
      struct group **restrict out),
     (name, entry, buffer, size, out))
WRAP(struct group *, getgrgid, getgrgid, "", (gid_t gid), (gid))
WRAP(int, getgrgid_r, getgrgid, "",
     (gid_t gid, struct group *restrict entry, char *restrict buffer, size_t size,
      struct group **restrict out),
     (gid, entry, buffer, size, out))
WRAP(int, getgrouplist, getgrouplist, user,
     (const char *user, gid_t group, gid_t *groups, int *count), (user, group, groups, count))
WRAP(int, initgroups, getgrouplist, user, (const char *user, gid_t group), (user, group))
WRAP(struct servent *, getservbyname, getservbyname, name, (const char *name, const char *protocol),
     (name, protocol))
WRAP(int, getservbyname_r, getservbyname, name,
     (const char *restrict name, const char *restrict protocol, struct servent *restrict entry,
      char *restrict buffer, size_t size, struct servent **restrict out),
     (name, protocol, entry, buffer, size, out))
WRAP(struct servent *, getservbyport, getservbyport, "", (int port, const char *protocol),
     (port, protocol))
WRAP(int, getservbyport_r, getservbyport, "",
     (int port, const char *restrict protocol, struct servent *restrict entry,
      char *restrict buffer, size_t size, struct servent **restrict out),
     (port, protocol, entry, buffer, size, out))
WRAP(int, posix_spawn, posix_spawn, path,
     (pid_t *restrict pid, const char *restrict path,
      const posix_spawn_file_actions_t *restrict actions,
      const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
      char *const environment[restrict]),
     (pid, path, actions, attributes, argv, environment))
