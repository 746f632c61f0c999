/*
 * SocketTable: the machine's TCP, UDP and Unix sockets at one moment, by inode; and the TCP
 * connections that nobody has accepted yet, which have none.
 */
#pragma once

#include "waits/errands.h"
#include "waits/network_spaces.h"
#include "waits/socket_dump.h"

typedef struct SocketTable {
        size_t count;
        Socket *sockets;    /* owned; by inode, those without one first, and of these by cookie */
        size_t unaccepted;  /* how many have none */
        bool without_times; /* taking them did not come to an end */
        bool incomplete;    /* there are too many, or they cannot be read */
        size_t shut;        /* network namespaces that are not for this user to look into */
} SocketTable;

/* Reads those of these namespaces. 0, or -ENOMEM. */
int socket_table_read(SocketTable *out, const NetworkSpaces *spaces, Errands *errands);
void socket_table_free(SocketTable *table);

/* NULL: there is none, or not in these namespaces. */
const Socket *socket_table_find(const SocketTable *table, uint64_t inode);
/* One that nobody has accepted, of another table. */
const Socket *socket_table_find_unaccepted(const SocketTable *table, const Socket *socket);
/* The other end of a connection on this machine; NULL: there is none, or not here. */
const Socket *socket_table_find_peer(const SocketTable *table, const Socket *socket);
/* Whether a TCP connection that nobody has accepted waits for this listener. */
bool socket_waits_for(const Socket *connection, const Socket *listener);
/* The listener that has yet to accept a connection: of TCP, the one at the connection's local end;
 * of Unix sockets the one for which the client's end waits, if that is the next. NULL: none. */
const Socket *socket_table_find_listener(const SocketTable *table, const Socket *connection);
/* The listener of this machine to which a TCP connection is being made; NULL: it is not here. */
const Socket *socket_table_find_goal(const SocketTable *table, const Socket *connecting);
/* Whether bytes lay in a TCP connection at both moments, and none was read in between. */
bool socket_lay_unread(const Socket *then, const Socket *now);
