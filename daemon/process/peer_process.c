/* The process at the other end of a connection. See peer_process.h. */
#include "daemon/process/peer_process.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int peer_process_open(int borrow_socket_fd, pid_t pid)
{
        int fd;
        socklen_t size = sizeof(fd);

        if (getsockopt(borrow_socket_fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0)
                return fd;
        /* The number may be another process's by now: then its end is waited for. */
        if (errno == ENOPROTOOPT)
                fd = (int)syscall(SYS_pidfd_open, pid, 0);
        else
                fd = -1;
        return fd < 0 ? -errno : fd;
}
