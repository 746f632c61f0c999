/* What whoever started the daemon left in its process. See inherited.h. */
#include "daemon/process/inherited.h"

#include "core/error.h"
#include "core/standard_descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/* What a system has by default. */
enum { STACK_BYTES = 8 * 1024 * 1024 };

static void reset_signals(bool keep_blocked)
{
        static const int ignored[] = {SIGPIPE, SIGXFSZ, SIGHUP, SIGUSR2};
        sigset_t blocked, before;

        /* Ignoring one discards it, if it is pending: it was for who was here before. Those that
         * are the C library's own cannot be set. */
        for (int number = 1; number <= SIGRTMAX; number++) {
                if (number != SIGTERM && number != SIGINT)
                        signal(number, SIG_IGN);
                signal(number, SIG_DFL);
        }
        for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
                signal(ignored[i], SIG_IGN);
        sigemptyset(&blocked);
        sigemptyset(&before);
        pthread_sigmask(SIG_SETMASK, NULL, &before);
        if (keep_blocked && sigismember(&before, SIGTERM) == 1)
                sigaddset(&blocked, SIGTERM);
        if (keep_blocked && sigismember(&before, SIGINT) == 1)
                sigaddset(&blocked, SIGINT);
        pthread_sigmask(SIG_SETMASK, &blocked, NULL);
}

static void stop_timers(void)
{
        static const enum __itimer_which timers[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
        const struct itimerval none = {.it_value = {0}};

        for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
                setitimer(timers[i], &none, NULL);
}

/* Files in memory count, too. What the hard limit refuses is said where it is met. */
static void raise_file_size(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
                limit.rlim_cur = limit.rlim_max;
                setrlimit(RLIMIT_FSIZE, &limit);
        }
}

/* It grows as the limit of now allows, whatever that was before. */
static int raise_stack(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur >= STACK_BYTES)
                return 0;
        limit.rlim_cur = limit.rlim_max < STACK_BYTES ? limit.rlim_max : STACK_BYTES;
        if (limit.rlim_cur < INHERITED_STACK_MIN || setrlimit(RLIMIT_STACK, &limit) < 0)
                return error_set(ENOMEM,
                                 "the limit of the stack (RLIMIT_STACK) is %llu bytes: %d is the "
                                 "least",
                                 (unsigned long long)limit.rlim_cur, INHERITED_STACK_MIN);
        return 0;
}

int inherited_reset(bool keep_blocked)
{
        if (!standard_descriptors_occupy())
                return error_set(errno, "no standard descriptors: %s", strerror(errno));
        stop_timers();
        reset_signals(keep_blocked);
        umask(077);
        raise_file_size();
        return raise_stack();
}

/* Where the kernel does not do it at once. */
static int close_each(int first)
{
        DIR *directory = opendir("/proc/self/fd");
        const struct dirent *entry;

        if (!directory)
                return error_set(errno, "what was left open cannot be closed: /proc/self/fd: %s",
                                 strerror(errno));
        while ((entry = readdir(directory))) {
                long fd = strtol(entry->d_name, NULL, 10);

                if (fd >= first && fd <= INT_MAX && fd != dirfd(directory))
                        close((int)fd);
        }
        closedir(directory);
        return 0;
}

int inherited_close(int first)
{
        return close_range((unsigned)first, UINT_MAX, 0) == 0 ? 0 : close_each(first);
}
