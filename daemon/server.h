/*
 * Server: the loop, the listening socket, and all the sessions.
 *
 * Single-threaded but for the closer. What ends the daemon: SIGTERM or SIGINT, losing the loop
 * itself, and nothing a client does.
 */
#pragma once

#include "daemon/closer.h"
#include "daemon/io_driver.h"
#include "daemon/listening_socket.h"
#include "daemon/options.h"
#include "daemon/quota.h"
#include "daemon/session.h"
#include "proto/frame.h"

struct event_base;

TAILQ_HEAD(SessionList, Session);

struct Server {
        const Options *options;
        struct event_base *base;
        ListeningSocket listening;

        struct event *acceptable;
        struct event *accept_again; /* after a pause for want of resources */
        struct event *woken;
        struct event *watchdog;
        struct event *terminate[2];

        struct SessionList sessions; /* in order of id */
        uint32_t session_count;
        uint32_t sessions_max; /* as configured, or fewer if descriptors do not suffice */
        uint32_t closer_places;
        uint64_t sessions_total;
        uint64_t registration_count;
        uint64_t refusals;
        uint64_t epoch;
        uint64_t started; /* CLOCK_REALTIME nanoseconds */
        gid_t admin_gid;
        bool has_admin_gid;

        Quota quota;
        IoDriver driver;
        Closer closer;
        bool closer_runs;
        FrameArena arena; /* of the packet being served */
        uint8_t packet[FRAME_BYTES_MAX];
};

/* 0, or -errno with error_text(). options must outlive the server. */
int server_open(Server **out, const Options *options);
/* Serves until told to stop. 0 or -errno. */
int server_run(Server *server);
/* Says goodbye to every session and releases everything; returns NULL. */
Server *server_close(Server *server);
