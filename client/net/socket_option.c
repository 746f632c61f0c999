/* Options, addresses and shutdown of sockets. See socket_option.h. */
#include "client/net/socket_option.h"

#include "client/handle/io_driver_handle.h"
#include "core/error.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum { TTL_MAX = 255 };

static int check_process(const KyronBridgedFd *socket)
{
        return io_driver_handle_check_process(socket->registration.handle);
}

int socket_option_set(const KyronBridgedFd *socket, int level, int option, int value,
                      const char *what)
{
        int r = check_process(socket);

        if (r < 0)
                return r;
        if (setsockopt(socket->registration.fd, level, option, &value, sizeof(value)) < 0)
                return error_set(errno, "%s cannot be set to %d: %s", what, value, strerror(errno));
        return 0;
}

int socket_option_get(const KyronBridgedFd *socket, int level, int option, const char *what)
{
        int value;
        socklen_t size = sizeof(value);
        int r = check_process(socket);

        if (r < 0)
                return r;
        if (getsockopt(socket->registration.fd, level, option, &value, &size) < 0)
                return error_set(errno, "%s cannot be read: %s", what, strerror(errno));
        return value;
}

int socket_option_is_on(const KyronBridgedFd *socket, int level, int option, const char *what)
{
        int value = socket_option_get(socket, level, option, what);

        return value > 0 ? 1 : value;
}

int socket_option_set_ttl(const KyronBridgedFd *socket, int ttl)
{
        int family, r;

        if (ttl < 1 || ttl > TTL_MAX)
                return error_set(EINVAL, "a time to live is 1 to %d, not %d", TTL_MAX, ttl);
        family = socket_option_get(socket, SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN");
        if (family < 0)
                return family;
        if (family == AF_INET6) {
                r = socket_option_set(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl,
                                      "IPV6_UNICAST_HOPS");
                if (r < 0)
                        return r;
        }
        /* Also on an IPv6 socket: what it sends to IPv4-mapped addresses goes by this one. */
        return socket_option_set(socket, IPPROTO_IP, IP_TTL, ttl, "IP_TTL");
}

int socket_option_ttl(const KyronBridgedFd *socket)
{
        int family = socket_option_get(socket, SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN");

        if (family < 0)
                return family;
        return family == AF_INET6 ? socket_option_get(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS,
                                                      "IPV6_UNICAST_HOPS")
                                  : socket_option_get(socket, IPPROTO_IP, IP_TTL, "IP_TTL");
}

int socket_option_take_error(const KyronBridgedFd *socket)
{
        int error = socket_option_get(socket, SOL_SOCKET, SO_ERROR, "SO_ERROR");

        return error > 0 ? error_set(error, "the socket had failed: %s", strerror(error)) : error;
}

int socket_option_local_addr(const KyronBridgedFd *socket, struct sockaddr *address,
                             socklen_t *size)
{
        int r = check_process(socket);

        if (r < 0)
                return r;
        if (getsockname(socket->registration.fd, address, size) < 0)
                return error_set(errno, "the socket's own address is unknown: %s", strerror(errno));
        return 0;
}

int socket_option_peer_addr(const KyronBridgedFd *socket, struct sockaddr *address, socklen_t *size)
{
        int r = check_process(socket);

        if (r < 0)
                return r;
        if (getpeername(socket->registration.fd, address, size) < 0)
                return error_set(errno, "the socket's peer is unknown: %s", strerror(errno));
        return 0;
}

int socket_option_shutdown(const KyronBridgedFd *socket, int how)
{
        int r = check_process(socket);

        if (r < 0)
                return r;
        if (shutdown(socket->registration.fd, how) < 0)
                return error_set(errno, "the socket cannot be shut down: %s", strerror(errno));
        return 0;
}
