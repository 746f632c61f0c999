/*
 * Who suffers from what is done to a daemon, or does not: three healthy clients. One waits by way
 * of the daemon, one waits itself with the daemon beside it (direct), and one knows of no daemon,
 * each with an echo server of its kind. They take turns and rest while it is another's: three at a
 * time would wait for each other's processors, and what is measured be one cause among others.
 */
#pragma once

#include "tests/torture/spell.h"

enum { NEIGHBOURS_TURNS = 5 };

typedef struct Neighbour {
        Process client;
        Spell quiet[NEIGHBOURS_TURNS], beside[NEIGHBOURS_TURNS];
} Neighbour;

typedef struct Neighbours {
        Neighbour of[WAITS_COUNT];
} Neighbours;

void neighbours_start(Neighbours *neighbours, World *world);
/* Each for so long, as this turn's: in quiet, or beside what is measured. False: one has ended. */
bool neighbours_measure(Neighbours *neighbours, int ms, int turn, bool in_quiet, Result *result);
/* What n turns came to. Missed is a ratio beyond the target; where the client without a daemon has
 * more than that, beyond 1.1 times what that one has, for those of whom that is allowed. */
void neighbours_tell(const Neighbours *neighbours, int n, double target, bool relayed_is_allowed,
                     Result *result);
void neighbours_end(Neighbours *neighbours, Result *result);
