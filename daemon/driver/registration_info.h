/*
 * RegistrationInfo: one registration, as the daemon knows it. It holds no descriptor: what is
 * waited for lives in the kernel, in the session's epoll set, and ends when the client closes it.
 *
 * One that is not watched has no entry in a set: its client waits itself, and it is there for its
 * owner. It ends when the client says so.
 */
#pragma once

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
        uint32_t generation : 24;
        uint32_t kind : 6; /* DescriptorKind */
        uint32_t unwatched : 1;
        uint32_t mark : 1; /* see registration_set_begin_marking() */
        Readiness interest;
        Readiness readiness; /* as last told */
} RegistrationInfo;

/* Marks the readiness of one event. */
static inline void registration_info_wake(RegistrationInfo *info, Readiness readiness)
{
        info->readiness = readiness;
        info->tick++;
}
