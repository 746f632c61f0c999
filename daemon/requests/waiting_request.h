/*
 * WaitingRequest: a request for a listener whose path is being opened. It is kept as it came, and
 * served once more when the listener is there; so its handler knows nothing of it.
 *
 * What is kept is counted, for each user and for all (Sessions.late_bytes).
 */
#pragma once

#include "daemon/listen/listener.h"
#include "daemon/session/session.h"

typedef struct Daemon Daemon;

/* Keeps it until it is known what has become of the listener. has_opened: the listener is being
 * opened for this request, and if it cannot be, the request is refused; otherwise it is served
 * then, too. 0, or a positive errno with error_text(), and it is to be refused. */
int waiting_request_keep(Daemon *daemon, Session *session, const Iod__Frame *request,
                         Listener *listener, bool has_opened);
