/*
 * LiveEntries: what the kernel has in an epoll set, as /proc/self/fdinfo lists it. The kernel locks
 * the set and writes its whole list at the first read, some microseconds for each entry: not for
 * the loop (reconciler.h).
 */
#pragma once

#include "core/io_id.h"

#include <stddef.h>

typedef struct LiveEntries {
        IoId *ids; /* in no order, and perhaps several of one slot */
        size_t count;
        size_t capacity;
} LiveEntries;

/* Reads them all. From any thread. 0 or -errno, with nothing in *out. */
int live_entries_read(LiveEntries *out, int borrow_epoll_fd);
void live_entries_release(LiveEntries *entries);
