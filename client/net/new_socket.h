/*
 * Where the net types' sockets come from: opened here, or taken over and checked. Every one is
 * non-blocking; what is opened here is close-on-exec too.
 *
 * Functions that make a socket return its descriptor, or a negative errno with error_text().
 */
#pragma once

#include "client/kyron.h"

/* What a socket of somebody else's has to be, to become one of ours. */
typedef struct SocketKind {
        bool is_unix; /* else IPv4 or IPv6 */
        int type;     /* SOCK_STREAM or SOCK_DGRAM */
        enum { SOCKET_IN_ANY_STATE, SOCKET_LISTENS, SOCKET_IS_CONNECTED } state;
        const char *name; /* with its article, for the sentence */
} SocketKind;

/* 0 an address of IPv4 or IPv6; -EAFNOSUPPORT it is of another family, -EINVAL it is too short. */
int new_socket_check_inet(const struct sockaddr *address, socklen_t size);

/* An unbound socket for an address that was checked. */
int new_socket_for_inet(const struct sockaddr *address, int type);

/* A socket bound to an address of IPv4 or IPv6; of SOCK_STREAM: that listens. */
int new_socket_bind_inet(const struct sockaddr *address, socklen_t size, int type);

/* The sentence for a failure that has to do with an address. Returns -code. */
int new_socket_inet_error(int code, const char *what, const struct sockaddr *address);

/* Writes the address of a path, or of an abstract name when it begins with '@'. 0, or -EINVAL it is
 * empty, -ENAMETOOLONG. */
int new_socket_unix_address(const char *path, struct sockaddr_un *out, socklen_t *size);

/* A socket bound to a path; of SOCK_STREAM: that listens. path may be NULL: unbound. */
int new_socket_bind_unix(const char *path, int type);

/* Two Unix sockets connected to each other. 0 or -errno. */
int new_socket_pair(int type, int fds[static 2]);

/* Makes take_fd non-blocking and returns it. -EBADF it is not open, -EINVAL it is not of this kind:
 * it is then closed. */
int new_socket_take_over(int take_fd, const SocketKind *kind);
