/* TcpListener: accepts TCP connections. */
#include "client/handle/io_driver_handle.h"
#include "client/net/new_socket.h"
#include "client/net/opening.h"
#include "client/net/socket_io.h"
#include "client/net/socket_option.h"

struct KyronTcpListener {
        KyronBridgedFd bridged_fd;
};

static const SocketKind listener_kind = {
        .type = SOCK_STREAM,
        .state = SOCKET_LISTENS,
        .name = "a listening TCP socket",
};

int kyron_tcp_listener_bind(KyronTcpListener **out, KyronIoDriverHandle *handle,
                            const struct sockaddr *address, socklen_t address_size)
{
        int fd = io_driver_handle_check_process(handle);

        if (fd == 0)
                fd = new_socket_bind_inet(address, address_size, SOCK_STREAM);
        return fd < 0 ? fd : bridged_fd_new((KyronBridgedFd **)out, handle, fd, 0);
}

int kyron_tcp_listener_from_fd(KyronTcpListener **out, KyronIoDriverHandle *handle, int take_fd)
{
        int fd = new_socket_take_over(take_fd, &listener_kind);

        return fd < 0 ? fd : bridged_fd_new((KyronBridgedFd **)out, handle, fd, 0);
}

int kyron_tcp_listener_take(KyronTcpListener **out, KyronIoDriverHandle *handle, const char *name,
                            const char *address, const KyronListenerOptions *options,
                            KyronOperation *operation)
{
        return opening_take((KyronBridgedFd **)out, handle, &listener_kind, name, address, options,
                            operation);
}

void kyron_tcp_listener_close(KyronTcpListener *listener)
{
        kyron_bridged_fd_close((KyronBridgedFd *)listener);
}

int kyron_tcp_listener_accept(KyronTcpListener *listener, KyronOperation *operation,
                              KyronTcpStream **out)
{
        /* Both at once, as kyron_tcp_stream_connect(). */
        return socket_io_accept(&listener->bridged_fd, operation, (KyronBridgedFd **)out,
                                KYRON_READABLE | KYRON_WRITABLE);
}

int kyron_tcp_listener_local_addr(const KyronTcpListener *listener, struct sockaddr *address,
                                  socklen_t *size)
{
        return socket_option_local_addr(&listener->bridged_fd, address, size);
}

int kyron_tcp_listener_set_ttl(KyronTcpListener *listener, int ttl)
{
        return socket_option_set_ttl(&listener->bridged_fd, ttl);
}

int kyron_tcp_listener_ttl(const KyronTcpListener *listener)
{
        return socket_option_ttl(&listener->bridged_fd);
}

int kyron_tcp_listener_take_error(KyronTcpListener *listener)
{
        return socket_option_take_error(&listener->bridged_fd);
}

KyronBridgedFd *kyron_tcp_listener_bridged_fd(KyronTcpListener *listener)
{
        return &listener->bridged_fd;
}
