/*
 * Ending what somebody else has: EndSession, CloseListener. For operators, and for one's own.
 */
#pragma once

#include "daemon/session/session.h"

typedef struct Daemon Daemon;

/* Each serves one request. 0, a positive errno with error_text() to refuse it, or -errno: the
 * session has to end. */
int ending_end_session(Daemon *daemon, Session *session, const Iod__Frame *request);
int ending_close_listener(Daemon *daemon, Session *session, const Iod__Frame *request);
