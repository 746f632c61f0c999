/*
 * The one frame that is sent for each event, coded without protobuf-c, which takes longer for it
 * than everything else in the daemon together. The bytes are those of a Frame with a Readiness of
 * iod.proto as protobuf-c packs it; a Readiness that comes in other bytes is frame_decode()'s.
 */
#pragma once

#include "proto/frame.h"

enum {
        /* Two tags with a length each, and the events. */
        READINESS_FRAME_BYTES_MAX = 7 + FRAME_EVENTS_MAX * 8,
};

/* events: 1 to FRAME_EVENTS_MAX, made by io_id_pack(). Returns the size. */
size_t readiness_frame_encode(uint8_t bytes[static READINESS_FRAME_BYTES_MAX],
                              const uint64_t *events, size_t n);

/* How many events it has, which are in events then; 0: it is another frame, or none. */
size_t readiness_frame_decode(const uint8_t *bytes, size_t size,
                              uint64_t events[static FRAME_EVENTS_MAX]);
