/*
 * Drain: who waits for a session's workers to have nothing in hand any more.
 *
 * A wait is in its asker's list and in its target's, and once the target is drained in the list of
 * those to be answered, DRAIN_ANSWERS_PER_TURN in a turn: so many may wait for one. Each session
 * may wait for DRAIN_PER_SESSION_MAX drains, and all of a user's for DRAIN_PER_USER_MAX.
 */
#pragma once

#include "daemon/loop/loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

typedef struct Session Session;

enum {
        DRAIN_PER_SESSION_MAX = 64,
        DRAIN_PER_USER_MAX = 1024,
        DRAIN_ANSWERS_PER_TURN = 16,
};

typedef struct DrainWait {
        TAILQ_ENTRY(DrainWait) asked_link; /* the asker's */
        TAILQ_ENTRY(DrainWait) link;       /* the target's, or of those to be answered */
        Session *asker;
        uint32_t sequence;
        Session *target; /* NULL: to be answered */
} DrainWait;

typedef struct Drains {
        Loop *loop;
        TAILQ_HEAD(, DrainWait) done; /* to be answered */
        LoopEvent *answer;            /* some of them, in the next turn */
        Waker again;                  /* it could not be armed */
} Drains;

/* 0, or -ENOMEM with error_text(). */
int drains_open(Drains *drains, Loop *loop);
/* The sessions have ended. */
void drains_close(Drains *drains);

/* The target's workers are given nothing more, or again. */
void drain_set(Session *target, bool draining);
/* Whether the asker may wait for one more. 0, or -EDQUOT with error_text(). */
int drain_check_room(const Session *asker);
/* Answers the asker with Done once the target's workers have nothing in hand. 0, or -ENOMEM with
 * error_text(). */
int drain_wait(Drains *drains, Session *asker, uint32_t sequence, Session *target);
/* Ends the wait that this request began; false: there is none. */
bool drain_cancel(Drains *drains, Session *asker, uint32_t sequence);

/* To be called when a worker of the target has less in hand. */
void drain_check(Drains *drains, Session *target);
/* A session ends: nobody waits for it or on its behalf any more. */
void drain_forget(Drains *drains, Session *session);
