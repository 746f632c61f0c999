/* Room for descriptors in flight. See in_flight_room.h. */
#include "daemon/budget/in_flight_room.h"

#include "core/cleanup.h"
#include "core/fd_list.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* As many copies as go into one packet. 0 or -errno. */
static int send_copies(int borrow_socket_fd, int borrow_fd)
{
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(int) * FD_LIST_MAX)];
        } control = {.bytes = {0}};
        char byte = 0;
        struct iovec part = {.iov_base = &byte, .iov_len = 1};
        struct msghdr message = {
                .msg_iov = &part,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        int fds[FD_LIST_MAX];

        for (int i = 0; i < FD_LIST_MAX; i++)
                fds[i] = borrow_fd;
        control.align.cmsg_level = SOL_SOCKET;
        control.align.cmsg_type = SCM_RIGHTS;
        control.align.cmsg_len = CMSG_LEN(sizeof(fds));
        memcpy(CMSG_DATA(&control.align), fds, sizeof(fds));
        return sendmsg(borrow_socket_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

uint64_t in_flight_room(uint64_t wanted)
{
        CLEANUP(cleanup_close) int here = -1;
        CLEANUP(cleanup_close) int there = -1;
        CLEANUP(cleanup_close) int fd = -1;
        int ends[2];
        uint64_t room = 0;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return wanted;
        here = ends[0];
        there = ends[1];
        (void)there; /* it has only to be open */
        fd = eventfd(0, EFD_CLOEXEC);
        if (fd < 0)
                return wanted;
        for (int i = 0; i < IN_FLIGHT_ROOM_PACKETS_MAX && room < wanted; i++) {
                int r = send_copies(here, fd);

                if (r == -ETOOMANYREFS)
                        return room;
                if (r < 0)
                        break;
                room += FD_LIST_MAX;
        }
        return wanted;
}
