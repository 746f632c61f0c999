/*
 * Listeners: all of them, and what they use of the rooms below.
 *
 * What is pointed to outlives it. Owned by the daemon, single-threaded.
 */
#pragma once

#include "daemon/budget/kept.h"
#include "daemon/budget/quota.h"
#include "daemon/listen/connection_store.h"
#include "daemon/listen/drain.h"
#include "daemon/loop/loop.h"
#include "daemon/store/descriptor_store.h"

typedef struct Listener Listener;
typedef TAILQ_HEAD(ListenerList, Listener) ListenerList;

struct Listeners {
        Loop *loop;
        Quota *quota;
        Kept *kept;
        Closer *closer;
        DescriptorStore *store;

        ListenerList list; /* in order of number */
        uint32_t count;
        uint64_t total;
        uint64_t connections_total;
        ConnectionStore waiting;
        DrainWaitList drains;
};
