/* A child's system calls. See call_count.h. */
#include "tests/support/call_count.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_BE_TRACED = 126 };

static _Noreturn void be_traced(int (*run)(void *data), void *data)
{
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
                _exit(CANNOT_BE_TRACED);
        raise(SIGSTOP);
        _exit(run(data));
}

/* Of a stop at a system call, before it or after. */
static void count_one(CallCount *count, pid_t child)
{
        struct __ptrace_syscall_info info;

        if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) > 0 &&
            info.op == PTRACE_SYSCALL_INFO_ENTRY)
                count->total++;
}

/* From one stop to the next, until its end. */
static bool trace(CallCount *count, pid_t child)
{
        const intptr_t options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
        int at_call = SIGTRAP | 0x80;
        intptr_t signal_number = 0;

        if (ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)options) < 0)
                return false;
        while (ptrace(PTRACE_SYSCALL, child, NULL, (void *)signal_number) == 0 &&
               waitpid(child, &count->status, 0) == child && WIFSTOPPED(count->status)) {
                signal_number = WSTOPSIG(count->status) == at_call ? 0 : WSTOPSIG(count->status);
                if (signal_number == 0)
                        count_one(count, child);
        }
        return !WIFSTOPPED(count->status);
}

bool call_count(CallCount *count, int (*run)(void *data), void *data)
{
        pid_t child;
        int error;

        *count = (CallCount){.total = 0};
        fflush(NULL);
        child = fork();
        if (child < 0)
                return false;
        if (child == 0)
                be_traced(run, data);
        if (waitpid(child, &count->status, 0) != child)
                return false;
        if (!WIFSTOPPED(count->status)) {
                errno = EPERM;
                return false;
        }
        if (trace(count, child))
                return true;
        error = errno;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        errno = error;
        return false;
}
