/*
 * What kyronctl shows: the daemon's state, sessions, registrations, listeners, groups and holds, in
 * pages of bounded work.
 * A user sees their own; root and the admin group see all.
 */
#pragma once

#include "daemon/session/session.h"

/* Each answers one request: 0, a positive errno with error_text() to refuse it, or -errno when
 * the session has to end. */
int inspect_get_status(Session *session, const Iod__Frame *request);
int inspect_list_sessions(Session *session, const Iod__Frame *request);
int inspect_list_registrations(Session *session, const Iod__Frame *request);
int inspect_list_listeners(Session *session, const Iod__Frame *request);
int inspect_list_groups(Session *session, const Iod__Frame *request);
int inspect_list_holds(Session *session, const Iod__Frame *request);
