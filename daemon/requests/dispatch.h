/*
 * daemon/requests/: one handler a request; nothing but server/ calls in.
 *
 * The requests of a session: one table, and for each request validate → authorise → charge → act
 * → reply. The answers that only look (kyronctl's) are in inspect.h.
 */
#pragma once

#include "daemon/session/service.h"

/* Of the sessions; its data is the Daemon. */
extern const SessionService dispatch_service;
