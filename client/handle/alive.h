/*
 * Alive: whether the daemon still answers.
 *
 * A daemon that hangs keeps its socket open: nothing tells of it. Whatever comes from it shows that
 * it lives. Once something has come from it or was sent to it, and then nothing has come for three
 * quarters of the time that it has, it is asked; if it leaves that unanswered for the last quarter,
 * it is taken for lost, and an outage begins. Once it has answered, nobody asks again until there
 * is something new between the two, or as long as a request waits for its answer: a handle that
 * waits and waits costs neither of them anything.
 *
 * State: at rest → watching (the timer runs) → asked → at rest, or lost. While frames come, they
 * put the timer off, so that nobody is woken by it who is told something more often than it runs
 * out: one that comes when an eighth of the time has passed since it was set. So a frame costs a
 * look at the coarse clock, and some in a second a system call.
 *
 * It uses the handle's timer, which is the outage's while there is one. Guarded by the handle's
 * lock.
 */
#pragma once

#include "client/kyron.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        ALIVE_DEFAULT_MS = 2000,
        ALIVE_MIN_MS = 20,
};

typedef enum AliveState {
        ALIVE_AT_REST,
        ALIVE_WATCHING,
        ALIVE_ASKED,
} AliveState;

typedef enum AliveVerdict {
        ALIVE_WELL,
        ALIVE_TO_BE_ASKED,
        ALIVE_LOST,
} AliveVerdict;

typedef struct Alive {
        AliveState state;
        int limit_ms; /* -1: never lost */
        int borrow_timer_fd;
        uint64_t heard_ms; /* CLOCK_MONOTONIC_COARSE: when a frame came, or the watching began */
        uint64_t set_ms;   /* the same: when the timer was set for the whole of the silence */
} Alive;

/* ms: as KyronOptions.alive_ms; the environment's KYRON_ALIVE_MS counts instead. */
void alive_init(Alive *alive, int ms);

/* A packet was sent to the daemon; one has come from it. */
void alive_on_sent(Alive *alive);
void alive_on_heard(Alive *alive);
/* The answer has come, and was heard. is_awaited: another answer of the daemon's is waited for. */
void alive_on_answer(Alive *alive, bool is_awaited);
/* There is no session, and the timer is another's. */
void alive_rest(Alive *alive);

/* The timer has run out; has_unread: something from the daemon is to be received yet. Asking is
 * then up to the caller. */
AliveVerdict alive_on_timer(Alive *alive, bool has_unread);
