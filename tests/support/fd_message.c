/* One message with descriptors. See fd_message.h. */
#include "tests/support/fd_message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef union ControlBuffer {
        struct cmsghdr alignment;
        char bytes[CMSG_SPACE(FD_MESSAGE_MAX * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
} ControlBuffer;

ssize_t fd_message_send(int socket, const void *data, size_t length, const int *borrow_fds,
                        size_t count)
{
        ControlBuffer control = {0};
        struct iovec part = {.iov_base = (void *)data, .iov_len = length};
        struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
        ssize_t n;

        if (count > 0) {
                struct cmsghdr *item;

                header.msg_control = control.bytes;
                header.msg_controllen = CMSG_SPACE(count * sizeof(int));
                item = CMSG_FIRSTHDR(&header);
                item->cmsg_level = SOL_SOCKET;
                item->cmsg_type = SCM_RIGHTS;
                item->cmsg_len = CMSG_LEN(count * sizeof(int));
                memcpy(CMSG_DATA(item), borrow_fds, count * sizeof(int));
        }
        n = sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
        return n < 0 ? -errno : n;
}

ssize_t fd_message_receive(int socket, void *buffer, size_t size, size_t room, FdMessage *message)
{
        ControlBuffer control;
        struct iovec part = {.iov_base = buffer, .iov_len = size};
        struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
        int passcred = 0;

        *message = (FdMessage){0};
        getsockopt(socket, SOL_SOCKET, SO_PASSCRED, &passcred, &(socklen_t){sizeof(passcred)});
        header.msg_control = control.bytes;
        /* CMSG_LEN, not CMSG_SPACE: the padding after an odd count would hold one more. */
        header.msg_controllen = (passcred ? CMSG_SPACE(sizeof(struct ucred)) : 0) +
                                (room > 0 ? CMSG_LEN(room * sizeof(int)) : 0);
        message->length = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (message->length < 0) {
                message->length = -errno;
                return message->length;
        }
        message->flags = header.msg_flags & (MSG_TRUNC | MSG_CTRUNC | MSG_EOR);
        for (struct cmsghdr *item = CMSG_FIRSTHDR(&header); item;
             item = CMSG_NXTHDR(&header, item)) {
                if (item->cmsg_level != SOL_SOCKET)
                        continue;
                if (item->cmsg_type == SCM_RIGHTS) {
                        size_t bytes = item->cmsg_len - CMSG_LEN(0);

                        memcpy(message->fds + message->count, CMSG_DATA(item), bytes);
                        message->count += bytes / sizeof(int);
                } else if (item->cmsg_type == SCM_CREDENTIALS) {
                        memcpy(&message->sender, CMSG_DATA(item), sizeof(message->sender));
                }
        }
        return message->length;
}

void fd_message_close(FdMessage *message)
{
        for (size_t i = 0; i < message->count; i++)
                close(message->fds[i]);
        message->count = 0;
}
