/*
 * daemon/server/: opens, runs and closes the whole; only main calls it.
 *
 * Server: what the process itself listens to: signals, the watchdog, a handover. What there is
 * stands in daemon.h.
 *
 * What ends the daemon: SIGTERM or SIGINT, losing the loop itself (its wait fails again and again),
 * and nothing a client does.
 */
#pragma once

#include "daemon/daemon.h"
#include "daemon/restart/handover.h"
#include "daemon/restart/takeover.h"

typedef struct Server {
        Daemon daemon;
        LoopEvent *woken; /* by another thread */
        LoopEvent *watchdog;
        bool watchdog_is_due; /* at the end of the turn */
        LoopEvent *terminate[2];
        LoopEvent *hang_up; /* SIGHUP */
        Handover handover;
        Takeover takeover;
        OwnedList owned; /* by an earlier run, while this one starts */
        uint32_t closer_places;
        bool closer_runs;
} Server;

/* 0, or -errno with error_text(). options must outlive the server; the configuration is the
 * server's from then on, whatever comes of it. */
int server_open(Server **out, Options *options, Config *take_config);
/* Serves until told to stop. 0 or -errno. */
int server_run(Server *server);
/* Says goodbye to every session and releases everything; returns NULL. */
Server *server_close(Server *server);
