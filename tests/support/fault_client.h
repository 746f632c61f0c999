/*
 * What the steps of fault_scene have in common: whose answers are awaited how long, what may fail,
 * and what is said about it. Without check, which other processes cannot use.
 */
#pragma once

#include "client/kyron.h"

#include <stdbool.h>
#include <sys/types.h>

enum {
        /* For an answer; a failing daemon rests in between. */
        FAULT_ANSWER_MS = 8000,
};

typedef struct FaultScene {
        bool strict;  /* nothing may fail */
        int failures; /* that should not have been */
        const char *directory;
        /* What connections say, and are answered with: those that an earlier scene has left say
         * another. */
        pid_t tag;
} FaultScene;

extern FaultScene fault_scene;

typedef struct FaultCall {
        KyronOperation operation;
        bool done;
} FaultCall;

/* Something went wrong that never may. */
void fault_complain(const char *step, const char *what);
/* Something that may fail, unless the scene is strict; it is said in any case. Returns condition.
 */
bool fault_expect(bool condition, const char *step, const char *what);

/* A session; NULL: there is none. */
KyronIoDriverHandle *fault_open(const char *step);
/* Until the daemon has heard all that was said before. */
void fault_settle(KyronIoDriverHandle *handle);

KyronOperation *fault_begin(FaultCall *call);
/* The end of what was begun, by a call that returned r: how it went. That it never comes is always
 * wrong, and ends the process. */
int fault_await(KyronIoDriverHandle *handle, FaultCall *call, int r, const char *step);
/* The same, of what should go well: whether it did. */
bool fault_ended_well(KyronIoDriverHandle *handle, FaultCall *call, int r, const char *step);
/* The end of what may have to wait for ever; or cancels it. */
void fault_finish(KyronIoDriverHandle *handle, FaultCall *call, int r, int ms);

/* A listener of this side's, and its address with this host in it. */
int fault_listen(char address[static 64], const char *host);
/* A connection, whether it comes about or not, with time limits for all it does. */
int fault_dial(const char *address);
