/*
 * Takeover: what a program does that was executed in another one's place (handover.h).
 *
 *   at first   the variable that names the state is looked for
 *   taking     everything in the state is the daemon's under numbers of its own; the old ones stay
 *              open
 *   settled    the daemon can serve, and the old numbers are closed
 *
 * Whatever goes wrong before it is settled, the program before is executed again with the same
 * state: its sessions are all that it has lost.
 */
#pragma once

#include "daemon/restart/owned.h"

#include <stdbool.h>

typedef struct Options Options;
typedef struct State__State State__State;

typedef struct Takeover {
        State__State *state; /* taken, and not settled; NULL: there is none */
} Takeover;

/* The descriptor of the state that a program before has left, or -1. Before anything is opened. */
int takeover_find_state(void);

/* --check-state: says whether it takes the state, and why not. 0, or -errno with error_text(). */
int takeover_check(const Options *options);

/* Takes everything in it: the listening socket, and what is owned. 0, or -errno with
 * error_text(). */
int takeover_begin(Takeover *takeover, Daemon *daemon, OwnedList *list);
/* The daemon can serve. */
void takeover_settle(Takeover *takeover, Daemon *daemon);
/* This program cannot serve, for what error_text() says: executes the one before, if there was one.
 * Returns if there was none, or if that fails. */
void takeover_go_back(Options *options);
