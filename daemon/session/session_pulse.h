/*
 * SessionPulse: the pulse of a session (proto/pulse.h), as the daemon has it.
 *
 * The daemon makes the file and seals its size, passes it with Welcome, closes its descriptor and
 * keeps the page mapped, to be read. What is written there is a stranger's claim: of every number
 * only what is possible is passed on.
 *
 * Nothing that the client does with its file can harm who reads: where there is no page (it was
 * never written, its memory was given back, it is swapped out), nothing is read and nothing waits;
 * and should it go in that moment, the kernel copies nothing. The page's memory is the client's,
 * who writes first; the file's, some KiB of the kernel's, is the daemon's, also where a client
 * keeps it when its session has ended: so there are SESSION_PULSES_MAX at once, and a user is given
 * as many as it may have sessions, and then SESSION_PULSES_PER_SECOND.
 *
 * Owned by the session, single-threaded.
 */
#pragma once

#include "proto/frame.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Session Session;

enum {
        /* Mappings: the kernel allows a process some 65,000 (vm.max_map_count). */
        SESSION_PULSES_MAX = 16384,
        SESSION_PULSES_PER_SECOND = 1,
};

typedef struct SessionPulse {
        void *page; /* NULL: there is none */
        uint64_t made_ns;
} SessionPulse;

/* Makes one: the descriptor, which is the caller's, or -errno. */
int session_pulse_open(SessionPulse *pulse);
void session_pulse_close(SessionPulse *pulse);

/* What the client says now, with at most so many registrations. false: nothing. */
bool session_pulse_read(const SessionPulse *pulse, uint32_t registrations_max, Iod__Pulse *out);

/* As session_pulse_open() and _close(), for the session and within the bounds; -EDQUOT where they
 * are reached. */
int session_pulse_begin(Session *session);
void session_pulse_end(Session *session);
