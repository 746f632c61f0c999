/* UnixListener: accepts connections on a Unix stream socket. */
#include "client/handle/io_driver_handle.h"
#include "client/net/new_socket.h"
#include "client/net/opening.h"
#include "client/net/socket_io.h"
#include "client/net/socket_option.h"

struct KyronUnixListener {
        KyronBridgedFd bridged_fd;
};

static const SocketKind listener_kind = {
        .is_unix = true,
        .type = SOCK_STREAM,
        .state = SOCKET_LISTENS,
        .name = "a listening Unix stream socket",
};

int kyron_unix_listener_bind(KyronUnixListener **out, KyronIoDriverHandle *handle, const char *path)
{
        int fd = io_driver_handle_check_process(handle);

        if (fd == 0)
                fd = new_socket_bind_unix(path, SOCK_STREAM);
        return fd < 0 ? fd : bridged_fd_new((KyronBridgedFd **)out, handle, fd, 0);
}

int kyron_unix_listener_from_fd(KyronUnixListener **out, KyronIoDriverHandle *handle, int take_fd)
{
        int fd = new_socket_take_over(take_fd, &listener_kind);

        return fd < 0 ? fd : bridged_fd_new((KyronBridgedFd **)out, handle, fd, 0);
}

int kyron_unix_listener_take(KyronUnixListener **out, KyronIoDriverHandle *handle, const char *name,
                             const char *address, const KyronListenerOptions *options,
                             KyronOperation *operation)
{
        return opening_take((KyronBridgedFd **)out, handle, &listener_kind, name, address, options,
                            operation);
}

void kyron_unix_listener_close(KyronUnixListener *listener)
{
        kyron_bridged_fd_close((KyronBridgedFd *)listener);
}

int kyron_unix_listener_accept(KyronUnixListener *listener, KyronOperation *operation,
                               KyronUnixStream **out)
{
        return socket_io_accept(&listener->bridged_fd, operation, (KyronBridgedFd **)out, 0);
}

int kyron_unix_listener_local_addr(const KyronUnixListener *listener, struct sockaddr_un *address,
                                   socklen_t *size)
{
        return socket_option_local_addr(&listener->bridged_fd, (struct sockaddr *)address, size);
}

int kyron_unix_listener_take_error(KyronUnixListener *listener)
{
        return socket_option_take_error(&listener->bridged_fd);
}

KyronBridgedFd *kyron_unix_listener_bridged_fd(KyronUnixListener *listener)
{
        return &listener->bridged_fd;
}
