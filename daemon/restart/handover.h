/*
 * Handover: SIGUSR2 puts another program, such as a new release, in this process's place, with all
 * that the daemon owns.
 *
 *   idle      until SIGUSR2
 *   finding   the program is found and started apart, with --check-state, on a thread
 *   asking    it says whether it understands the state and the configuration
 *   ending    it was given up, and has not ended yet
 *   telling   it says yes, and systemd reads what it has not read yet
 *   settling  calls that may wait return, and no more of them begin
 *   leaving   sessions end, what they leave behind is closed, and the program is executed
 *
 * The state is a sealed memfd (state.proto) that says which of the process's descriptors is what;
 * those stay open, everything else closes. Clients find the same socket, with whoever is connecting
 * in its queue, and begin anew. What was passed to them before is theirs.
 *
 * Whatever goes wrong before the program is there, this one goes on, and says why in the log: it
 * has lost its sessions at most, which come back. If the program is there and cannot serve, it
 * executes this one again (takeover.h). The loop goes on meanwhile, until the sessions end; then it
 * waits for what they leave to be closed, HANDOVER_CLOSE_MS, and for the program's file, which has
 * just been read, to be executed.
 */
#pragma once

#include "daemon/loop/loop_event.h"
#include "daemon/restart/successor.h"
#include "daemon/store/state.pb-c.h"

typedef struct Daemon Daemon;

enum {
        HANDOVER_CHECK_SECONDS = 10,
        /* How long calls that may wait have to return, and what the sessions leave to close. */
        HANDOVER_CLOSE_MS = 500,
        /* How long the service manager has to read what it was told. */
        HANDOVER_TOLD_MS = 2000,
};

typedef enum HandoverStage {
        HANDOVER_IDLE,
        HANDOVER_FINDING,
        HANDOVER_ASKING,
        HANDOVER_ENDING,
        HANDOVER_TELLING,
        HANDOVER_SETTLING,
} HandoverStage;

typedef struct Handover {
        Daemon *daemon;
        LoopEvent *asked;     /* SIGUSR2 */
        LoopEvent *limit;     /* HANDOVER_CHECK_SECONDS for all of it */
        LoopEvent *ended;     /* the program that was asked has */
        LoopEvent *may_leave; /* asks again, in a moment, what it waits for */
        int moments;          /* left */
        HandoverStage stage;
        bool again; /* SIGUSR2 has come meanwhile: there may be another program by now */
        Successor *successor;
        State__Question question;
        int answer_fd; /* of a pipe; -1 */
} Handover;

/* 0 or -ENOMEM with error_text(). */
int handover_init(Handover *handover, Daemon *daemon);
void handover_deinit(Handover *handover);
