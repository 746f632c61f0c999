/*
 * The requests of a session: one table, and for each request validate → authorise → charge → act
 * → reply. The answers that only look (kyronctl's) are in inspect.h.
 */
#pragma once

#include "core/fd_list.h"
#include "daemon/session/session.h"

/*
 * Serves one packet. 0, also when the request was refused; or -errno when the session has to end,
 * with error_text() and *sequence for its goodbye. Descriptors stay in the list.
 */
int session_dispatch(Session *session, const void *bytes, size_t size, FdList *fds,
                     uint32_t *sequence);
