/*
 * Which of a session's events are armed, as its state says: session_events.h has the states.
 */
#pragma once

#include "daemon/session/session.h"

#include <sys/time.h>

/* How long it may take for its Hello. */
extern const struct timeval session_greeting_time;

/* Arms its events anew, after its state has changed; or ends it, if that cannot be. */
void session_rearm(Session *session);

/* -ENOSPC, with error_text() for the goodbye. */
int session_refuse_to_wait(void);
