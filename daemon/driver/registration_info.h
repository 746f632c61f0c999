/*
 * RegistrationInfo: one registration, as the daemon knows it. It holds no descriptor: what is
 * waited for lives in the kernel, in the session's epoll set, and ends when the client closes it.
 *
 * One that is not watched has no entry in a set: its client waits itself, and it is there for its
 * owner. It ends when the client says so.
 */
#pragma once

#include "core/clock.h"
#include "core/readiness.h"
#include "daemon/driver/descriptor_kind.h"

#include <stdint.h>

/* Whom to tell when a registration is forgotten, for those the daemon made itself. */
typedef struct RegistrationOwner RegistrationOwner;
struct RegistrationOwner {
        void (*forgotten)(RegistrationOwner *owner);
};

typedef struct RegistrationInfo {
        RegistrationOwner *owner; /* NULL: nobody */
        uint64_t inode; /* 0: the file has none of its own, or it is not watched and not known */
        uint64_t tick;  /* events told */
        uint32_t made;  /* when; tenths of a second of CLOCK_MONOTONIC */
        uint32_t told;  /* when the last of these was, or it was made */
        uint32_t generation : 24;
        uint32_t kind : 6; /* DescriptorKind */
        uint32_t unwatched : 1;
        uint32_t mark : 1; /* see registration_set_begin_marking() */
        Readiness interest;
        Readiness readiness; /* as last told */
} RegistrationInfo;

/* The time of now, as it is noted here. */
static inline uint32_t registration_info_now(void)
{
        return (uint32_t)(clock_coarse_ms() / 100);
}

/* Marks the readiness of one event. */
static inline void registration_info_wake(RegistrationInfo *info, Readiness readiness, uint32_t now)
{
        info->readiness = readiness;
        info->tick++;
        info->told = now;
}
