/*
 * Registering: the requests that every client makes: Hello, and AddIoSource and RemoveIoSource with
 * what a worker says in them of its connections.
 */
#pragma once

#include "core/fd_list.h"
#include "daemon/session/session.h"

typedef struct Daemon Daemon;

/* Each serves one request. 0, a positive errno with error_text() to refuse it, or -errno: the
 * session has to end. Descriptors stay in the list, or are a batch's. */
int registering_hello(Daemon *daemon, Session *session, const Iod__Frame *request);
int registering_add(Daemon *daemon, Session *session, const Iod__Frame *request, FdList *fds);
int registering_remove(Daemon *daemon, Session *session, const Iod__Frame *request, FdList *fds);
