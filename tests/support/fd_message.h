/*
 * One message with descriptors, straight on sendmsg() and recvmsg(): what frame_socket is tested
 * against, and what a hostile client uses. Nothing is checked that the caller did not ask for.
 */
#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
        /* One more than the kernel takes, so that the limit itself can be tested. */
        FD_MESSAGE_MAX = 254,
};

typedef struct FdMessage {
        ssize_t length; /* of the data, or -errno */
        int flags;      /* MSG_TRUNC, MSG_CTRUNC, MSG_EOR */
        size_t count;
        int fds[FD_MESSAGE_MAX]; /* the caller's to close */
        struct ucred sender;     /* pid 0: none came; needs SO_PASSCRED */
} FdMessage;

/* Sends length bytes and count descriptors, without blocking. Returns the bytes sent or -errno. */
ssize_t fd_message_send(int socket, const void *data, size_t length, const int *borrow_fds,
                        size_t count);

/* Receives without blocking, with room for `room` descriptors. Returns message->length. */
ssize_t fd_message_receive(int socket, void *buffer, size_t size, size_t room, FdMessage *message);

void fd_message_close(FdMessage *message);
