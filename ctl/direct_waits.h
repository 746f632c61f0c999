/*
 * DirectWaits: what direct sessions wait for.
 *
 * Their clients wait themselves, so the daemon does not know it. It is read from /proc, with the
 * rights of who runs kyronctl: the epoll set that a client's pulse names, in the client's process.
 * Whatever a client does to that, it says of itself alone.
 *
 * That the process is the session's: the daemon's pid namespace is this process's and /proc's; its
 * directory in /proc is opened and its start noted, and what is read is of the process that was
 * started then; and after that the daemon still had the session, which ends with its process.
 *
 * Bounds: a user has so much time and so many rows, for all its sessions together. Whoever uses
 * them up takes nothing from another user's.
 */
#pragma once

#include "ctl/query.h"
#include "ctl/set_reader.h"

#include <sys/types.h>

enum {
        DIRECT_WAITS_READ_MS = 1000, /* for one session */
        DIRECT_WAITS_USER_MS = 2000,
        DIRECT_WAITS_USER_ENTRIES_MAX = 262144,
};

typedef struct DirectSession {
        uint64_t session;
        int32_t pid;
        uint32_t uid;
        char program[FRAME_PROGRAM_MAX + 1]; /* printable */
        bool has_pulse;
        uint32_t registrations; /* by its own word */
        uint32_t set;           /* 0: it does not say */
        int error;              /* 0: it was read, else -errno: why not */
        SetEntries waits;
} DirectSession;

/* What a user's sessions have taken. */
typedef struct DirectUse {
        uint32_t uid;
        uint64_t ms;
        size_t entries;
} DirectUse;

typedef struct DirectWaits {
        DirectSession *sessions; /* in order of session; those that ended meanwhile left out */
        size_t count;
        size_t capacity;
        uint64_t own; /* kyronctl's, which nobody asks for */
        bool failed;  /* for want of memory */
        DirectUse *uses;
        size_t n_uses;
} DirectWaits;

/* Reads those of one session, or 0: of all that are direct. EXIT_CODE_OK, or another exit code with
 * error_text(); direct_waits_close() is allowed either way. */
ExitCode direct_waits_read(DirectWaits *waits, Query *query, uint64_t session);
void direct_waits_close(DirectWaits *waits);

/* Says on standard error what is not shown, and who may see it: a line each, or in one how many
 * more. Returns how many there were. */
size_t direct_waits_complain(const DirectWaits *waits);
