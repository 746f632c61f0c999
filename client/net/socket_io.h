/*
 * client/net/: the net types.
 *
 * The IO of the net types: each starts an operation that goes on until the socket neither says
 * EAGAIN nor was interrupted. All of them return as kyron_bridged_fd_async_call() does, and say in
 * error_text() what failed.
 */
#pragma once

#include "client/readiness/bridged_fd.h"

/* Reads what there is; flags: 0 or MSG_PEEK, or MSG_TRUNC for a datagram's whole length. */
int socket_io_receive(KyronBridgedFd *socket, KyronOperation *operation, void *buffer, size_t size,
                      int flags);
int socket_io_send(KyronBridgedFd *socket, KyronOperation *operation, const void *buffer,
                   size_t size);

/* readv(2) and writev(2). -EINVAL: a count they would not take. */
int socket_io_receive_parts(KyronBridgedFd *socket, KyronOperation *operation,
                            const struct iovec *parts, int count);
int socket_io_send_parts(KyronBridgedFd *socket, KyronOperation *operation,
                         const struct iovec *parts, int count);

/* A datagram and where it came from. *address_size is the room in address, then the size of the
 * sender's address; both may be NULL. */
int socket_io_receive_from(KyronBridgedFd *socket, KyronOperation *operation, void *buffer,
                           size_t size, struct sockaddr *address, socklen_t *address_size);
int socket_io_send_to(KyronBridgedFd *socket, KyronOperation *operation, const void *buffer,
                      size_t size, const struct sockaddr *address, socklen_t address_size);

/* Accepts a connection into *out. arm: as bridged_fd_new(), of the stream. */
int socket_io_accept(KyronBridgedFd *listener, KyronOperation *operation, KyronBridgedFd **out,
                     Readiness arm);

/* Connects, waiting for it if need be. */
int socket_io_connect(KyronBridgedFd *socket, KyronOperation *operation,
                      const struct sockaddr *address, socklen_t address_size);
