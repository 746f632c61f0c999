/*
 * What `kyronctl why` is asked about: a process by its number, a session by its own, or whoever has
 * the socket at an address.
 */
#pragma once

#include "ctl/wait_view.h"

enum { WAIT_TARGETS_MAX = 64 };

typedef struct WaitTargets {
        size_t count;
        const Process *processes[WAIT_TARGETS_MAX]; /* of the second sample */
        bool not_seen; /* there is such a socket, and whose it is is not for this user to see */
} WaitTargets;

/* Finds the processes that the word means: a number is a process, else a session, else a port; the
 * rest are addresses. Those beyond WAIT_TARGETS_MAX are left out. */
void wait_target_find(const WaitView *view, const char *word, WaitTargets *out);
