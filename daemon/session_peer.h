/*
 * Who is at the other end of a session: the process that connected, its user and groups, by the
 * kernel's word and not the client's.
 */
#pragma once

#include "daemon/session.h"

/* Fills in the session's process, user, groups, program and time. 0 or -errno with error_text(). */
int session_identify_peer(Session *session);
