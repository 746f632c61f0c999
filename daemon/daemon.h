/*
 * Daemon: the inventory, what there is in the daemon. Only those who see to the whole of it know
 * it: server/, requests/ and restart/. Everybody else has what it uses.
 *
 * Single-threaded but for the closer, the reconciler and the blocking pool.
 */
#pragma once

#include "daemon/blocking/blocking_pool.h"
#include "daemon/connect/connector.h"
#include "daemon/hold/hold.h"
#include "daemon/listen/listener.h"
#include "daemon/process/scheduling.h"
#include "daemon/scrape/scrapes.h"
#include "daemon/session/daemon_socket.h"
#include "daemon/session/sessions.h"
#include "daemon/store/descriptor_store.h"
#include "daemon/tell/teller.h"

typedef struct Daemon {
        Options *options;
        Config *config; /* in force */
        AdminGroup admin_group;
        uint64_t epoch;
        uint64_t started;       /* CLOCK_REALTIME nanoseconds */
        uint64_t pid_namespace; /* its inode; 0: not known */

        Loop loop;
        Scheduling scheduling;
        Closer closer;
        BlockingPool *blocking;
        struct Reloader *reloader;    /* restart/reload.h */
        struct LateNames *late_names; /* restart/late_names.h */
        IoDriver driver;
        Reconciler reconciler;
        Quota quota;
        InFlight in_flight;
        Kept kept;
        Watches watches;
        Teller teller;
        NotifyQueue notify;
        DescriptorStore store;
        Connector *connector;
        uint32_t connects; /* under way */

        DaemonSocket socket; /* that clients connect to */
        Sessions sessions;
        HoldSet holds;
        Listeners listeners;
        Scrapes scrapes;
} Daemon;
