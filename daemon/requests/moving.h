/*
 * Moving: SetDelivery, the request of a client that begins to wait for its files itself, or has the
 * daemon wait for them again.
 */
#pragma once

#include "daemon/session/session.h"

typedef struct Daemon Daemon;

/* Serves the request. 0, a positive errno with error_text() to refuse it, or -errno: the session
 * has to end. */
int moving_set_delivery(Daemon *daemon, Session *session, const Iod__Frame *request);
