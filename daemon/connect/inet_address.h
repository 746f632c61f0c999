/*
 * InetAddress: an IPv4 or IPv6 socket address.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

typedef union InetAddress {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
} InetAddress;

static inline socklen_t inet_address_size(const InetAddress *address)
{
        return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

/* Whether both are the same but for their ports. */
static inline bool inet_address_same_host(const InetAddress *a, const InetAddress *b)
{
        if (a->any.sa_family != b->any.sa_family)
                return false;
        if (a->any.sa_family == AF_INET)
                return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
        return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr) &&
               a->v6.sin6_scope_id == b->v6.sin6_scope_id;
}
