/*
 * Selector: one epoll set, the OS event selector. Everything in it is edge-triggered and armed
 * once, but for what selector_add_level() adds: the few descriptors of our own that are served
 * a bounded amount per turn and must be reported again.
 *
 * The set remembers (open file, descriptor number); an entry lives until the last reference to
 * the file is gone, not until the number is closed. The daemon relies on it (io_driver.h),
 * and tests/unit/kernel/test_kernel_assumptions_epoll.c proves it.
 */
#pragma once

#include "core/io_id.h"
#include "core/readiness.h"

#include <sys/epoll.h>

typedef struct Selector {
        int epoll_fd; /* -1: not open */
} Selector;

/* As the kernel writes it: of a thousand events none is copied. */
typedef struct epoll_event SelectorEvent;

static inline IoId selector_event_id(const SelectorEvent *event)
{
        return event->data.u64;
}

static inline Readiness selector_event_readiness(const SelectorEvent *event)
{
        return readiness_from_epoll(event->events);
}

#define SELECTOR_INIT                                                                              \
        {                                                                                          \
                .epoll_fd = -1                                                                     \
        }

/* 0 or -errno (EMFILE, ENFILE, ENOMEM). */
int selector_open(Selector *selector);
void selector_close(Selector *selector);

/* Adds, widens or removes borrow_fd. 0 or -errno: EEXIST the file is in the set under this
 * number, ENOENT it is not, EPERM a file that cannot be waited for, EBADF an O_PATH descriptor,
 * ELOOP epoll sets nested too deep, ENOSPC fs.epoll.max_user_watches, ENOMEM. */
int selector_add(Selector *selector, int borrow_fd, IoId id, Readiness interest);
int selector_modify(Selector *selector, int borrow_fd, IoId id, Readiness interest);
int selector_remove(Selector *selector, int borrow_fd);

int selector_add_level(Selector *selector, int borrow_fd, IoId id, Readiness interest);
int selector_modify_level(Selector *selector, int borrow_fd, IoId id, Readiness interest);

/* Waits up to timeout_ms (-1 for ever, 0 not at all) and fills events, which have room for max.
 * Returns how many, or -errno; -EINTR when a signal came first. */
int selector_wait(Selector *selector, SelectorEvent *events, int max, int timeout_ms);
