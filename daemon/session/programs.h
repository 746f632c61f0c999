/*
 * Programs: how many sessions each program has, and what was told to them, by the names that the
 * programs go by. For who watches over time: what it counts up never goes down again.
 *
 * There is room for a number of names, and of these each user may have had some counted: the
 * others' sessions are counted together. A name keeps its place for as long as somebody needs no
 * other; then one without sessions makes room, and what it counted is the others'.
 *
 * Part of Sessions, single-threaded. Places do not move.
 */
#pragma once

#include "proto/frame.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
        PROGRAMS_MAX = 32,
        PROGRAMS_PER_USER_MAX = 8,
};

typedef struct ProgramCounts {
        char name[FRAME_PROGRAM_MAX + 1]; /* "": the place was never used */
        uid_t uid;                        /* who brought the name */
        uint32_t sessions;                /* now */
        uint32_t direct;                  /* of them */
        uint64_t registrations;           /* now */
        uint64_t sessions_total;
        uint64_t events;
        uint64_t frames;
} ProgramCounts;

typedef struct Programs {
        ProgramCounts places[PROGRAMS_MAX];
        ProgramCounts others;
        ProgramCounts greeting; /* those who have not said Hello are in here, and not counted */
} Programs;

/* Another relayed session of a program, and its end; until then it counts what it does in what this
 * returns. */
ProgramCounts *programs_join(Programs *programs, const char *name, uid_t uid);
void programs_leave(ProgramCounts *program, bool was_direct, uint32_t registrations);
