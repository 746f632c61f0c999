/*
 * A process that keeps a socket locked: what anybody can do who has the socket, with a call that
 * copies from a page which does not come (userfaultfd, or a FUSE file of their own). Whoever asks
 * for the socket's name, or changes it, waits until that process has gone.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

typedef struct HeldLock {
        pid_t holder;
        int fault_fd;
} HeldLock;

/* Returns once it is locked; false: this user may not keep pages away. */
bool held_lock_take(HeldLock *lock, int borrow_fd);
void held_lock_end(HeldLock *lock);
