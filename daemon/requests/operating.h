/*
 * Operating: the requests of operators: SetListener, Drain, Reload.
 */
#pragma once

#include "daemon/session/session.h"

typedef struct Daemon Daemon;

/* Each serves one request. 0, a positive errno with error_text() to refuse it, or -errno: the
 * session has to end. */
int operating_set_listener(Daemon *daemon, Session *session, const Iod__Frame *request);
int operating_drain(Daemon *daemon, Session *session, const Iod__Frame *request);
int operating_reload(Daemon *daemon, Session *session, const Iod__Frame *request);
