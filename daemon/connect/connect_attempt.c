/* One connect(2). See connect_attempt.h. */
#include "daemon/connect/connect_attempt.h"

#include "core/cleanup.h"
#include "core/self_connection.h"

#include <errno.h>

static int check_peer(int borrow_fd)
{
        struct sockaddr_storage peer;
        socklen_t size = sizeof(peer);

        return getpeername(borrow_fd, (struct sockaddr *)&peer, &size) < 0 ? -errno : 0;
}

/* 0: it is a connection. Else why not. */
static int outcome_of(int borrow_fd)
{
        int error = 0, r;
        socklen_t size = sizeof(error);

        if (getsockopt(borrow_fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                return -errno;
        r = error == 0 ? check_peer(borrow_fd) : 0;
        if (r < 0)
                return r;
        /* Then nobody listens there, and it is no connection to anybody. */
        if (error == 0 && self_connection_is(borrow_fd))
                return -ECONNREFUSED;
        return -error;
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
        ConnectAttempt *attempt = data;

        (void)what;
        attempt->ended(attempt, outcome_of(fd));
}

static int begin(ConnectAttempt *attempt, Loop *loop)
{
        const struct sockaddr *address = &attempt->address.any;

        attempt->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (attempt->fd < 0)
                return -errno;
        if (connect(attempt->fd, address, inet_address_size(&attempt->address)) == 0)
                return outcome_of(attempt->fd);
        if (errno != EINPROGRESS && errno != EINTR)
                return -errno;
        /* On this machine it is there by now, and need not be waited for. */
        if (check_peer(attempt->fd) == 0)
                return outcome_of(attempt->fd);
        attempt->writable = loop_event_new(loop, attempt->fd, EV_WRITE, on_writable, attempt);
        if (!attempt->writable || loop_event_add(attempt->writable, NULL) < 0)
                return -ENOMEM;
        return -EINPROGRESS;
}

int connect_attempt_start(ConnectAttempt *attempt, Loop *loop, const InetAddress *address,
                          ConnectAttemptEnded ended, void *data)
{
        int r;

        *attempt = (ConnectAttempt){.fd = -1, .address = *address, .ended = ended, .data = data};
        r = begin(attempt, loop);
        if (r != 0 && r != -EINPROGRESS)
                connect_attempt_end(attempt);
        return r;
}

int connect_attempt_steal(ConnectAttempt *attempt)
{
        /* The event first: epoll has to be told while it can find the descriptor. */
        attempt->writable = loop_event_free(attempt->writable);
        return STEAL_FD(attempt->fd);
}

void connect_attempt_end(ConnectAttempt *attempt)
{
        CLEANUP(cleanup_close) int fd = connect_attempt_steal(attempt);
}
