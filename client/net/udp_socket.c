/* UdpSocket: sends and receives UDP datagrams. */
#include "client/handle/io_driver_handle.h"
#include "client/net/new_socket.h"
#include "client/net/opening.h"
#include "client/net/socket_io.h"
#include "client/net/socket_option.h"

#include <errno.h>

struct KyronUdpSocket {
        KyronBridgedFd bridged_fd;
};

int kyron_udp_socket_bind(KyronUdpSocket **out, KyronIoDriverHandle *handle,
                          const struct sockaddr *address, socklen_t address_size)
{
        int fd = io_driver_handle_check_process(handle);

        if (fd == 0)
                fd = new_socket_bind_inet(address, address_size, SOCK_DGRAM);
        return fd < 0 ? fd : bridged_fd_new((KyronBridgedFd **)out, handle, fd, 0);
}

int kyron_udp_socket_from_fd(KyronUdpSocket **out, KyronIoDriverHandle *handle, int take_fd)
{
        static const SocketKind kind = {.type = SOCK_DGRAM, .name = "a UDP socket"};
        int fd = new_socket_take_over(take_fd, &kind);

        return fd < 0 ? fd : bridged_fd_new((KyronBridgedFd **)out, handle, fd, 0);
}

int kyron_udp_socket_bind_to(KyronUdpSocket **out, KyronIoDriverHandle *handle, const char *address,
                             KyronOperation *operation)
{
        return opening_bind((KyronBridgedFd **)out, handle, address, operation);
}

void kyron_udp_socket_close(KyronUdpSocket *socket)
{
        kyron_bridged_fd_close((KyronBridgedFd *)socket);
}

int kyron_udp_socket_connect(KyronUdpSocket *socket, const struct sockaddr *address,
                             socklen_t address_size)
{
        int r = io_driver_handle_check_process(socket->bridged_fd.registration.handle);

        if (r == 0)
                r = new_socket_check_inet(address, address_size);
        if (r < 0)
                return r;
        if (connect(socket->bridged_fd.registration.fd, address, address_size) < 0)
                return new_socket_inet_error(errno, "cannot connect to", address);
        return 0;
}

int kyron_udp_socket_send(KyronUdpSocket *socket, KyronOperation *operation, const void *buffer,
                          size_t size)
{
        return socket_io_send(&socket->bridged_fd, operation, buffer, size);
}

int kyron_udp_socket_recv(KyronUdpSocket *socket, KyronOperation *operation, void *buffer,
                          size_t size)
{
        return socket_io_receive(&socket->bridged_fd, operation, buffer, size, MSG_TRUNC);
}

int kyron_udp_socket_send_to(KyronUdpSocket *socket, KyronOperation *operation, const void *buffer,
                             size_t size, const struct sockaddr *address, socklen_t address_size)
{
        return socket_io_send_to(&socket->bridged_fd, operation, buffer, size, address,
                                 address_size);
}

int kyron_udp_socket_recv_from(KyronUdpSocket *socket, KyronOperation *operation, void *buffer,
                               size_t size, struct sockaddr *address, socklen_t *address_size)
{
        return socket_io_receive_from(&socket->bridged_fd, operation, buffer, size, address,
                                      address_size);
}

int kyron_udp_socket_ready(KyronUdpSocket *socket, KyronOperation *operation, uint16_t interest)
{
        return kyron_bridged_fd_ready(&socket->bridged_fd, operation, interest);
}

int kyron_udp_socket_local_addr(const KyronUdpSocket *socket, struct sockaddr *address,
                                socklen_t *size)
{
        return socket_option_local_addr(&socket->bridged_fd, address, size);
}

int kyron_udp_socket_peer_addr(const KyronUdpSocket *socket, struct sockaddr *address,
                               socklen_t *size)
{
        return socket_option_peer_addr(&socket->bridged_fd, address, size);
}

int kyron_udp_socket_set_ttl(KyronUdpSocket *socket, int ttl)
{
        return socket_option_set_ttl(&socket->bridged_fd, ttl);
}

int kyron_udp_socket_ttl(const KyronUdpSocket *socket)
{
        return socket_option_ttl(&socket->bridged_fd);
}

int kyron_udp_socket_set_broadcast(KyronUdpSocket *socket, bool on)
{
        return socket_option_set(&socket->bridged_fd, SOL_SOCKET, SO_BROADCAST, on, "SO_BROADCAST");
}

int kyron_udp_socket_broadcast(const KyronUdpSocket *socket)
{
        return socket_option_is_on(&socket->bridged_fd, SOL_SOCKET, SO_BROADCAST, "SO_BROADCAST");
}

int kyron_udp_socket_take_error(KyronUdpSocket *socket)
{
        return socket_option_take_error(&socket->bridged_fd);
}

KyronBridgedFd *kyron_udp_socket_bridged_fd(KyronUdpSocket *socket)
{
        return &socket->bridged_fd;
}
