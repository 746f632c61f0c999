/*
 * Sharing: the requests of those who serve shared listeners: Join, Offer and Leave.
 */
#pragma once

#include "daemon/session/session.h"

typedef struct Daemon Daemon;

/* Each serves one request. 0, a positive errno with error_text() to refuse it, or -errno: the
 * session has to end. */
int sharing_join(Daemon *daemon, Session *session, const Iod__Frame *request);
int sharing_offer(Daemon *daemon, Session *session, const Iod__Frame *request);
int sharing_leave(Daemon *daemon, Session *session, const Iod__Frame *request);
