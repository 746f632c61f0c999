/*
 * Handover: SIGUSR2 puts another program, such as a new release, in this process's place, with all
 * that the daemon owns.
 *
 *   idle      until SIGUSR2
 *   checking  the program runs apart, with --check-state, and says by its exit status whether it
 *             understands the state and the configuration
 *   leaving   sessions end, what they leave behind is closed, and the program is executed
 *
 * The state is a sealed memfd (state.proto) that says which of the process's descriptors is what;
 * those stay open, everything else closes. Clients find the same socket, with whoever is connecting
 * in its queue, and begin anew. What was passed to them before is theirs.
 *
 * Whatever goes wrong before the program is there, this one goes on, and says why in the log: it
 * has lost its sessions at most, which come back. The loop goes on meanwhile; it waits only for
 * what is being closed, HANDOVER_CLOSE_MS, and for the program to be executed.
 */
#pragma once

#include "daemon/loop/loop_event.h"
#include "daemon/restart/owned.h"

typedef struct Options Options;
typedef struct State__State State__State;

enum {
        HANDOVER_CHECK_SECONDS = 10,
        HANDOVER_CLOSE_MS = 500,
        /* How long the service manager has to read what it was told. */
        HANDOVER_TOLD_MS = 2000,
};

typedef struct Handover {
        Daemon *daemon;
        LoopEvent *asked;   /* SIGUSR2 */
        LoopEvent *checked; /* the program that checks has ended */
        int checker_fd;     /* its pidfd; -1: idle */
        int checker_pid;
        LoopEvent *may_leave; /* as soon as the service manager has read everything */
        int telling_tries;    /* left */
} Handover;

/* 0 or -ENOMEM with error_text(). */
int handover_init(Handover *handover, Daemon *daemon);
void handover_deinit(Handover *handover);

/* --check-state: 0, or -errno with error_text(). */
int handover_check(const Options *options);

/* At the start: whether a program before has left a state. */
bool handover_has_state(void);
/* After that: then options->state_fd has it. */
void handover_find_state(Options *options);
/* Takes everything in it: the listening socket, and what is owned. 0, or -errno with
 * error_text(). */
int handover_take(Daemon *daemon, OwnedList *list);
