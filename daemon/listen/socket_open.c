/* Listeners and bound sockets. See socket_open.h. */
#include "daemon/listen/socket_open.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "core/tcp_protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

static int fail(int error, const Address *address)
{
        char text[ADDRESS_TEXT_MAX];

        address_format(address, text);
        if (error == EADDRINUSE)
                return error_set(error, "address in use: %s", text);
        if (error == EADDRNOTAVAIL)
                return error_set(error, "not an address of this machine: %s", text);
        if ((error == EACCES || error == EPERM) && address->kind != ADDRESS_UNIX)
                return error_set(EACCES, "the daemon needs CAP_NET_BIND_SERVICE for %s", text);
        return error_set(error, "%s: %s", strerror(error), text);
}

static int set_option(int borrow_fd, int level, int option, int value)
{
        return setsockopt(borrow_fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

uint32_t socket_deferred_ms(const ListenerConfig *config)
{
        bool defers = config->address.kind == ADDRESS_TCP && config->when_readable &&
                      config->silent_ms > SOCKET_DEFERRED_MS;

        return defers ? SOCKET_DEFERRED_MS : 0;
}

/* "*" where there is no IPv6. */
static void use_v4_any(Address *address)
{
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(address->port)};

        address->socket_address.v4 = any;
        address->size = sizeof(any);
}

static int bind_inet_number(const Address *address, int type, bool v6_only, bool reuse)
{
        CLEANUP(cleanup_close) int fd = -1;
        int family = address->socket_address.any.sa_family;
        int r = 0;

        fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (family == AF_INET6)
                r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6_only);
        if (r == 0 && reuse)
                r = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (r == 0 && bind(fd, &address->socket_address.any, address->size) < 0)
                r = -errno;
        return r < 0 ? r : STEAL_FD(fd);
}

static int bind_inet(const Address *address, int type, bool v6_only, bool reuse)
{
        Address any = *address;
        int fd;

        if (address->host_is == ADDRESS_NAME)
                return error_set(EINVAL, "a number or \"*\" is needed, not the name %s",
                                 address->host);
        fd = bind_inet_number(address, type, v6_only, reuse);
        if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && address->host_is == ADDRESS_ANY &&
            !v6_only) {
                use_v4_any(&any);
                fd = bind_inet_number(&any, type, false, reuse);
        }
        return fd < 0 ? fail(-fd, address) : fd;
}

/* The address asked for, with the port the kernel chose. */
int socket_find_bound(int borrow_fd, const Address *address, Address *bound)
{
        Address actual = {.size = sizeof(actual.socket_address)};
        int r;

        *bound = *address;
        if (address->kind == ADDRESS_UNIX)
                return 0;
        if (getsockname(borrow_fd, &actual.socket_address.any, &actual.size) < 0)
                return fail(errno, address);
        r = address_from_socket(address->kind, &actual.socket_address.any, actual.size, bound);
        if (r < 0 || address->host_is != ADDRESS_ANY)
                return r;
        actual.port = bound->port;
        *bound = *address;
        bound->port = actual.port;
        bound->socket_address.v6.sin6_port = htons(actual.port);
        return 0;
}

static int open_unix(const ListenerConfig *config, SocketFile *file)
{
        CLEANUP(cleanup_close) int fd = -1;
        const Address *address = &config->address;
        int r = 0;

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return fail(errno, address);
        if (address_is_path(address))
                r = socket_file_bind(fd, config, file);
        else if (bind(fd, &address->socket_address.any, address->size) < 0)
                r = fail(errno, address);
        return r < 0 ? r : STEAL_FD(fd);
}

int socket_open_path(const ListenerConfig *config, SocketFile *file)
{
        *file = (SocketFile){.inode = 0};
        return open_unix(config, file);
}

/* Best effort: the daemon waits for first bytes, too. */
static void defer_accept(int borrow_fd, const ListenerConfig *config)
{
        if (config->address.kind == ADDRESS_TCP)
                set_option(borrow_fd, IPPROTO_TCP, TCP_DEFER_ACCEPT,
                           (int)socket_deferred_ms(config) / 1000);
}

int socket_listen(int borrow_fd, const ListenerConfig *config)
{
        /* The kernel cuts it to net.core.somaxconn. */
        int backlog =
                config->backlog == 0 || config->backlog > INT_MAX ? INT_MAX : (int)config->backlog;

        defer_accept(borrow_fd, config);
        return listen(borrow_fd, backlog) < 0 ? fail(errno, &config->address) : 0;
}

int socket_open_listener(const ListenerConfig *config, Address *bound, SocketFile *file)
{
        CLEANUP(cleanup_close) int fd = -1;
        const Address *address = &config->address;
        int r;

        *file = (SocketFile){.inode = 0};
        if (address->kind == ADDRESS_UDP)
                return error_set(EAFNOSUPPORT, "udp: addresses are bound, not listened on");
        fd = address->kind == ADDRESS_UNIX
                     ? open_unix(config, file)
                     : bind_inet(address, SOCK_STREAM, config->v6_only, config->reuse_address);
        if (fd < 0)
                return fd;
        r = socket_listen(fd, config);
        if (r < 0) {
                char why[ERROR_TEXT_MAX];

                strcpy(why, error_text());
                socket_file_remove(config, file);
                return error_set(-r, "%s", why);
        }
        r = socket_find_bound(fd, address, bound);
        return r < 0 ? r : STEAL_FD(fd);
}

static bool is_every_host(const Address *address)
{
        return address->host_is == ADDRESS_ANY || strcmp(address->host, "0.0.0.0") == 0 ||
               strcmp(address->host, "::") == 0;
}

/* Whether a socket is where it is wanted. Of a path through an open directory (socket_place.h) all
 * that the kernel tells is the name in it. */
static bool is_at(const Address *found, const Address *wanted)
{
        static const char through[] = "unix:/proc/self/fd/";
        char wanted_text[ADDRESS_TEXT_MAX], found_text[ADDRESS_TEXT_MAX];

        if (wanted->host_is == ADDRESS_ANY)
                return wanted->port == found->port && is_every_host(found);
        address_format(wanted, wanted_text);
        address_format(found, found_text);
        if (strncmp(found_text, through, strlen(through)) == 0 && strchr(wanted_text, '/'))
                return strcmp(strrchr(found_text, '/'), strrchr(wanted_text, '/')) == 0;
        return strcmp(wanted_text, found_text) == 0;
}

/* What has become of a listener's socket. */
static int no_more(int error, const char *what, const Address *address)
{
        char text[ADDRESS_TEXT_MAX];

        address_format(address, text);
        return error_set(error, "%s: %s", what, text);
}

int socket_check_listener(int borrow_fd, const Address *address)
{
        Address actual = {.size = sizeof(actual.socket_address)}, found, wanted = *address;
        socklen_t size = sizeof(int);
        int listens = 0, r;

        if (getsockopt(borrow_fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || !listens)
                return no_more(EINVAL, "it does not listen any more", address);
        if (getsockname(borrow_fd, &actual.socket_address.any, &actual.size) < 0)
                return fail(errno, address);
        r = address_from_socket(address->kind, &actual.socket_address.any, actual.size, &found);
        if (r < 0)
                return r;
        if (wanted.kind != ADDRESS_UNIX && wanted.port == 0)
                wanted.port = found.port;
        return is_at(&found, &wanted) ? 0 : no_more(EINVAL, "it is somewhere else", address);
}

bool socket_overlaps(const Address *bound, const Address *other)
{
        char text[ADDRESS_TEXT_MAX], other_text[ADDRESS_TEXT_MAX];

        if (bound->kind != other->kind)
                return false;
        if (bound->kind == ADDRESS_UNIX) {
                address_format(bound, text);
                address_format(other, other_text);
                return strcmp(text, other_text) == 0;
        }
        return bound->port == other->port && (is_every_host(bound) || is_every_host(other) ||
                                              strcmp(bound->host, other->host) == 0);
}

static int get_option(int borrow_fd, int option)
{
        int value = 0;
        socklen_t size = sizeof(value);

        return getsockopt(borrow_fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

int socket_check_alive(int borrow_fd, const Address *address)
{
        struct pollfd state = {.fd = borrow_fd, .events = POLLRDHUP};

        if (get_option(borrow_fd, SO_ACCEPTCONN) != 1)
                return no_more(EINVAL, "it does not listen any more", address);
        /* A Unix socket that was shut down says that it listens. */
        if (poll(&state, 1, 0) < 0 || state.revents & (POLLHUP | POLLRDHUP | POLLNVAL))
                return no_more(EPIPE, "it was shut down", address);
        if (get_option(borrow_fd, SO_TYPE) != SOCK_STREAM ||
            (address->kind == ADDRESS_UNIX) != (get_option(borrow_fd, SO_DOMAIN) == AF_UNIX) ||
            (address->kind == ADDRESS_TCP && !tcp_protocol_is(get_option(borrow_fd, SO_PROTOCOL))))
                return no_more(EPROTOTYPE, "it is of another kind", address);
        return 0;
}

static int take_off_filter(int borrow_fd, const Address *address)
{
        int none = 0;

        /* A filter may keep everybody out. */
        if (setsockopt(borrow_fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)) < 0 &&
            errno != ENOENT)
                return no_more(errno, "a filter is locked on it", address);
        get_option(borrow_fd, SO_ERROR); /* which takes it off */
        return 0;
}

int socket_adopt_listener(int borrow_fd, const ListenerConfig *config, Address *bound)
{
        int r = socket_check_alive(borrow_fd, &config->address);

        if (r == 0)
                r = socket_check_listener(borrow_fd, &config->address);
        if (r == 0)
                r = take_off_filter(borrow_fd, &config->address);
        if (r < 0)
                return r;
        if (fcntl(borrow_fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
                return fail(errno, &config->address);
        r = socket_listen(borrow_fd, config);
        if (r < 0)
                return r;
        return socket_find_bound(borrow_fd, &config->address, bound);
}

void socket_prepare_accepted(int borrow_fd, const ListenerConfig *config)
{
        if (config->address.kind != ADDRESS_TCP)
                return;
        if (config->nodelay)
                set_option(borrow_fd, IPPROTO_TCP, TCP_NODELAY, 1);
        if (config->keepalive)
                set_option(borrow_fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

int socket_open_udp(const Address *address, Address *bound)
{
        CLEANUP(cleanup_close) int fd = -1;
        int r;

        if (address->kind != ADDRESS_UDP)
                return error_set(EAFNOSUPPORT, "only udp: addresses can be bound");
        fd = bind_inet(address, SOCK_DGRAM, false, false);
        if (fd < 0)
                return fd;
        r = socket_find_bound(fd, address, bound);
        return r < 0 ? r : STEAL_FD(fd);
}
