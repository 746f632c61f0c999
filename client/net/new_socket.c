/* Sockets opened, or taken over and checked. See new_socket.h. */
#include "client/net/new_socket.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "core/tcp_protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_socket(int family, int type)
{
        int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        return fd < 0 ? error_set(errno, "no socket: %s", strerror(errno)) : fd;
}

/* ---- IPv4 and IPv6 ------------------------------------------------------------------------- */

int new_socket_check_inet(const struct sockaddr *address, socklen_t size)
{
        if (!address || size < sizeof(address->sa_family))
                return error_set(EINVAL, "an address is missing");
        if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
                return error_set(EAFNOSUPPORT, "address family %d is neither AF_INET nor AF_INET6",
                                 address->sa_family);
        if (size < (address->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                  : sizeof(struct sockaddr_in6)))
                return error_set(EINVAL, "%u bytes are too few for an address of its family", size);
        return 0;
}

int new_socket_inet_error(int code, const char *what, const struct sockaddr *address)
{
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        char host[INET6_ADDRSTRLEN] = "?";

        if (address->sa_family == AF_INET6) {
                inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
                return error_set(code, "%s [%s]:%u: %s", what, host, ntohs(v6->sin6_port),
                                 strerror(code));
        }
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        return error_set(code, "%s %s:%u: %s", what, host, ntohs(v4->sin_port), strerror(code));
}

int new_socket_for_inet(const struct sockaddr *address, int type)
{
        return open_socket(address->sa_family, type);
}

int new_socket_bind_inet(const struct sockaddr *address, socklen_t size, int type)
{
        CLEANUP(cleanup_close) int fd = -1;
        const int on = 1;
        int r;

        r = new_socket_check_inet(address, size);
        if (r < 0)
                return r;
        fd = open_socket(address->sa_family, type);
        if (fd < 0)
                return fd;
        if (type == SOCK_DGRAM) {
                if (bind(fd, address, size) < 0)
                        return new_socket_inet_error(errno, "cannot bind to", address);
                return STEAL_FD(fd);
        }
        /* A listener's own old connections shall not keep it from its port. */
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
            bind(fd, address, size) < 0 || listen(fd, SOMAXCONN) < 0)
                return new_socket_inet_error(errno, "cannot listen on", address);
        return STEAL_FD(fd);
}

/* ---- Unix ---------------------------------------------------------------------------------- */

int new_socket_unix_address(const char *path, struct sockaddr_un *out, socklen_t *size)
{
        size_t length = strlen(path);
        bool is_abstract = *path == '@';

        if (length == (is_abstract ? 1 : 0))
                return error_set(EINVAL, "a Unix socket needs a path, or a name after @");
        if (length >= sizeof(out->sun_path))
                return error_set(ENAMETOOLONG,
                                 "a Unix socket's path has at most %zu bytes, this one has %zu",
                                 sizeof(out->sun_path) - 1, length);
        *out = (struct sockaddr_un){.sun_family = AF_UNIX};
        memcpy(out->sun_path, path, length);
        /* The size of an abstract name is part of it; a path ends with its zero. */
        if (is_abstract)
                out->sun_path[0] = '\0';
        *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + !is_abstract);
        return 0;
}

static int bind_error(int code, const char *path)
{
        if (code == EADDRINUSE && *path != '@')
                return error_set(code, "%s exists: remove it if nobody serves it", path);
        return error_set(code, "cannot bind to %s: %s", path, strerror(code));
}

int new_socket_bind_unix(const char *path, int type)
{
        CLEANUP(cleanup_close) int fd = -1;
        struct sockaddr_un address;
        socklen_t size;
        int r;

        if (!path)
                return open_socket(AF_UNIX, type);
        r = new_socket_unix_address(path, &address, &size);
        if (r < 0)
                return r;
        fd = open_socket(AF_UNIX, type);
        if (fd < 0)
                return fd;
        if (bind(fd, (const struct sockaddr *)&address, size) < 0)
                return bind_error(errno, path);
        if (type == SOCK_STREAM && listen(fd, SOMAXCONN) < 0) {
                r = error_set(errno, "cannot listen on %s: %s", path, strerror(errno));
                if (*path != '@')
                        unlink(path);
                return r;
        }
        return STEAL_FD(fd);
}

int new_socket_pair(int type, int fds[static 2])
{
        if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
                return error_set(errno, "no pair of sockets: %s", strerror(errno));
        return 0;
}

/* ---- Taken over ---------------------------------------------------------------------------- */

/* -1 when the kernel does not say. */
static int ask(int fd, int option)
{
        int value;
        socklen_t size = sizeof(value);

        return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

static bool is_connected(int fd)
{
        struct sockaddr_storage peer;
        socklen_t size = sizeof(peer);

        return getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
}

static bool is_of_family(int fd, const SocketKind *kind)
{
        int family = ask(fd, SO_DOMAIN);

        return kind->is_unix ? family == AF_UNIX : family == AF_INET || family == AF_INET6;
}

static bool is_of_protocol(int protocol, const SocketKind *kind)
{
        return kind->is_unix ||
               (kind->type == SOCK_STREAM ? tcp_protocol_is(protocol) : protocol == IPPROTO_UDP);
}

static bool is_in_state(int fd, const SocketKind *kind)
{
        switch (kind->state) {
        case SOCKET_LISTENS:
                return ask(fd, SO_ACCEPTCONN) == 1;
        case SOCKET_IS_CONNECTED:
                return is_connected(fd);
        default:
                return true;
        }
}

/* 0, or -EINVAL with error_text(). */
static int check_kind(int fd, const SocketKind *kind)
{
        int protocol = ask(fd, SO_PROTOCOL);

        if (ask(fd, SO_TYPE) != kind->type || !is_of_family(fd, kind))
                return error_set(EINVAL, "descriptor %d is not %s", fd, kind->name);
        if (!is_of_protocol(protocol, kind))
                return error_set(EINVAL, "descriptor %d is not %s: its protocol is %d, not %s", fd,
                                 kind->name, protocol,
                                 kind->type == SOCK_STREAM ? "TCP or MPTCP" : "UDP");
        return is_in_state(fd, kind) ? 0
                                     : error_set(EINVAL, "descriptor %d is not %s", fd, kind->name);
}

int new_socket_take_over(int take_fd, const SocketKind *kind)
{
        CLEANUP(cleanup_close) int fd = -1;
        int flags = fcntl(take_fd, F_GETFL);
        int r;

        if (flags < 0)
                return error_set(errno, "%d is not an open descriptor", take_fd);
        fd = take_fd;
        r = check_kind(fd, kind);
        if (r < 0)
                return r;
        if (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                return error_set(errno, "descriptor %d cannot be made non-blocking: %s", fd,
                                 strerror(errno));
        return STEAL_FD(fd);
}
