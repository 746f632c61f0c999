/* A timerfd, in milliseconds. */
#pragma once

#include <sys/timerfd.h>

/* Runs out once, so many milliseconds from now; 0: not at all. */
static inline void timer_fd_set(int borrow_fd, unsigned ms)
{
        const struct itimerspec time = {
                .it_value = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000},
        };

        timerfd_settime(borrow_fd, 0, &time, 0);
}
