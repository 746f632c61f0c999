/*
 * A session's life: how it begins, and how it ends.
 *
 * Whatever happens to a session while somebody's event is served only marks its end
 * (session_end()): from then on it is not served any more. It is freed, with all it holds, when the
 * callback has returned. So nobody has to ask whether a call has freed the session it was about.
 *
 * What it has in hand and its registrations may be many: they are given back some at a time, while
 * the session waits in its user's line (time_share.h), and the others are served in between. Until
 * all is given back, it counts as a session of its user, with all that it was charged.
 */
#pragma once

#include "daemon/session/sessions.h"

enum {
        /* That a user may have whatever is left free for others. */
        SESSIONS_FEW = 64,
        /* Given back in one go, some 50 microseconds: connections; and arrays of registrations. */
        SESSION_END_CONNECTIONS = 64,
        SESSION_END_ARRAYS = 256,
};

/*
 * Starts serving take_socket_fd, which stays the caller's on failure. 0, or -errno with
 * error_text(): -EDQUOT the user has too many sessions, -ENOMEM.
 */
int session_new(Sessions *sessions, int take_socket_fd, uint64_t id, Session **out);
/* Ends it at once, with all it holds; returns NULL. Not from within an event of its own. */
Session *session_free(Session *session);
