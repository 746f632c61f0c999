/*
 * IoId: names a registration across processes. Slot 24 | generation 24, never a pointer: the
 * daemon recreates the registration from it by looking the slot up and comparing generations, so
 * an id from an earlier use of the slot finds nothing.
 *
 * On the wire an id travels with 16 bits of interest or readiness in one fixed64:
 * slot in bits 0–23, generation in 24–47, readiness in 48–63.
 */
#pragma once

#include "core/readiness.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t IoId;

enum {
        IO_ID_SLOT_MAX = (1 << 24) - 1,
        IO_ID_GENERATION_MAX = (1 << 24) - 1,
};

/* No registration: generations start at 1. */
#define IO_ID_NONE ((IoId)0)
/* The event that only ends a wait (the source's UNPARKER_ID), and those of the daemon's socket, of
 * the next attempt to connect and of the look whether it is quiet, in a client's selector:
 * generation 0, so that no registration can have them. */
#define IO_ID_UNPARKER ((IoId)1)
#define IO_ID_DAEMON   ((IoId)2)
#define IO_ID_TIMER    ((IoId)3)
#define IO_ID_QUIET    ((IoId)4)

/* Whether it is one of these. */
static inline bool io_id_is_own(IoId id)
{
        return id >= IO_ID_UNPARKER && id <= IO_ID_QUIET;
}

static inline IoId io_id_make(uint32_t slot, uint32_t generation)
{
        return (IoId)(slot & IO_ID_SLOT_MAX) | (IoId)(generation & IO_ID_GENERATION_MAX) << 24;
}

static inline uint32_t io_id_slot(IoId id)
{
        return (uint32_t)(id & IO_ID_SLOT_MAX);
}

static inline uint32_t io_id_generation(IoId id)
{
        return (uint32_t)(id >> 24) & IO_ID_GENERATION_MAX;
}

/* The generation for a slot's next use: 1 after the highest, so 0 is never used. */
static inline uint32_t io_id_next_generation(uint32_t generation)
{
        return generation >= IO_ID_GENERATION_MAX ? 1 : generation + 1;
}

static inline uint64_t io_id_pack(IoId id, Readiness bits)
{
        return id | (uint64_t)bits << 48;
}

static inline IoId io_id_unpack(uint64_t packed)
{
        return packed & ((UINT64_C(1) << 48) - 1);
}

static inline Readiness io_id_unpack_readiness(uint64_t packed)
{
        return (Readiness)(packed >> 48);
}
