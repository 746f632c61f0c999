/* One epoll set. See selector.h. */
#include "core/selector.h"

#include "core/standard_descriptors.h"

#include <errno.h>
#include <unistd.h>

int selector_open(Selector *selector)
{
        int fd = standard_descriptors_avoid(epoll_create1(EPOLL_CLOEXEC));

        if (fd < 0)
                return -errno;
        selector->epoll_fd = fd;
        return 0;
}

void selector_close(Selector *selector)
{
        if (selector->epoll_fd >= 0)
                close(selector->epoll_fd);
        selector->epoll_fd = -1;
}

static int control(Selector *selector, int operation, int fd, IoId id, uint32_t events)
{
        struct epoll_event event = {.events = events, .data.u64 = id};

        return epoll_ctl(selector->epoll_fd, operation, fd, &event) < 0 ? -errno : 0;
}

int selector_add(Selector *selector, int borrow_fd, IoId id, Readiness interest)
{
        return control(selector, EPOLL_CTL_ADD, borrow_fd, id, readiness_to_epoll(interest));
}

int selector_modify(Selector *selector, int borrow_fd, IoId id, Readiness interest)
{
        return control(selector, EPOLL_CTL_MOD, borrow_fd, id, readiness_to_epoll(interest));
}

int selector_remove(Selector *selector, int borrow_fd)
{
        return control(selector, EPOLL_CTL_DEL, borrow_fd, IO_ID_NONE, 0);
}

int selector_add_level(Selector *selector, int borrow_fd, IoId id, Readiness interest)
{
        return control(selector, EPOLL_CTL_ADD, borrow_fd, id,
                       readiness_to_epoll(interest) & ~(uint32_t)EPOLLET);
}

int selector_modify_level(Selector *selector, int borrow_fd, IoId id, Readiness interest)
{
        return control(selector, EPOLL_CTL_MOD, borrow_fd, id,
                       readiness_to_epoll(interest) & ~(uint32_t)EPOLLET);
}

int selector_wait(Selector *selector, SelectorEvent *events, int max, int timeout_ms)
{
        int n = epoll_wait(selector->epoll_fd, events, max, timeout_ms);

        return n < 0 ? -errno : n;
}
