/* UnixDatagram: sends and receives datagrams on a Unix socket. */
#include "client/handle/io_driver_handle.h"
#include "client/net/new_socket.h"
#include "client/net/socket_io.h"
#include "client/net/socket_option.h"
#include "client/readiness/operation.h"
#include "core/error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct KyronUnixDatagram {
        KyronBridgedFd bridged_fd;
};

int kyron_unix_datagram_bind(KyronUnixDatagram **out, KyronIoDriverHandle *handle, const char *path)
{
        int fd = io_driver_handle_check_process(handle);

        if (fd == 0)
                fd = new_socket_bind_unix(path, SOCK_DGRAM);
        return fd < 0 ? fd : bridged_fd_new((KyronBridgedFd **)out, handle, fd, 0);
}

int kyron_unix_datagram_pair(KyronUnixDatagram **a, KyronUnixDatagram **b,
                             KyronIoDriverHandle *handle)
{
        int fds[2];
        int r = new_socket_pair(SOCK_DGRAM, fds);

        if (r < 0)
                return r;
        r = bridged_fd_new((KyronBridgedFd **)a, handle, fds[0], 0);
        if (r < 0) {
                close(fds[1]);
                return r;
        }
        r = bridged_fd_new((KyronBridgedFd **)b, handle, fds[1], 0);
        if (r < 0)
                kyron_unix_datagram_close(*a);
        return r;
}

int kyron_unix_datagram_from_fd(KyronUnixDatagram **out, KyronIoDriverHandle *handle, int take_fd)
{
        static const SocketKind kind = {
                .is_unix = true,
                .type = SOCK_DGRAM,
                .name = "a Unix datagram socket",
        };
        int fd = new_socket_take_over(take_fd, &kind);

        return fd < 0 ? fd : bridged_fd_new((KyronBridgedFd **)out, handle, fd, 0);
}

void kyron_unix_datagram_close(KyronUnixDatagram *socket)
{
        kyron_bridged_fd_close((KyronBridgedFd *)socket);
}

int kyron_unix_datagram_connect(KyronUnixDatagram *socket, const char *path)
{
        struct sockaddr_un address;
        socklen_t size;
        int r = io_driver_handle_check_process(socket->bridged_fd.registration.handle);

        if (r == 0)
                r = new_socket_unix_address(path, &address, &size);
        if (r < 0)
                return r;
        if (connect(socket->bridged_fd.registration.fd, (const struct sockaddr *)&address, size) <
            0)
                return error_set(errno, "cannot connect to %s: %s", path, strerror(errno));
        return 0;
}

int kyron_unix_datagram_send(KyronUnixDatagram *socket, KyronOperation *operation,
                             const void *buffer, size_t size)
{
        return socket_io_send(&socket->bridged_fd, operation, buffer, size);
}

int kyron_unix_datagram_recv(KyronUnixDatagram *socket, KyronOperation *operation, void *buffer,
                             size_t size)
{
        return socket_io_receive(&socket->bridged_fd, operation, buffer, size, MSG_TRUNC);
}

/* Never waits: there is no event to wait for. */
int kyron_unix_datagram_send_to(KyronUnixDatagram *socket, KyronOperation *operation,
                                const void *buffer, size_t size, const char *path)
{
        struct sockaddr_un address;
        socklen_t address_size;
        ssize_t n;
        int r = io_driver_handle_check_process(socket->bridged_fd.registration.handle);

        if (r == 0)
                r = operation_check(operation);
        if (r == 0)
                r = new_socket_unix_address(path, &address, &address_size);
        if (r < 0)
                return r;
        do
                n = sendto(socket->bridged_fd.registration.fd, buffer, size,
                           MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address,
                           address_size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return error_set(errno, "cannot send to %s: %s", path, strerror(errno));
        operation->result = n;
        return 0;
}

int kyron_unix_datagram_recv_from(KyronUnixDatagram *socket, KyronOperation *operation,
                                  void *buffer, size_t size, struct sockaddr_un *address,
                                  socklen_t *address_size)
{
        return socket_io_receive_from(&socket->bridged_fd, operation, buffer, size,
                                      (struct sockaddr *)address, address_size);
}

int kyron_unix_datagram_ready(KyronUnixDatagram *socket, KyronOperation *operation,
                              uint16_t interest)
{
        return kyron_bridged_fd_ready(&socket->bridged_fd, operation, interest);
}

int kyron_unix_datagram_shutdown(KyronUnixDatagram *socket, int how)
{
        return socket_option_shutdown(&socket->bridged_fd, how);
}

int kyron_unix_datagram_local_addr(const KyronUnixDatagram *socket, struct sockaddr_un *address,
                                   socklen_t *size)
{
        return socket_option_local_addr(&socket->bridged_fd, (struct sockaddr *)address, size);
}

int kyron_unix_datagram_peer_addr(const KyronUnixDatagram *socket, struct sockaddr_un *address,
                                  socklen_t *size)
{
        return socket_option_peer_addr(&socket->bridged_fd, (struct sockaddr *)address, size);
}

int kyron_unix_datagram_take_error(KyronUnixDatagram *socket)
{
        return socket_option_take_error(&socket->bridged_fd);
}

KyronBridgedFd *kyron_unix_datagram_bridged_fd(KyronUnixDatagram *socket)
{
        return &socket->bridged_fd;
}
