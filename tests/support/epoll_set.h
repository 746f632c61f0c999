/*
 * A bare epoll set, for tests of what the kernel does. Results are 0 or -errno. Data is the 64
 * bits of an entry.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

enum {
        /* The reserved number: below any sensible limit, above what a test opens. */
        EPOLL_SET_SCRATCH = 900,
        EPOLL_SET_NO_EVENT = 0,
};

int epoll_set_open(void);

/* epoll_ctl(): under the descriptor's own number. */
int epoll_set_control(int set, int operation, int fd, uint32_t events, uint64_t data);
int epoll_set_add(int set, int fd, uint32_t events, uint64_t data);

/* The daemon's way: under EPOLL_SET_SCRATCH, which is closed again, so no descriptor is kept. */
int epoll_set_control_by_scratch(int set, int operation, int fd, uint32_t events, uint64_t data);
int epoll_set_add_by_scratch(int set, int fd, uint32_t events, uint64_t data);

/* Waits for one event and returns its bits, EPOLL_SET_NO_EVENT when ms passed without; its data
 * where data is not NULL. 0 ms is enough where the kernel wakes within the call that caused it:
 * pipes, Unix sockets. */
uint32_t epoll_set_next(int set, int ms, uint64_t *data);

/* Lists the data of the set's entries as fdinfo has them and returns how many there are. Ends the
 * test when there are more than max. */
size_t epoll_set_list(int set, uint64_t *data, size_t max);
