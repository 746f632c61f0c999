/* Classifying received descriptors without blocking. See descriptor_kind.h. */
#include "daemon/driver/descriptor_kind.h"

#include "core/error.h"
#include "core/tcp_protocol.h"
#include "daemon/driver/eventfd_probe.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
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
};

/* What readlink of /proc/self/fd/N says of the anonymous files that may be waited for. Not here,
 * though epoll would take them: signalfd (it would report the daemon's signals), userfaultfd,
 * fanotify and the like. Nor epoll sets: to look at one is to look at all that is in it, which can
 * take seconds for a large one and for ever if it holds a file of a FUSE server that is silent. */
static const struct {
        const char *link;
        DescriptorKind kind;
} anonymous_files[] = {
        {"anon_inode:[eventfd]", DESCRIPTOR_KIND_EVENTFD},
        {"anon_inode:[timerfd]", DESCRIPTOR_KIND_TIMERFD},
        {"anon_inode:inotify", DESCRIPTOR_KIND_INOTIFY},
        {"anon_inode:[pidfd]", DESCRIPTOR_KIND_PIDFD},
};

/* /proc/self/fd: looking that up each time would be a quarter of what readlink() costs. */
static int directory_fd = -1;

void descriptor_kind_open(void)
{
        eventfd_probe_open();
        if (directory_fd >= 0)
                return;
        directory_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (directory_fd < 0)
                log_daemon(LOG_WARNING,
                           "without /proc timerfds, inotify, pidfds and perhaps eventfds are not "
                           "waited for: /proc/self/fd: %s",
                           strerror(errno));
}

void descriptor_kind_close(void)
{
        eventfd_probe_close();
        if (directory_fd >= 0)
                close(directory_fd);
        directory_fd = -1;
}

static int socket_option(int fd, int option)
{
        int value;
        socklen_t size = sizeof(value);

        return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

/* Other families' sockets may take locks that their owner can hold for as long as it likes. */
static bool is_waited_for(int domain)
{
        return domain == AF_UNIX || domain == AF_INET || domain == AF_INET6 ||
               domain == AF_NETLINK || domain == AF_PACKET || domain == AF_CAN;
}

int descriptor_kind_refuse_path(void)
{
        return error_set(EBADF, "an O_PATH descriptor cannot be waited for: open the file");
}

static int refuse_family(int domain)
{
        return error_set(
                EOPNOTSUPP,
                "the daemon does not wait for sockets of family %d: wait in the program itself",
                domain);
}

static DescriptorKind unix_kind(int type)
{
        switch (type) {
        case SOCK_STREAM:
                return DESCRIPTOR_KIND_UNIX_STREAM;
        case SOCK_DGRAM:
                return DESCRIPTOR_KIND_UNIX_DATAGRAM;
        case SOCK_SEQPACKET:
                return DESCRIPTOR_KIND_UNIX_SEQPACKET;
        default:
                return DESCRIPTOR_KIND_SOCKET;
        }
}

static DescriptorKind internet_kind(int protocol)
{
        if (tcp_protocol_is(protocol))
                return DESCRIPTOR_KIND_TCP;
        return protocol == IPPROTO_UDP ? DESCRIPTOR_KIND_UDP : DESCRIPTOR_KIND_SOCKET;
}

static int classify_socket(int fd, DescriptorKind *kind)
{
        int domain = socket_option(fd, SO_DOMAIN);

        if (domain < 0)
                return descriptor_kind_refuse_path(); /* an open socket always answers */
        if (!is_waited_for(domain))
                return refuse_family(domain);
        if (domain == AF_INET || domain == AF_INET6)
                *kind = internet_kind(socket_option(fd, SO_PROTOCOL));
        else if (domain == AF_UNIX)
                *kind = unix_kind(socket_option(fd, SO_TYPE));
        else
                *kind = DESCRIPTOR_KIND_SOCKET;
        return 0;
}

int descriptor_kind_open_link(int number)
{
        char name[3 * sizeof(int)];

        if (directory_fd < 0)
                return -1;
        snprintf(name, sizeof(name), "%d", number);
        return openat(directory_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* What the link of that name in a directory says; "": the descriptor itself is the link. */
static int read_link(int borrow_fd, const char *name, DescriptorKind *kind)
{
        char link[64];
        ssize_t length;

        if (borrow_fd < 0)
                return error_set(EOPNOTSUPP,
                                 "without /proc the daemon cannot tell what this is: wait in "
                                 "the program itself");
        length = readlinkat(borrow_fd, name, link, sizeof(link) - 1);
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

int descriptor_kind_read_link(int borrow_link_fd, DescriptorKind *kind)
{
        return read_link(borrow_link_fd, "", kind);
}

static bool is_path(int fd)
{
        int flags = fcntl(fd, F_GETFL);

        return flags < 0 || flags & O_PATH;
}

static int refuse_type(int fd, mode_t type)
{
        if (is_path(fd))
                return descriptor_kind_refuse_path();
        switch (type) {
        case S_IFREG:
                return error_set(EPERM, "a regular file is always ready: use it without waiting");
        case S_IFDIR:
                return error_set(EPERM, "a directory is always ready: use it without waiting");
        default:
                return error_set(
                        EOPNOTSUPP,
                        "the daemon does not wait for devices: wait in the program itself");
        }
}

int descriptor_kind_look(int borrow_fd, DescriptorKind *kind, uint64_t *inode)
{
        struct statx file;
        mode_t type;

        if (statx(borrow_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO,
                  &file) < 0)
                return errno == EBADF
                               ? error_set(EBADF, "not an open descriptor")
                               : error_set(errno, "cannot tell what kind of descriptor this is");
        type = file.stx_mode & S_IFMT;
        *inode = type == S_IFSOCK || type == S_IFIFO ? file.stx_ino : 0;
        switch (type) {
        case S_IFSOCK:
                return classify_socket(borrow_fd, kind);
        case S_IFIFO:
                *kind = DESCRIPTOR_KIND_PIPE;
                return 0;
        case S_IFREG:
        case S_IFDIR:
        case S_IFCHR:
        case S_IFBLK:
                return refuse_type(borrow_fd, type);
        default:
                /* Anonymous files have no type. */
                *kind = eventfd_probe(borrow_fd) ? DESCRIPTOR_KIND_EVENTFD
                                                 : DESCRIPTOR_KIND_UNKNOWN;
                return 0;
        }
}

int descriptor_kind_classify(int borrow_fd, DescriptorKind *kind, uint64_t *inode)
{
        char name[3 * sizeof(int)];
        int r = descriptor_kind_look(borrow_fd, kind, inode);

        if (r < 0)
                return r;
        /* A socket has answered. */
        if ((*kind == DESCRIPTOR_KIND_PIPE || *kind == DESCRIPTOR_KIND_UNKNOWN) &&
            is_path(borrow_fd))
                return descriptor_kind_refuse_path();
        if (*kind != DESCRIPTOR_KIND_UNKNOWN)
                return 0;
        snprintf(name, sizeof(name), "%d", borrow_fd);
        return read_link(directory_fd, name, kind);
}

const char *descriptor_kind_name(DescriptorKind kind)
{
        return kind < DESCRIPTOR_KIND_COUNT ? kind_names[kind] : "unknown";
}
