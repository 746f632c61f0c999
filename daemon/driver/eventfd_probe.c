/* Whether a descriptor is an eventfd. See eventfd_probe.h. */
#include "daemon/driver/eventfd_probe.h"

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_trusted;

/* Fewer bytes than an eventfd has, at an address where nothing is. */
static const struct iovec few = {.iov_base = (void *)(uintptr_t)1, .iov_len = 4};

static bool answers_as_eventfd(int borrow_fd)
{
        return pwritev2(borrow_fd, &few, 1, -1, RWF_NOWAIT) < 0 && errno == EOPNOTSUPP &&
               preadv2(borrow_fd, &few, 1, -1, RWF_NOWAIT) < 0 && errno == EINVAL;
}

static void close_all(const int *fds, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (fds[i] >= 0)
                        close(fds[i]);
        }
}

void eventfd_probe_open(void)
{
        const int fds[] = {
                eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                epoll_create1(EPOLL_CLOEXEC),
        };

        is_trusted = fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0 && answers_as_eventfd(fds[0]) &&
                     !answers_as_eventfd(fds[1]) && !answers_as_eventfd(fds[2]);
        close_all(fds, sizeof(fds) / sizeof(fds[0]));
}

void eventfd_probe_close(void)
{
        is_trusted = false;
}

bool eventfd_probe(int borrow_fd)
{
        return is_trusted && answers_as_eventfd(borrow_fd);
}
