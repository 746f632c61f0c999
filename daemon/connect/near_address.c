/* Addresses of this machine, and beside it. See near_address.h. */
#include "daemon/connect/near_address.h"

#include "core/cleanup.h"
#include "core/error.h"

#include <errno.h>
#include <string.h>

/* Any will do: a UDP socket sends nothing when it is connected. */
enum { SOME_PORT = 9 };

static int open_socket(int family)
{
        int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        return fd < 0 ? error_set(errno, "it cannot be told whose address that is: %s",
                                  strerror(errno))
                      : fd;
}

/* Of an interface, or routed to this machine: only such a one can be sent from. (Bound to it can be
 * others, too, where ip_nonlocal_bind says so.) */
static int is_own_v4(struct in_addr number)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = number};
        CLEANUP(cleanup_close) int fd = open_socket(AF_INET);

        if (fd < 0)
                return fd;
        if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return 0;
        address.sin_port = htons(SOME_PORT);
        return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

/* Of an interface: it is its own best source. */
static int is_own_v6(const struct sockaddr_in6 *asked)
{
        struct sockaddr_in6 address = *asked, source;
        socklen_t size = sizeof(source);
        CLEANUP(cleanup_close) int fd = open_socket(AF_INET6);

        if (fd == -EAFNOSUPPORT)
                return 0; /* nor can it be connected to */
        if (fd < 0)
                return fd;
        address.sin6_port = htons(SOME_PORT);
        return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
               getsockname(fd, (struct sockaddr *)&source, &size) == 0 &&
               memcmp(&source.sin6_addr, &address.sin6_addr, sizeof(source.sin6_addr)) == 0;
}

static int check_v4(struct in_addr number)
{
        const uint32_t bits = ntohl(number.s_addr);

        if (bits >> 24 == 0 || bits >> 24 == 127 || bits >> 16 == (169 << 8 | 254))
                return 1;
        return is_own_v4(number);
}

/* Where IPv4 is inside an IPv6 address. */
static const struct {
        uint8_t prefix[12];
        size_t length; /* of the prefix, which the four bytes follow */
} embeddings[] = {
        {{0}, 12},                      /* IPv4-compatible */
        {{0x00, 0x64, 0xff, 0x9b}, 12}, /* NAT64 */
        {{0x20, 0x02}, 2},              /* 6to4 */
};

static int check_embedded(const struct in6_addr *number)
{
        for (size_t i = 0; i < sizeof(embeddings) / sizeof(embeddings[0]); i++) {
                struct in_addr v4;

                if (memcmp(number, embeddings[i].prefix, embeddings[i].length) != 0)
                        continue;
                memcpy(&v4, number->s6_addr + embeddings[i].length, sizeof(v4));
                return check_v4(v4);
        }
        return 0;
}

int near_address_check(const Address *address)
{
        const struct in6_addr *number = &address->socket_address.v6.sin6_addr;
        int r;

        if (address->socket_address.any.sa_family == AF_INET)
                return check_v4(address->socket_address.v4.sin_addr);
        if (IN6_IS_ADDR_LOOPBACK(number) || IN6_IS_ADDR_UNSPECIFIED(number) ||
            IN6_IS_ADDR_LINKLOCAL(number))
                return 1;
        r = check_embedded(number);
        return r != 0 ? r : is_own_v6(&address->socket_address.v6);
}
