/* Subscribe and Unsubscribe: a session hears of what happens (daemon/session/subscription.h). */
#pragma once

#include "daemon/session/session.h"

typedef struct Daemon Daemon;

/* As the handlers of dispatch.c. */
int subscribing_subscribe(Daemon *daemon, Session *session, const Iod__Frame *request);
int subscribing_unsubscribe(Daemon *daemon, Session *session, const Iod__Frame *request);
