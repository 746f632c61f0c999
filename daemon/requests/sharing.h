/*
 * Sharing: the requests of those who serve shared listeners, Join, Offer and Leave; and finding or
 * opening the listener that a request names.
 */
#pragma once

#include "daemon/listen/listener.h"
#include "daemon/session/session.h"

typedef struct Daemon Daemon;

/* Each serves one request. 0, a positive errno with error_text() to refuse it, or -errno: the
 * session has to end. */
int sharing_join(Daemon *daemon, Session *session, const Iod__Frame *request);
int sharing_offer(Daemon *daemon, Session *session, const Iod__Frame *request);
int sharing_leave(Daemon *daemon, Session *session, const Iod__Frame *request);

/* The listener of that name, or opened at address if there is none and address is not empty. shared
 * or to be taken. options may be NULL. 0, or -errno with error_text(): -ENOENT, -EEXIST it is
 * somewhere else, -EINVAL, -EACCES, -EDQUOT, and what opening says. Who then has no use for it
 * calls listener_close_unused(). */
int sharing_find_listener(Daemon *daemon, Session *session, const char *name, const char *address,
                          bool shared, const Iod__ListenerOptions *options, Listener **out);
