/*
 * Keeping: the requests of those who leave descriptors with the daemon, Hold and TakeHeld, and who
 * have a connection of theirs kept on death.
 */
#pragma once

#include "core/fd_list.h"
#include "daemon/session/session.h"

typedef struct Daemon Daemon;

/* Each serves one request. 0, a positive errno with error_text() to refuse it, or -errno: the
 * session has to end. What is held is stolen from the list. */
int keeping_hold(Daemon *daemon, Session *session, const Iod__Frame *request, FdList *fds);
int keeping_take_held(Daemon *daemon, Session *session, const Iod__Frame *request);
