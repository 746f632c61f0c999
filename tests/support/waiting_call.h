/*
 * Which calls may wait for somebody else, and which do not: the reasons for all that the loop's
 * thread may call. For slow_calls.c, in the daemon, within a signal's handler: so nothing here
 * allocates, and whatever it asks the kernel, it asks past the filter.
 *
 * - Paths may wait, as their file systems like. /proc is the kernel's memory, but for what it links
 *   to.
 * - Descriptors of such files may wait. Those of memory, of /proc, and the kernel's own (eventfds,
 *   epoll sets, pidfds) do not.
 * - Sockets do not wait where the call or the descriptor says so (MSG_DONTWAIT, O_NONBLOCK); to
 * close one that lingers may. Whoever has a socket, too, can keep it locked: that is not seen here,
 * but by the tests that do so (held_lock.h).
 * - Time may: poll() with a time limit, a condition, a process that may not have ended, sleep.
 *
 * The loop's own wait is epoll_wait(); mutexes are held for a few instructions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The last argument of a system call that passes the filter. */
#define SLOW_CALLS_PASS 0x6b79726f6e696f64ul

/* The arguments of a system call. */
typedef struct WaitingCall {
        long number;
        unsigned long arguments[6];
} WaitingCall;

/* Which of SLOW_CALLS it is, if it may wait; SLOW_CALL_none. what: of what, for people. */
int waiting_call_judge(const WaitingCall *call, char *what, size_t size);

/* The number of the i-th call that is to be judged; -1: there are no more. */
int waiting_call_number(size_t i);
