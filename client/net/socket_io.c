/*
 * Reading, writing, accepting and connecting. See socket_io.h.
 *
 * Nothing here waits, whatever the file's O_NONBLOCK says: it is shared with whoever else has the
 * file open, and may be cleared by them.
 */
#include "client/net/socket_io.h"

#include "client/net/new_socket.h"
#include "client/readiness/operation.h"
#include "core/error.h"
#include "core/self_connection.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum {
        /* Broken connections passed over before accept reports one. */
        ACCEPT_TRIES_MAX = 64,
};

/* ---- Bytes --------------------------------------------------------------------------------- */

static ssize_t do_receive(int borrow_fd, KyronOperation *operation)
{
        ssize_t n;

        do
                n = recv(borrow_fd, operation->arguments.pointer, operation->arguments.size,
                         operation->arguments.flags | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        return operation_result(n, "read");
}

static ssize_t do_send(int borrow_fd, KyronOperation *operation)
{
        ssize_t n;

        do
                n = send(borrow_fd, operation->arguments.pointer, operation->arguments.size,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        return operation_result(n, "write");
}

static ssize_t do_receive_parts(int borrow_fd, KyronOperation *operation)
{
        struct msghdr message = {
                .msg_iov = operation->arguments.pointer,
                .msg_iovlen = operation->arguments.size,
        };
        ssize_t n;

        do
                n = recvmsg(borrow_fd, &message, MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        return operation_result(n, "read");
}

/* Not writev(): it would raise SIGPIPE. */
static ssize_t do_send_parts(int borrow_fd, KyronOperation *operation)
{
        const struct msghdr message = {
                .msg_iov = operation->arguments.pointer,
                .msg_iovlen = operation->arguments.size,
        };
        ssize_t n;

        do
                n = sendmsg(borrow_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        return operation_result(n, "write");
}

/* Starts it with these arguments, and others that are set before. */
static int start(KyronBridgedFd *socket, KyronOperation *operation, Readiness interest,
                 KyronIoFunction function, const void *pointer, size_t size)
{
        operation->arguments.pointer = (void *)pointer;
        operation->arguments.size = size;
        return kyron_bridged_fd_async_call(socket, operation, interest, function);
}

int socket_io_receive(KyronBridgedFd *socket, KyronOperation *operation, void *buffer, size_t size,
                      int flags)
{
        int r = operation_check(operation);

        if (r < 0)
                return r;
        operation->arguments.flags = flags;
        return start(socket, operation, KYRON_READABLE, do_receive, buffer, size);
}

int socket_io_send(KyronBridgedFd *socket, KyronOperation *operation, const void *buffer,
                   size_t size)
{
        int r = operation_check(operation);

        return r < 0 ? r : start(socket, operation, KYRON_WRITABLE, do_send, buffer, size);
}

static int check_parts(int count)
{
        if (count >= 0 && count <= IOV_MAX)
                return 0;
        return error_set(EINVAL, "the parts of one read or write are 0 to %d, not %d", IOV_MAX,
                         count);
}

int socket_io_receive_parts(KyronBridgedFd *socket, KyronOperation *operation,
                            const struct iovec *parts, int count)
{
        int r = operation_check(operation);

        if (r == 0)
                r = check_parts(count);
        return r < 0 ? r
                     : start(socket, operation, KYRON_READABLE, do_receive_parts, parts,
                             (size_t)count);
}

int socket_io_send_parts(KyronBridgedFd *socket, KyronOperation *operation,
                         const struct iovec *parts, int count)
{
        int r = operation_check(operation);

        if (r == 0)
                r = check_parts(count);
        return r < 0 ? r
                     : start(socket, operation, KYRON_WRITABLE, do_send_parts, parts,
                             (size_t)count);
}

/* ---- Datagrams with addresses -------------------------------------------------------------- */

static ssize_t do_receive_from(int borrow_fd, KyronOperation *operation)
{
        socklen_t size;
        ssize_t n;

        do {
                size = operation->arguments.address_size;
                n = recvfrom(borrow_fd, operation->arguments.pointer, operation->arguments.size,
                             MSG_TRUNC | MSG_DONTWAIT, operation->arguments.address, &size);
        } while (n < 0 && errno == EINTR);
        if (n >= 0 && operation->arguments.address_size_out)
                *operation->arguments.address_size_out = size;
        return operation_result(n, "receive");
}

static ssize_t do_send_to(int borrow_fd, KyronOperation *operation)
{
        ssize_t n;

        do
                n = sendto(borrow_fd, operation->arguments.pointer, operation->arguments.size,
                           MSG_NOSIGNAL | MSG_DONTWAIT, operation->arguments.address,
                           operation->arguments.address_size);
        while (n < 0 && errno == EINTR);
        return operation_result(n, "send");
}

int socket_io_receive_from(KyronBridgedFd *socket, KyronOperation *operation, void *buffer,
                           size_t size, struct sockaddr *address, socklen_t *address_size)
{
        int r = operation_check(operation);

        if (r < 0)
                return r;
        operation->arguments.address = address_size ? address : NULL;
        operation->arguments.address_size_out = address ? address_size : NULL;
        operation->arguments.address_size = address && address_size ? *address_size : 0;
        return start(socket, operation, KYRON_READABLE, do_receive_from, buffer, size);
}

int socket_io_send_to(KyronBridgedFd *socket, KyronOperation *operation, const void *buffer,
                      size_t size, const struct sockaddr *address, socklen_t address_size)
{
        int r = operation_check(operation);

        if (r < 0)
                return r;
        operation->arguments.address = (struct sockaddr *)address;
        operation->arguments.address_size = address_size;
        return start(socket, operation, KYRON_WRITABLE, do_send_to, buffer, size);
}

/* ---- Connections --------------------------------------------------------------------------- */

/* Errors of the connection that was to be accepted, not of the listener: accept(2) lists them. */
static bool is_of_the_connection(int error)
{
        switch (error) {
        case ECONNABORTED:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case ENETDOWN:
        case ENETUNREACH:
        case ENONET:
        case ENOPROTOOPT:
        case EOPNOTSUPP:
        case EPERM: /* a firewall's */
        case EPROTO:
                return true;
        default:
                return false;
        }
}

static ssize_t do_accept(int borrow_fd, KyronOperation *operation)
{
        KyronBridgedFd *listener = operation->arguments.object;
        int tries = 0;
        int fd;

        do
                fd = accept4(borrow_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        while (fd < 0 &&
               (errno == EINTR || (is_of_the_connection(errno) && ++tries < ACCEPT_TRIES_MAX)));
        if (fd < 0)
                return operation_result(fd, "accept a connection");
        return bridged_fd_new(operation->arguments.pointer, listener->registration.handle, fd,
                              (Readiness)operation->arguments.flags);
}

int socket_io_accept(KyronBridgedFd *listener, KyronOperation *operation, KyronBridgedFd **out,
                     Readiness arm)
{
        int r = operation_check(operation);

        if (r < 0)
                return r;
        *out = NULL;
        operation->arguments.object = listener;
        operation->arguments.flags = arm;
        return start(listener, operation, KYRON_READABLE, do_accept, out, 0);
}

/* Whether the connection was made: a socket that is still at it has neither error nor peer. */
static ssize_t finish_connect(int borrow_fd, KyronOperation *operation)
{
        struct sockaddr_storage peer;
        socklen_t size = sizeof(peer);
        int error;
        socklen_t error_size = sizeof(error);

        (void)operation;
        if (getsockopt(borrow_fd, SOL_SOCKET, SO_ERROR, &error, &error_size) < 0)
                error = errno;
        if (error > 0)
                return error_set(error, "no connection: %s", strerror(error));
        if (getpeername(borrow_fd, (struct sockaddr *)&peer, &size) == 0)
                return self_connection_is(borrow_fd)
                               ? error_set(ECONNREFUSED, "no connection: nobody listens there, and "
                                                         "it was made to itself")
                               : 0;
        return errno == ENOTCONN ? -EAGAIN : error_set(errno, "no connection: %s", strerror(errno));
}

int socket_io_connect(KyronBridgedFd *socket, KyronOperation *operation,
                      const struct sockaddr *address, socklen_t address_size)
{
        ssize_t result;

        /* Interrupted or not, it goes on by itself. */
        if (connect(socket->registration.fd, address, address_size) < 0 && errno != EINPROGRESS &&
            errno != EINTR)
                return new_socket_inet_error(errno, "cannot connect to", address);
        /* Over loopback it has ended already: no need to register. */
        result = finish_connect(socket->registration.fd, operation);
        if (result == -EAGAIN)
                return bridged_fd_async_call_after_wait(socket, operation, KYRON_WRITABLE,
                                                        finish_connect);
        if (result < 0)
                return new_socket_inet_error((int)-result, "cannot connect to", address);
        operation->result = 0;
        return 0;
}
