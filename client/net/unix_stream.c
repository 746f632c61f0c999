/* UnixStream: a connection of Unix stream sockets. */
#include "client/handle/io_driver_handle.h"
#include "client/net/new_socket.h"
#include "client/net/socket_io.h"
#include "client/net/socket_option.h"
#include "client/requests/holding.h"
#include "client/requests/passed_stream.h"
#include "core/error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct KyronUnixStream {
        KyronBridgedFd bridged_fd;
};

int kyron_unix_stream_connect(KyronUnixStream **out, KyronIoDriverHandle *handle, const char *path)
{
        struct sockaddr_un address;
        socklen_t size;
        int fd, r;

        *out = NULL;
        r = new_socket_unix_address(path, &address, &size);
        if (r < 0)
                return r;
        fd = new_socket_bind_unix(NULL, SOCK_STREAM);
        if (fd < 0)
                return fd;
        r = bridged_fd_new((KyronBridgedFd **)out, handle, fd, 0);
        if (r < 0)
                return r;
        if (connect(fd, (const struct sockaddr *)&address, size) == 0)
                return 0;
        r = errno == EAGAIN ? error_set(EAGAIN, "%s: the backlog is full: try again later", path)
                            : error_set(errno, "cannot connect to %s: %s", path, strerror(errno));
        kyron_unix_stream_close(*out);
        *out = NULL;
        return r;
}

int kyron_unix_stream_pair(KyronUnixStream **a, KyronUnixStream **b, KyronIoDriverHandle *handle)
{
        int fds[2];
        int r = new_socket_pair(SOCK_STREAM, fds);

        if (r < 0)
                return r;
        r = bridged_fd_new((KyronBridgedFd **)a, handle, fds[0], 0);
        if (r < 0) {
                close(fds[1]);
                return r;
        }
        r = bridged_fd_new((KyronBridgedFd **)b, handle, fds[1], 0);
        if (r < 0)
                kyron_unix_stream_close(*a);
        return r;
}

int kyron_unix_stream_from_fd(KyronUnixStream **out, KyronIoDriverHandle *handle, int take_fd)
{
        static const SocketKind kind = {
                .is_unix = true,
                .type = SOCK_STREAM,
                .state = SOCKET_IS_CONNECTED,
                .name = "a connected Unix stream socket",
        };
        int fd = new_socket_take_over(take_fd, &kind);

        return fd < 0 ? fd : bridged_fd_new((KyronBridgedFd **)out, handle, fd, 0);
}

void kyron_unix_stream_close(KyronUnixStream *stream)
{
        bridged_fd_close_stream((KyronBridgedFd *)stream);
}

int kyron_unix_stream_read(KyronUnixStream *stream, KyronOperation *operation, void *buffer,
                           size_t size)
{
        return socket_io_receive(&stream->bridged_fd, operation, buffer, size, 0);
}

int kyron_unix_stream_write(KyronUnixStream *stream, KyronOperation *operation, const void *buffer,
                            size_t size)
{
        return socket_io_send(&stream->bridged_fd, operation, buffer, size);
}

int kyron_unix_stream_readv(KyronUnixStream *stream, KyronOperation *operation,
                            const struct iovec *parts, int count)
{
        return socket_io_receive_parts(&stream->bridged_fd, operation, parts, count);
}

int kyron_unix_stream_writev(KyronUnixStream *stream, KyronOperation *operation,
                             const struct iovec *parts, int count)
{
        return socket_io_send_parts(&stream->bridged_fd, operation, parts, count);
}

int kyron_unix_stream_ready(KyronUnixStream *stream, KyronOperation *operation, uint16_t interest)
{
        return kyron_bridged_fd_ready(&stream->bridged_fd, operation, interest);
}

int kyron_unix_stream_shutdown(KyronUnixStream *stream, int how)
{
        return socket_option_shutdown(&stream->bridged_fd, how);
}

int kyron_unix_stream_local_addr(const KyronUnixStream *stream, struct sockaddr_un *address,
                                 socklen_t *size)
{
        return socket_option_local_addr(&stream->bridged_fd, (struct sockaddr *)address, size);
}

int kyron_unix_stream_peer_addr(const KyronUnixStream *stream, struct sockaddr_un *address,
                                socklen_t *size)
{
        return socket_option_peer_addr(&stream->bridged_fd, (struct sockaddr *)address, size);
}

int kyron_unix_stream_peer_cred(const KyronUnixStream *stream, pid_t *pid, uid_t *uid, gid_t *gid)
{
        struct ucred peer;
        socklen_t size = sizeof(peer);
        int r = io_driver_handle_check_process(stream->bridged_fd.registration.handle);

        if (r < 0)
                return r;
        if (getsockopt(stream->bridged_fd.registration.fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) <
            0)
                return error_set(errno, "the kernel does not say who connected: %s",
                                 strerror(errno));
        if (pid)
                *pid = peer.pid;
        if (uid)
                *uid = peer.uid;
        if (gid)
                *gid = peer.gid;
        return 0;
}

bool kyron_unix_stream_was_served_before(const KyronUnixStream *stream)
{
        return passed_stream_was_served_before(&stream->bridged_fd);
}

ssize_t kyron_unix_stream_note(const KyronUnixStream *stream, void *buffer, size_t size)
{
        return passed_stream_note(&stream->bridged_fd, buffer, size);
}

int kyron_unix_stream_keep(KyronUnixStream *stream, const void *note, size_t note_size,
                           KyronOperation *operation)
{
        return holding_keep(&stream->bridged_fd, note, note_size, operation);
}

int kyron_unix_stream_take_error(KyronUnixStream *stream)
{
        return socket_option_take_error(&stream->bridged_fd);
}

KyronBridgedFd *kyron_unix_stream_bridged_fd(KyronUnixStream *stream)
{
        return &stream->bridged_fd;
}
