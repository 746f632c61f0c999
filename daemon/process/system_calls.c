/* System calls that may be refused. See system_calls.h. */
#include "daemon/process/system_calls.h"

#include "core/error.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOWHERE = -1, ARGUMENTS = 5 };

/* Bytes that a call may look at, and does not write to: its other arguments are wrong. */
static char nothing[512];

#define NOTHING ((long)nothing)

/* A call with arguments that do nothing: the kernel finds them wrong, which means that it was
 * asked. */
static const struct Call {
        const char *name;
        long number;
        long arguments[ARGUMENTS];
        const char *without; /* what is lost, or NULL: everything */
        bool may_lack;       /* the C library does without where there is none */
} calls[] = {
        {"accept4", SYS_accept4, {NOWHERE, NOTHING, NOTHING, 0}},
        {"clone3", SYS_clone3, {NOTHING, 0}, .may_lack = true},
        {"dup3", SYS_dup3, {NOWHERE, NOWHERE, 0}},
        {"epoll_create1", SYS_epoll_create1, {NOWHERE}},
        {"epoll_ctl", SYS_epoll_ctl, {NOWHERE, 0, NOWHERE, NOTHING}},
        {"eventfd2", SYS_eventfd2, {0, NOWHERE}},
        {"fcntl", SYS_fcntl, {NOWHERE, 1, 0}},
        {"getrandom", SYS_getrandom, {NOTHING, 0, 0}},
        {"getsockname", SYS_getsockname, {NOWHERE, NOTHING, NOTHING}},
        {"getsockopt", SYS_getsockopt, {NOWHERE, 0, 0, NOTHING, NOTHING}},
        {"pipe2", SYS_pipe2, {NOTHING, NOWHERE}},
        {"ppoll", SYS_ppoll, {NOTHING, 0, NOTHING, 0, 0}},
        {"recvmsg", SYS_recvmsg, {NOWHERE, NOTHING, 0}},
        {"sendmsg", SYS_sendmsg, {NOWHERE, NOTHING, 0}},
        {"setsockopt", SYS_setsockopt, {NOWHERE, 0, 0, NOTHING, 0}},
        {"shutdown", SYS_shutdown, {NOWHERE, 0}},
        {"statx", SYS_statx, {NOWHERE, NOTHING, 0, 0, NOTHING}},
#ifdef SYS_poll
        {"poll", SYS_poll, {NOTHING, 0, 0}},
#endif
        {"memfd_create",
         SYS_memfd_create,
         {NOTHING, NOWHERE},
         "nothing outlives this daemon, SIGUSR2 does not hand over, and there are no pulses"},
        {"mincore", SYS_mincore, {NOWHERE, 0, NOTHING}, "no pulses are shown"},
        {"pidfd_open", SYS_pidfd_open, {NOWHERE, 0}, "SIGUSR2 does not hand over"},
        {"process_vm_readv",
         SYS_process_vm_readv,
         {NOWHERE, NOTHING, 0, NOTHING, 0},
         "no pulses are shown"},
        {"readlinkat",
         SYS_readlinkat,
         {NOWHERE, NOTHING, NOTHING, 0},
         "timerfds, inotify, pidfds and perhaps eventfds are not waited for"},
        {"waitid", SYS_waitid, {NOWHERE, 0, NOTHING, 0, 0}, "SIGUSR2 does not hand over"},
};

/* The error that says so, or 0. */
static int refusal_of(const struct Call *call)
{
        const long *a = call->arguments;

        if (syscall(call->number, a[0], a[1], a[2], a[3], a[4], 0L) >= 0)
                return 0;
        if (errno == ENOSYS)
                return call->may_lack ? 0 : ENOSYS;
        return errno == EPERM || errno == EACCES ? errno : 0;
}

int system_calls_check(void)
{
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
                const struct Call *call = &calls[i];
                int error = refusal_of(call);

                if (error == 0)
                        continue;
                if (!call->without)
                        return error_set(error,
                                         "the system call %s is needed: %s: is it filtered "
                                         "(SystemCallFilter=)?",
                                         call->name, strerror(error));
                log_daemon(LOG_WARNING, "without the system call %s (%s) %s", call->name,
                           strerror(error), call->without);
        }
        return 0;
}
