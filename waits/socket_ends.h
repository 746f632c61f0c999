/*
 * The ends of TCP connections: an IPv4 address and the same in an IPv6 socket are one. SocketIndex:
 * the connections of a SocketTable by their ends, for who looks for many.
 */
#pragma once

#include "waits/socket_table.h"

typedef struct SocketIndex {
        size_t count;
        const Socket **sockets; /* owned; they are the table's */
} SocketIndex;

/* In an order of connections by their ends; turned: each one's local end is the other's peer. */
int socket_compare_ends(const Socket *one, const Socket *other, bool turned);

/* 0 or -ENOMEM. */
int socket_index_make(SocketIndex *out, const SocketTable *table);
void socket_index_free(SocketIndex *index);
/* The other end of a TCP connection; NULL: it is not here. */
const Socket *socket_index_find_peer(const SocketIndex *index, const Socket *socket);
