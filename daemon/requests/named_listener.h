/*
 * NamedListener: finding the listener that a request names, or opening it, if the policy allows.
 */
#pragma once

#include "daemon/listen/listener.h"
#include "daemon/session/session.h"

typedef struct Daemon Daemon;

enum {
        NAMED_LISTENER_OPENS = 1,
        NAMED_LISTENER_WAITS = 2,
};

/* The listener that the session's user means by that name, or another user's that the policy lets
 * it serve; or opened at address if there is none and address is not empty. shared or to be taken.
 * options may be NULL. 0, or -errno with error_text(): -ENOENT, -EEXIST it is somewhere else,
 * -EINVAL, -EACCES, -EDQUOT, and what opening says. Who then has no use for it calls
 * listener_close_unused().
 *
 * NAMED_LISTENER_OPENS: it is being opened at its path, for this request; NAMED_LISTENER_WAITS: for
 * another. Either way the request has to wait (waiting_request.h). */
int named_listener_find(Daemon *daemon, Session *session, const char *name, const char *address,
                        bool shared, const Iod__ListenerOptions *options, Listener **out);
