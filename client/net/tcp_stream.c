/*
 * TcpStream: a TCP connection.
 *
 * It registers for reading and writing together, whichever is waited for first: TCP reports that
 * there is room only after there was none, so this costs no events and saves a second message.
 */
#include "client/net/new_socket.h"
#include "client/net/opening.h"
#include "client/net/socket_io.h"
#include "client/net/socket_option.h"
#include "client/readiness/operation.h"
#include "client/requests/holding.h"
#include "client/requests/passed_stream.h"
#include "core/error.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

struct KyronTcpStream {
        KyronBridgedFd bridged_fd;
};

static int new_stream(KyronTcpStream **out, KyronIoDriverHandle *handle, int take_fd)
{
        return bridged_fd_new((KyronBridgedFd **)out, handle, take_fd,
                              KYRON_READABLE | KYRON_WRITABLE);
}

int kyron_tcp_stream_connect(KyronTcpStream **out, KyronIoDriverHandle *handle,
                             const struct sockaddr *address, socklen_t address_size,
                             KyronOperation *operation)
{
        int fd;
        int r = operation_check(operation);

        if (r < 0)
                return r;
        *out = NULL;
        r = new_socket_check_inet(address, address_size);
        if (r < 0)
                return r;
        fd = new_socket_for_inet(address, SOCK_STREAM);
        if (fd < 0)
                return fd;
        r = new_stream(out, handle, fd);
        if (r < 0)
                return r;
        r = socket_io_connect(&(*out)->bridged_fd, operation, address, address_size);
        if (r < 0) {
                kyron_tcp_stream_close(*out);
                *out = NULL;
        }
        return r;
}

int kyron_tcp_stream_connect_to(KyronTcpStream **out, KyronIoDriverHandle *handle,
                                const char *address, unsigned timeout_ms, KyronOperation *operation)
{
        return opening_connect((KyronBridgedFd **)out, handle, address, timeout_ms, operation);
}

int kyron_tcp_stream_from_fd(KyronTcpStream **out, KyronIoDriverHandle *handle, int take_fd)
{
        static const SocketKind kind = {
                .type = SOCK_STREAM,
                .state = SOCKET_IS_CONNECTED,
                .name = "a connected TCP socket",
        };
        int fd = new_socket_take_over(take_fd, &kind);

        return fd < 0 ? fd : new_stream(out, handle, fd);
}

void kyron_tcp_stream_close(KyronTcpStream *stream)
{
        bridged_fd_close_stream((KyronBridgedFd *)stream);
}

int kyron_tcp_stream_read(KyronTcpStream *stream, KyronOperation *operation, void *buffer,
                          size_t size)
{
        return socket_io_receive(&stream->bridged_fd, operation, buffer, size, 0);
}

int kyron_tcp_stream_write(KyronTcpStream *stream, KyronOperation *operation, const void *buffer,
                           size_t size)
{
        return socket_io_send(&stream->bridged_fd, operation, buffer, size);
}

int kyron_tcp_stream_readv(KyronTcpStream *stream, KyronOperation *operation,
                           const struct iovec *parts, int count)
{
        return socket_io_receive_parts(&stream->bridged_fd, operation, parts, count);
}

int kyron_tcp_stream_writev(KyronTcpStream *stream, KyronOperation *operation,
                            const struct iovec *parts, int count)
{
        return socket_io_send_parts(&stream->bridged_fd, operation, parts, count);
}

int kyron_tcp_stream_peek(KyronTcpStream *stream, KyronOperation *operation, void *buffer,
                          size_t size)
{
        return socket_io_receive(&stream->bridged_fd, operation, buffer, size, MSG_PEEK);
}

int kyron_tcp_stream_ready(KyronTcpStream *stream, KyronOperation *operation, uint16_t interest)
{
        return kyron_bridged_fd_ready(&stream->bridged_fd, operation, interest);
}

int kyron_tcp_stream_shutdown(KyronTcpStream *stream, int how)
{
        return socket_option_shutdown(&stream->bridged_fd, how);
}

int kyron_tcp_stream_local_addr(const KyronTcpStream *stream, struct sockaddr *address,
                                socklen_t *size)
{
        return socket_option_local_addr(&stream->bridged_fd, address, size);
}

int kyron_tcp_stream_peer_addr(const KyronTcpStream *stream, struct sockaddr *address,
                               socklen_t *size)
{
        return socket_option_peer_addr(&stream->bridged_fd, address, size);
}

int kyron_tcp_stream_set_nodelay(KyronTcpStream *stream, bool on)
{
        return socket_option_set(&stream->bridged_fd, IPPROTO_TCP, TCP_NODELAY, on, "TCP_NODELAY");
}

int kyron_tcp_stream_nodelay(const KyronTcpStream *stream)
{
        return socket_option_is_on(&stream->bridged_fd, IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY");
}

int kyron_tcp_stream_set_keepalive(KyronTcpStream *stream, unsigned idle_s, unsigned interval_s,
                                   unsigned count)
{
        const KyronBridgedFd *socket = &stream->bridged_fd;
        int r = 0;

        if (idle_s > 0) {
                if (idle_s > INT_MAX || interval_s > INT_MAX || count > INT_MAX)
                        return error_set(EINVAL, "keepalive takes at most %d", INT_MAX);
                r = socket_option_set(socket, IPPROTO_TCP, TCP_KEEPIDLE, (int)idle_s,
                                      "TCP_KEEPIDLE");
                if (r == 0)
                        r = socket_option_set(socket, IPPROTO_TCP, TCP_KEEPINTVL, (int)interval_s,
                                              "TCP_KEEPINTVL");
                if (r == 0)
                        r = socket_option_set(socket, IPPROTO_TCP, TCP_KEEPCNT, (int)count,
                                              "TCP_KEEPCNT");
        }
        return r < 0 ? r
                     : socket_option_set(socket, SOL_SOCKET, SO_KEEPALIVE, idle_s > 0,
                                         "SO_KEEPALIVE");
}

int kyron_tcp_stream_keepalive(const KyronTcpStream *stream)
{
        return socket_option_is_on(&stream->bridged_fd, SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE");
}

int kyron_tcp_stream_set_ttl(KyronTcpStream *stream, int ttl)
{
        return socket_option_set_ttl(&stream->bridged_fd, ttl);
}

int kyron_tcp_stream_ttl(const KyronTcpStream *stream)
{
        return socket_option_ttl(&stream->bridged_fd);
}

bool kyron_tcp_stream_was_served_before(const KyronTcpStream *stream)
{
        return passed_stream_was_served_before(&stream->bridged_fd);
}

ssize_t kyron_tcp_stream_note(const KyronTcpStream *stream, void *buffer, size_t size)
{
        return passed_stream_note(&stream->bridged_fd, buffer, size);
}

int kyron_tcp_stream_keep(KyronTcpStream *stream, const void *note, size_t note_size,
                          KyronOperation *operation)
{
        return holding_keep(&stream->bridged_fd, note, note_size, operation);
}

int kyron_tcp_stream_take_error(KyronTcpStream *stream)
{
        return socket_option_take_error(&stream->bridged_fd);
}

KyronBridgedFd *kyron_tcp_stream_bridged_fd(KyronTcpStream *stream)
{
        return &stream->bridged_fd;
}
