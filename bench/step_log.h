/*
 * What step_log.c, loaded into the programs of a scene by LD_PRELOAD, shares with steps.py: a file,
 * named by $STEP_LOG, with a header of 64 bytes and then an entry for each time one of them begins
 * a system call that is looked at, or has it behind itself.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

typedef struct StepEntry {
        uint64_t ns;  /* CLOCK_MONOTONIC */
        char program; /* its name's first letter */
        char call;    /* w epoll_wait, S sendmsg, R recvmsg, r read, W write */
        char phase;   /* b it begins, e it has ended with something, 0 with nothing */
        char unused[5];
} StepEntry;

typedef struct StepLog {
        _Alignas(64)
                atomic_uint count; /* of entries that were wanted, perhaps more than there are */
        _Alignas(64) StepEntry entries[];
} StepLog;
