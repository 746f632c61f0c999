/*
 * Which holds are in systemd's store, and when they come there.
 *
 * Of what systemd keeps, each user has a share (core/share.h). And each user has a pace: so many
 * are stored at once, and then so many a second. What is beyond it waits, and is stored later; what
 * is taken meanwhile never is. So nobody's holding and taking over and over keeps systemd busy.
 *
 * Part of the HoldSet, single-threaded.
 */
#pragma once

#include "daemon/hold/hold.h"

enum {
        /* Holds of a user. */
        HOLD_STORES_AT_ONCE = 256,
        HOLD_STORES_PER_SECOND = 100,
        /* How often those that wait are looked at, and how many of them. */
        HOLD_STORE_TICK_MS = 50,
        HOLD_STORES_PER_TICK = 32,
};

/* 0 or -ENOMEM. */
int hold_store_open(HoldSet *set, Loop *loop);
void hold_store_close(HoldSet *set);

/* A hold is in the set: it is stored, or will be; or it is stored already, and counted. */
void hold_store_begin(HoldSet *set, Hold *hold);
/* It leaves the set: it waits no more, and counts no more. Who forgets what is stored is the
 * caller. */
void hold_store_end(HoldSet *set, Hold *hold);
/* Stores all that wait, whatever the pace: the daemon stops. */
void hold_store_all(HoldSet *set);
