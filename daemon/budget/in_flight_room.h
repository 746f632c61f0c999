/*
 * How many descriptors the kernel lets this process have in flight yet, found by sending some to
 * itself. What others of the same user have sent and nobody has read counts, an earlier run of the
 * daemon's too: nothing else tells of it.
 */
#pragma once

#include <stdint.h>

enum {
        /* Packets of as many as one takes: a millisecond's worth or two. */
        IN_FLIGHT_ROOM_PACKETS_MAX = 128,
};

/* Up to wanted, or wanted: there is room for these, or it cannot be told. */
uint64_t in_flight_room(uint64_t wanted);
