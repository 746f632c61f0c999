/*
 * The lanes of the closer, of which closer.h tells: how they are made and end. What closer.h
 * declares of lanes is closer_lane.c's; this is for closer.c.
 */
#pragma once

#include "daemon/closing/closer.h"

/* No user has this number: a lane of the daemon's own. */
#define CLOSER_NOBODYS ((uid_t)-1)

/* In no list yet, with a ring without places. */
void closer_lane_init(Closer *closer, CloserLane *lane, uid_t uid);
void closer_lane_deinit(CloserLane *lane);

/* Whether nobody refers to it, and nothing and no thread is left in it. Called under the lock. */
bool closer_lane_is_over(const CloserLane *lane);
