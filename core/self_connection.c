/* A connection to itself. See self_connection.h. */
#include "core/self_connection.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

typedef union Name {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
} Name;

bool self_connection_is(int borrow_fd)
{
        Name own = {.any.sa_family = AF_UNSPEC}, peer = {.any.sa_family = AF_UNSPEC};
        socklen_t own_size = sizeof(own), peer_size = sizeof(peer);

        if (getsockname(borrow_fd, &own.any, &own_size) < 0 ||
            getpeername(borrow_fd, &peer.any, &peer_size) < 0 ||
            own.any.sa_family != peer.any.sa_family)
                return false;
        if (own.any.sa_family == AF_INET)
                return own.v4.sin_port == peer.v4.sin_port &&
                       own.v4.sin_addr.s_addr == peer.v4.sin_addr.s_addr;
        return own.any.sa_family == AF_INET6 && own.v6.sin6_port == peer.v6.sin6_port &&
               own.v6.sin6_scope_id == peer.v6.sin6_scope_id &&
               memcmp(&own.v6.sin6_addr, &peer.v6.sin6_addr, sizeof(own.v6.sin6_addr)) == 0;
}
