/*
 * Remains: the socket of a session that has ended, or of a connection that was turned away, whose
 * client has left something unread.
 *
 * Until it has read or closed, the kernel counts for the daemon what lies there: descriptors
 * against its limit in flight, bytes against the memory of its cgroup. So the daemon keeps its end,
 * shut down, which tells. A session counts as one of its user's meanwhile, and what it was passed
 * as in flight: who ends one session after another with packets unread soon has no more of them.
 *
 * Connections that are turned away are no sessions. Of them REMAINS_STRANGERS_MAX are kept, with a
 * share for each user (core/share.h); beyond that they are told nothing, and leave nothing.
 *
 * Owned by Sessions, single-threaded.
 */
#pragma once

#include "daemon/session/session.h"

enum {
        REMAINS_STRANGERS_MAX = CLOSER_STRANGERS_KEPT_MAX,
};

typedef struct Remains {
        TAILQ_ENTRY(Remains) link;
        Sessions *sessions;
        int socket_fd;
        CloserLane *lane;
        QuotaUser *user; /* a session is charged to; NULL: of one that was turned away */
        uid_t uid;
        InFlightEntry in_flight;
        LoopEvent *read; /* the client has read something, or closed */
} Remains;

/*
 * At the end of a session: takes its socket, which is shut down, with its place and reference in
 * the lane, its user and what is charged for the session and in flight. false: nothing is unread
 * there, or it cannot be waited for, and all this is still the session's.
 */
bool remains_keep(Session *session);

/* Whether one of this user's that is turned away may be left a word. */
bool remains_have_room_for(const Sessions *sessions, uid_t uid);
/* Takes the socket of one that was. */
void remains_keep_stranger(Sessions *sessions, uid_t uid, int take_fd);

/* No more are kept, and all are closed. */
void remains_close(Sessions *sessions);
