/*
 * Deadlines: a test waits for a condition, never for a time. Every wait says whether the condition
 * came before its deadline; only a failing test waits until then. Needs no test framework, so that
 * child processes and stand-alone programs can use it too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum {
        /* Enough for valgrind on a busy machine. */
        DEADLINE_MS = 10000,
};

/* A moment of CLOCK_MONOTONIC, in milliseconds. */
typedef int64_t Deadline;

Deadline deadline_in(int ms);
/* Milliseconds until then; 0 when it has passed. */
int deadline_left(Deadline deadline);

/* Waits for any of these poll() events. Returns what poll() reported, which can be POLLHUP,
 * POLLERR or POLLNVAL unasked; 0 when the deadline passed. */
short wait_for_events(int borrow_fd, short events, int ms);
/* Whether read (write) would not block: data (room), end of file or an error. */
bool wait_readable(int borrow_fd, int ms);
bool wait_writable(int borrow_fd, int ms);

/* Reaps a child. status is waitpid()'s and may be NULL. */
bool wait_exit(pid_t child, int ms, int *status);

/* Evaluates an expression every millisecond until it is true, for what no descriptor reports. */
#define WAIT_UNTIL(condition, ms)                                                                  \
        ({                                                                                         \
                Deadline wait_until_end_ = deadline_in(ms);                                        \
                bool wait_until_met_;                                                              \
                while (!(wait_until_met_ = (condition)) && deadline_left(wait_until_end_) > 0)     \
                        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);                   \
                wait_until_met_;                                                                   \
        })
