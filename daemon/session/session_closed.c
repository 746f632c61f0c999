/* A session whose client has closed. See session_closed.h. */
#include "daemon/session/session_closed.h"

#include "daemon/session/sessions.h"

#include <errno.h>
#include <sys/socket.h>

bool session_closed_says(int error)
{
        return error == -EPIPE || error == -ECONNRESET;
}

void session_closed_begin(Session *session)
{
        if (session->closed)
                return;
        session->closed = true;
        /* What is in its socket already can still be read, and comes to an end. Its process may
         * live and have ended its reading alone, or a child of it may have the other end. */
        shutdown(session->socket_fd, SHUT_RDWR);
        session->sessions->service->closed(session->sessions->service_data, session);
}
