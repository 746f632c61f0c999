/*
 * Who is at the other end of a session: the process that connected, its user and groups, by the
 * kernel's word and not the client's.
 */
#pragma once

#include "daemon/session/session.h"

#include <sys/socket.h>

/* Fills in the session's process, user, groups, program and time. 0 or -errno with error_text(). */
int session_identify_peer(Session *session);

/*
 * Whether a packet is the session's: sent by the process that connected, and by the user it was
 * when it said hello. A process that was given the socket, by fork() or otherwise, has to connect
 * itself, and what a process may do ends when it becomes another user. 0, or -EPERM with
 * error_text().
 */
int session_check_sender(Session *session, const struct ucred *sender);
