/* Timer: expires once or again and again; a timerfd, so that it is waited for like all else. */
#include "client/handle/io_driver_handle.h"
#include "client/readiness/bridged_fd.h"
#include "client/readiness/operation.h"
#include "core/error.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct KyronTimer {
        KyronBridgedFd bridged_fd;
};

enum { NANOSECONDS = 1000000000 };

int kyron_timer_new(KyronTimer **out, KyronIoDriverHandle *handle)
{
        int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

        if (fd < 0)
                return error_set(errno, "no timer: %s", strerror(errno));
        return bridged_fd_new((KyronBridgedFd **)out, handle, fd, 0);
}

void kyron_timer_close(KyronTimer *timer)
{
        kyron_bridged_fd_close((KyronBridgedFd *)timer);
}

static int arm(KyronTimer *timer, uint64_t first, uint64_t period)
{
        const struct itimerspec times = {
                .it_value = {.tv_sec = (time_t)(first / NANOSECONDS),
                             .tv_nsec = (long)(first % NANOSECONDS)},
                .it_interval = {.tv_sec = (time_t)(period / NANOSECONDS),
                                .tv_nsec = (long)(period % NANOSECONDS)},
        };
        int r = io_driver_handle_check_process(timer->bridged_fd.registration.handle);

        if (r < 0)
                return r;
        if (timerfd_settime(timer->bridged_fd.registration.fd, 0, &times, NULL) < 0)
                return error_set(errno, "the timer cannot be armed: %s", strerror(errno));
        return 0;
}

int kyron_timer_after(KyronTimer *timer, uint64_t nanoseconds)
{
        return arm(timer, nanoseconds, 0);
}

int kyron_timer_every(KyronTimer *timer, uint64_t period_nanoseconds)
{
        return arm(timer, period_nanoseconds, period_nanoseconds);
}

static ssize_t take_expiries(int borrow_fd, KyronOperation *operation)
{
        uint64_t count;
        ssize_t n = read(borrow_fd, &count, sizeof(count));

        (void)operation;
        return n < 0 ? operation_result(n, "read the timer") : (ssize_t)count;
}

int kyron_timer_wait(KyronTimer *timer, KyronOperation *operation)
{
        return kyron_bridged_fd_async_call(&timer->bridged_fd, operation, KYRON_READABLE,
                                           take_expiries);
}

KyronBridgedFd *kyron_timer_bridged_fd(KyronTimer *timer)
{
        return &timer->bridged_fd;
}
