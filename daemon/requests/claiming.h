/*
 * Claim: connections that a worker has in hand from a daemon before this one.
 *
 * The daemon that passed them has ended, and what it knew of them with it. What the worker says of
 * them now is believed as far as it can be seen: it is a worker of that listener; each is
 * registered in its session, a stream of the listener's kind that nobody has claimed; and one that
 * is to be kept on death, for others to be given it, is connected, its own end where the listener
 * is.
 */
#pragma once

#include "core/fd_list.h"
#include "daemon/session/session.h"

typedef struct Daemon Daemon;

/* As the handlers in dispatch.h. What is kept is stolen from fds. */
int claiming_claim(Daemon *daemon, Session *session, const Iod__Frame *request, FdList *fds);
