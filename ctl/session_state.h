/*
 * SessionState: whether the process of a session goes on, in a word, and what shows that it does
 * not.
 *
 * The daemon says what it has left unread, and its pulse what its loop does. Whether it is stopped,
 * /proc says to anybody who may see the process; where the daemon's processes have other numbers
 * there, it is not asked.
 */
#pragma once

#include "proto/iod.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        /* What has lasted for so long is no moment's business any more. */
        SESSION_STATE_FROZEN_MS = 1000,
};

/* Why it is frozen; the gravest. */
typedef enum SessionFrozen {
        SESSION_FROZEN_NOT,
        SESSION_FROZEN_STOPPED, /* by a signal or a debugger */
        SESSION_FROZEN_UNREAD,  /* it has not read what it was sent */
        SESSION_FROZEN_RUNS,    /* its loop, which has something to wait for, has not waited */
} SessionFrozen;

/* The namespace that the processes in /proc have their numbers in, where it is this one's; 0. */
uint64_t session_state_own_namespace(void);
/* Whether a process is stopped, that the daemon numbers so in its namespace. */
bool session_state_is_stopped(uint64_t own_namespace, uint64_t pid_namespace, int32_t pid);

SessionFrozen session_state_frozen(const Iod__SessionEntry *entry, bool is_stopped);
/* "stopped", "unread", "runs"; NULL where it is not frozen. */
const char *session_state_why(SessionFrozen frozen);
/* "serving", "waiting" or "frozen". */
const char *session_state_text(const Iod__SessionEntry *entry, SessionFrozen frozen);
