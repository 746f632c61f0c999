/*
 * The deadline of a client that does not read what it asked for: answers that the daemon keeps for
 * it, and descriptors it keeps open for it, because it has left earlier packets unread.
 *
 * Readiness has none: a client that is stopped, or in a debugger, costs nothing but the packets in
 * its socket, and finds everything merged when it goes on. Connections of a shared listener have
 * one of their own (worker.h). Nor does it count when the client has read all, and it is the kernel
 * that is short of something.
 */
#pragma once

#include "daemon/session/session.h"

enum {
        SESSION_UNREAD_SECONDS = 60,
};

/* After something was kept for the client, or sent: has_read says that it has read something. */
void session_watch_unread(Session *session, bool has_read);

/* For how many milliseconds its client has left the oldest packet unread, see iod.proto; and for
 * how many nothing has come from it. */
uint64_t session_unread_ms(const Session *session);
uint64_t session_silent_ms(const Session *session);
