/*
 * Server: the loop, the listening socket, and all the sessions.
 *
 * Single-threaded but for the closer and the reconciler. What ends the daemon: SIGTERM or SIGINT,
 * losing the loop itself (its wait fails again and again), and nothing a client does.
 */
#pragma once

#include "daemon/budget/in_flight.h"
#include "daemon/budget/kept.h"
#include "daemon/budget/quota.h"
#include "daemon/budget/session_rate.h"
#include "daemon/closing/closer.h"
#include "daemon/config/admin_group.h"
#include "daemon/config/config.h"
#include "daemon/config/options.h"
#include "daemon/driver/io_driver.h"
#include "daemon/driver/reconciler.h"
#include "daemon/hold/hold.h"
#include "daemon/listen/connection_store.h"
#include "daemon/listen/drain.h"
#include "daemon/listen/listener.h"
#include "daemon/loop/loop.h"
#include "daemon/loop/loop_event.h"
#include "daemon/loop/time_share.h"
#include "daemon/process/scheduling.h"
#include "daemon/restart/handover.h"
#include "daemon/session/daemon_socket.h"
#include "daemon/session/session.h"
#include "daemon/store/descriptor_store.h"
#include "proto/frame.h"

TAILQ_HEAD(SessionList, Session);

struct Server {
        Options *options;
        Config *config; /* in force */
        Loop loop;
        ListeningSocket listening;

        LoopEvent *acceptable;
        LoopEvent *accept_again; /* after a pause for want of resources */
        Waker accept_waker;      /* that could not be armed */
        LoopEvent *woken;
        LoopEvent *watchdog;
        bool watchdog_is_due; /* at the end of the turn */
        LoopEvent *terminate[2];
        LoopEvent *hang_up; /* SIGHUP */

        struct SessionList sessions; /* in order of id */
        uint32_t session_count;
        uint32_t sessions_max; /* as configured, or fewer if descriptors do not suffice */
        uint32_t closer_places;
        uint64_t watches_per_user_max; /* entries in the kernel */
        uint64_t sessions_total;
        uint64_t registration_count;
        uint64_t refusals;
        SessionRate session_rate;
        TimeShares shares;
        Scheduling scheduling;
        uint64_t epoch;
        uint64_t started; /* CLOCK_REALTIME nanoseconds */
        AdminGroup admin_group;

        ListenerList listeners; /* in order of number */
        uint32_t listener_count;
        uint64_t listeners_total;
        HoldSet holds;
        DescriptorStore store;
        Waiting waiting;
        Handover handover;
        OwnedList owned; /* by an earlier run, while this one starts */
        uint64_t connections_total;
        DrainWaitList drains;
        struct Connector *connector;
        Kept kept;

        Quota quota;
        InFlight in_flight;
        IoDriver driver;
        Closer closer;
        bool closer_runs;
        Reconciler reconciler;
        FrameArena arena; /* of the packet being served */
        uint8_t packet[FRAME_BYTES_MAX];
};

/* 0, or -errno with error_text(). options must outlive the server; the configuration is the
 * server's from then on, whatever comes of it. */
int server_open(Server **out, Options *options, Config *take_config);
/* Serves until told to stop. 0 or -errno. */
int server_run(Server *server);
/* Says goodbye to every session and releases everything; returns NULL. */
Server *server_close(Server *server);
