/* Packets with descriptors over a SEQPACKET socket. See frame_socket.h. */
#include "proto/frame_socket.h"

#include "core/error.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The kernel's charge for a packet is at least this much. A packet just read may still be charged
 * one byte when the edge of its reading is seen. */
enum { PACKET_CHARGE_MIN = 256 };

int frame_socket_send(int socket_fd, const void *bytes, size_t size, const int *borrow_fds,
                      size_t n)
{
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(int) * FD_LIST_MAX)];
        } control;
        struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        ssize_t sent;

        if (n > FD_LIST_MAX)
                return -EINVAL;
        if (n > 0) {
                struct cmsghdr *header = &control.align;

                /* With the padding behind the last descriptor. */
                memset(header, 0, CMSG_SPACE(sizeof(int) * n));
                header->cmsg_level = SOL_SOCKET;
                header->cmsg_type = SCM_RIGHTS;
                header->cmsg_len = CMSG_LEN(sizeof(int) * n);
                memcpy(CMSG_DATA(header), borrow_fds, sizeof(int) * n);
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(sizeof(int) * n);
        }
        do
                sent = sendmsg(socket_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
        return sent < 0 ? -errno : 0;
}

uint32_t frame_socket_charged(int socket_fd)
{
        int bytes = 0;

        /* A socket that does not say is one that has nothing to read any more. */
        if (ioctl(socket_fd, SIOCOUTQ, &bytes) < 0 || bytes < PACKET_CHARGE_MIN)
                return 0;
        return (uint32_t)bytes;
}

bool frame_socket_has_unread(int socket_fd)
{
        return frame_socket_charged(socket_fd) > 0;
}

static void collect_credentials(const struct cmsghdr *header, struct ucred *sender)
{
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS &&
            header->cmsg_len >= CMSG_LEN(sizeof(*sender)))
                memcpy(sender, CMSG_DATA(header), sizeof(*sender));
}

static void collect_control(struct msghdr *message, FdList *fds, struct ucred *sender)
{
        for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
             header = CMSG_NXTHDR(message, header)) {
                size_t n;

                collect_credentials(header, sender);
                if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
                        continue;
                n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (size_t i = 0; i < n; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
                        fd_list_add(fds, fd);
                }
        }
}

int frame_socket_receive_from(int socket_fd, void *bytes, size_t capacity, FdList *fds,
                              struct ucred *sender)
{
        /* Room for the descriptors of one packet and for the credentials that come with it where
         * the listening socket asks for them; the kernel sends no more than one of each. */
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(int) * FD_LIST_MAX) +
                           CMSG_SPACE(sizeof(struct ucred))];
        } control;
        struct iovec part = {.iov_base = bytes, .iov_len = capacity};
        struct msghdr message = {
                .msg_iov = &part,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t size;

        *sender = (struct ucred){.pid = 0};
        do
                size = recvmsg(socket_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        while (size < 0 && errno == EINTR);
        if (size < 0)
                return -errno;
        collect_control(&message, fds, sender);
        if (message.msg_flags & MSG_CTRUNC)
                return error_set(EMFILE, "descriptors were lost: too many open files");
        if (message.msg_flags & MSG_TRUNC)
                return error_set(EMSGSIZE, "a packet is longer than the limit of %zu bytes",
                                 capacity);
        return (int)size;
}

int frame_socket_receive(int socket_fd, void *bytes, size_t capacity, FdList *fds)
{
        struct ucred unused;

        return frame_socket_receive_from(socket_fd, bytes, capacity, fds, &unused);
}
