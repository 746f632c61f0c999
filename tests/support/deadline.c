/* Waits that end. See deadline.h. */
#include "tests/support/deadline.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>

static int64_t now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

Deadline deadline_in(int ms)
{
        return now_ms() + ms;
}

int deadline_left(Deadline deadline)
{
        int64_t left = deadline - now_ms();

        return left > 0 ? (int)left : 0;
}

short wait_for_events(int borrow_fd, short events, int ms)
{
        Deadline deadline = deadline_in(ms);
        struct pollfd fd = {.fd = borrow_fd, .events = events};
        int n;

        do {
                n = poll(&fd, 1, deadline_left(deadline));
        } while (n < 0 && errno == EINTR);
        return n > 0 ? fd.revents : 0;
}

bool wait_readable(int borrow_fd, int ms)
{
        return wait_for_events(borrow_fd, POLLIN, ms) != 0;
}

bool wait_writable(int borrow_fd, int ms)
{
        return wait_for_events(borrow_fd, POLLOUT, ms) != 0;
}

bool wait_exit(pid_t child, int ms, int *status)
{
        int unused;

        return WAIT_UNTIL(waitpid(child, status ? status : &unused, WNOHANG) == child, ms);
}
