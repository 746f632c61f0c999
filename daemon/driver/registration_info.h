/*
 * RegistrationInfo: one registration, as the daemon knows it. It holds no descriptor: what is
 * waited for lives in the kernel, in the session's epoll set, and ends when the client closes it.
 */
#pragma once

#include "core/readiness.h"
#include "daemon/driver/descriptor_kind.h"

#include <stdbool.h>
#include <stdint.h>

/* Whom to tell when a registration is forgotten, for those the daemon made itself. */
typedef struct RegistrationOwner RegistrationOwner;
struct RegistrationOwner {
        void (*forgotten)(RegistrationOwner *owner);
};

typedef struct RegistrationInfo {
        RegistrationOwner *owner; /* NULL: nobody */
        uint32_t generation;      /* of the slot's latest use; 0: never used */
        Readiness interest;
        Readiness readiness; /* as last told */
        uint64_t tick;       /* events told */
        uint64_t inode;
        uint8_t kind; /* DescriptorKind */
        bool in_use;
        bool mark; /* see registration_set_begin_marking() */
} RegistrationInfo;

/* Marks the readiness of one event. */
static inline void registration_info_wake(RegistrationInfo *info, Readiness readiness)
{
        info->readiness = readiness;
        info->tick++;
}
