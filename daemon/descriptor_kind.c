/* Classifying received descriptors without blocking. See descriptor_kind.h. */
#include "daemon/descriptor_kind.h"

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const kind_names[DESCRIPTOR_KIND_COUNT] = {
        [DESCRIPTOR_KIND_UNKNOWN] = "unknown",
        [DESCRIPTOR_KIND_TCP] = "tcp",
        [DESCRIPTOR_KIND_UDP] = "udp",
        [DESCRIPTOR_KIND_UNIX_STREAM] = "unix-stream",
        [DESCRIPTOR_KIND_UNIX_DATAGRAM] = "unix-datagram",
        [DESCRIPTOR_KIND_UNIX_SEQPACKET] = "unix-seqpacket",
        [DESCRIPTOR_KIND_SOCKET] = "socket",
        [DESCRIPTOR_KIND_PIPE] = "pipe",
        [DESCRIPTOR_KIND_EVENTFD] = "eventfd",
        [DESCRIPTOR_KIND_TIMERFD] = "timerfd",
        [DESCRIPTOR_KIND_INOTIFY] = "inotify",
        [DESCRIPTOR_KIND_PIDFD] = "pidfd",
        [DESCRIPTOR_KIND_EPOLL] = "epoll",
};

/* What readlink of /proc/self/fd/N says of the anonymous files that may be waited for. Not here,
 * though epoll would take them: signalfd (it would report the daemon's signals), userfaultfd,
 * fanotify and the like. */
static const struct {
        const char *link;
        DescriptorKind kind;
} anonymous_files[] = {
        {"anon_inode:[eventfd]", DESCRIPTOR_KIND_EVENTFD},
        {"anon_inode:[timerfd]", DESCRIPTOR_KIND_TIMERFD},
        {"anon_inode:inotify", DESCRIPTOR_KIND_INOTIFY},
        {"anon_inode:[pidfd]", DESCRIPTOR_KIND_PIDFD},
        {"anon_inode:[eventpoll]", DESCRIPTOR_KIND_EPOLL},
};

static int socket_option(int fd, int option)
{
        int value;
        socklen_t size = sizeof(value);

        return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

static DescriptorKind classify_socket(int fd)
{
        int domain = socket_option(fd, SO_DOMAIN);
        int type = socket_option(fd, SO_TYPE);

        if (domain == AF_INET || domain == AF_INET6) {
                int protocol = socket_option(fd, SO_PROTOCOL);

                if (protocol == IPPROTO_TCP)
                        return DESCRIPTOR_KIND_TCP;
                if (protocol == IPPROTO_UDP)
                        return DESCRIPTOR_KIND_UDP;
        } else if (domain == AF_UNIX) {
                switch (type) {
                case SOCK_STREAM:
                        return DESCRIPTOR_KIND_UNIX_STREAM;
                case SOCK_DGRAM:
                        return DESCRIPTOR_KIND_UNIX_DATAGRAM;
                case SOCK_SEQPACKET:
                        return DESCRIPTOR_KIND_UNIX_SEQPACKET;
                default:
                        break;
                }
        }
        return DESCRIPTOR_KIND_SOCKET;
}

static int classify_anonymous(int fd, DescriptorKind *kind)
{
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        char link[64];
        ssize_t length;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        length = readlink(path, link, sizeof(link) - 1);
        if (length < 0)
                return error_set(errno, "cannot tell what kind of descriptor this is");
        link[length] = '\0';
        for (size_t i = 0; i < sizeof(anonymous_files) / sizeof(anonymous_files[0]); i++) {
                if (strcmp(link, anonymous_files[i].link) == 0) {
                        *kind = anonymous_files[i].kind;
                        return 0;
                }
        }
        return error_set(EOPNOTSUPP, "the daemon does not wait for %s: wait in the program itself",
                         link);
}

int descriptor_kind_classify(int borrow_fd, DescriptorKind *kind, uint64_t *inode)
{
        struct statx file;
        int flags = fcntl(borrow_fd, F_GETFL);

        if (flags < 0)
                return error_set(errno, "not an open descriptor");
        if (flags & O_PATH)
                return error_set(EBADF, "an O_PATH descriptor cannot be waited for: open the file");
        if (statx(borrow_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO,
                  &file) < 0)
                return error_set(errno, "cannot tell what kind of descriptor this is");

        *inode = 0;
        switch (file.stx_mode & S_IFMT) {
        case S_IFSOCK:
                *kind = classify_socket(borrow_fd);
                *inode = file.stx_ino;
                return 0;
        case S_IFIFO:
                *kind = DESCRIPTOR_KIND_PIPE;
                *inode = file.stx_ino;
                return 0;
        case S_IFREG:
                return error_set(EPERM, "a regular file is always ready: use it without waiting");
        case S_IFDIR:
                return error_set(EPERM, "a directory is always ready: use it without waiting");
        case S_IFCHR:
        case S_IFBLK:
                return error_set(
                        EOPNOTSUPP,
                        "the daemon does not wait for devices: wait in the program itself");
        default:
                /* Anonymous files have no type. */
                return classify_anonymous(borrow_fd, kind);
        }
}

const char *descriptor_kind_name(DescriptorKind kind)
{
        return kind < DESCRIPTOR_KIND_COUNT ? kind_names[kind] : "unknown";
}
