/*
 * The places in the closer's lanes: how many descriptors may be with it. What closer.h declares of
 * room and places is closer_places.c's; this is for closer.c and closer_lane.c.
 */
#pragma once

#include "daemon/closing/closer.h"

/* A ring with so many places. Called under the lock. 0 or -ENOMEM. */
int closer_places_grow(CloserLane *lane, size_t capacity);
/* closer_reserve(), called under the lock. 0 or -ENOMEM. */
int closer_places_reserve(const Closer *closer, CloserLane *lane, size_t places);
