/*
 * What the net types ask of their sockets and set on them without waiting: options, addresses,
 * shutdown. Each returns 0 (or a value) or a negative errno with error_text(), -EOWNERDEAD in a
 * child of the process that made the socket.
 */
#pragma once

#include "client/readiness/bridged_fd.h"

/* what: the option's name, for the sentence. */
int socket_option_set(const KyronBridgedFd *socket, int level, int option, int value,
                      const char *what);
/* The value, 0 or more. */
int socket_option_get(const KyronBridgedFd *socket, int level, int option, const char *what);
/* The same for a switch: 0 or 1. */
int socket_option_is_on(const KyronBridgedFd *socket, int level, int option, const char *what);

/* The time to live of what an IPv4 or IPv6 socket sends. */
int socket_option_set_ttl(const KyronBridgedFd *socket, int ttl);
int socket_option_ttl(const KyronBridgedFd *socket);

/* The pending error, as a negative errno, which it clears; 0: none. */
int socket_option_take_error(const KyronBridgedFd *socket);

/* *size is the room in address, then the size of the address. */
int socket_option_local_addr(const KyronBridgedFd *socket, struct sockaddr *address,
                             socklen_t *size);
int socket_option_peer_addr(const KyronBridgedFd *socket, struct sockaddr *address,
                            socklen_t *size);

int socket_option_shutdown(const KyronBridgedFd *socket, int how);
