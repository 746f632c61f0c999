/* The datagrams to NOTIFY_SOCKET, of which none waits. */
#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Descriptors of a message. */
enum { NOTIFY_DESCRIPTORS_MAX = 3 };

typedef struct NotifyAddress {
        struct sockaddr_un address;
        socklen_t size;
} NotifyAddress;

/* Where NOTIFY_SOCKET says, which has to be set: a path, or @ and an abstract name. 0 or -errno. */
int notify_socket_find(NotifyAddress *out);
/* A socket connected to it, or -errno. A path may be one that waits. */
int notify_socket_open(const NotifyAddress *address);
/* Sends text with descriptors. 0, or -errno; -EAGAIN: what was sent before has not been read. */
int notify_socket_send(int borrow_fd, const char *text, const int *borrow_fds, size_t count);
