/*
 * Packets with descriptors over a SEQPACKET socket. Neither call ever blocks, whatever the
 * socket's O_NONBLOCK says: that flag belongs to the open file, and the other side may share it.
 */
#pragma once

#include "core/fd_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * Sends one packet with n borrowed descriptors. 0 or -errno: -EAGAIN the other side has not read
 * its packets, -ETOOMANYREFS too many descriptors are in flight for this user, -EPIPE and
 * -ECONNRESET the other side is gone, -ENOBUFS and -ENOMEM.
 */
int frame_socket_send(int socket_fd, const void *bytes, size_t size, const int *borrow_fds,
                      size_t n);

/* Whether the other side has left something unread; and what the kernel charges for that, in bytes
 * of its memory. */
bool frame_socket_has_unread(int socket_fd);
uint32_t frame_socket_charged(int socket_fd);

/*
 * Receives one packet of at most capacity bytes. Descriptors, close-on-exec, are added to the
 * empty list fds, which owns them; they can be there whatever this returns, and are the caller's
 * to close, since close() of a descriptor from elsewhere can block. Returns the size, 0 when the
 * other side has closed, or -errno: -EAGAIN nothing there, -EMSGSIZE a packet longer than
 * capacity, -EMFILE descriptors were lost at this process's limit, -ECONNRESET the other side
 * closed with packets unread (what it sent before can still be received).
 */
int frame_socket_receive(int socket_fd, void *bytes, size_t capacity, FdList *fds);

/* The same, and who sent it, by the kernel's word: on a socket with SO_PASSCRED. pid is 0 where the
 * kernel does not say. uid is the sender's real one. */
int frame_socket_receive_from(int socket_fd, void *bytes, size_t capacity, FdList *fds,
                              struct ucred *sender);
