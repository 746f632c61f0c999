/*
 * Drain: who waits for a session's workers to have nothing in hand any more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

typedef struct Session Session;

typedef struct DrainWait {
        TAILQ_ENTRY(DrainWait) link;
        Session *asker;
        uint32_t sequence;
        Session *target;
} DrainWait;

typedef TAILQ_HEAD(DrainWaitList, DrainWait) DrainWaitList;

/* The target's workers are given nothing more, or again. */
void drain_set(Session *target, bool draining);
/* Answers the asker with Done once the target's workers have nothing in hand. 0 or -ENOMEM. */
int drain_wait(DrainWaitList *drains, Session *asker, uint32_t sequence, Session *target);
/* Ends the wait that this request began; false: there is none. */
bool drain_cancel(DrainWaitList *drains, Session *asker, uint32_t sequence);

/* To be called when a worker of the target has less in hand. */
void drain_check(DrainWaitList *drains, Session *target);
/* A session ends: nobody waits for it or on its behalf any more. */
void drain_forget(DrainWaitList *drains, Session *session);
