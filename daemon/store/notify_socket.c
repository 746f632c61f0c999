/* Datagrams to the service manager. See notify_socket.h. */
#include "daemon/store/notify_socket.h"

#include "core/cleanup.h"
#include "daemon/process/service_manager.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

int notify_socket_find(NotifyAddress *out)
{
        const char *path = service_manager_notify_socket();
        size_t length = strlen(path);

        memset(out, 0, sizeof(*out));
        if (*path != '/' && *path != '@')
                return -EAFNOSUPPORT;
        if (length >= sizeof(out->address.sun_path))
                return -ENAMETOOLONG;
        out->address.sun_family = AF_UNIX;
        memcpy(out->address.sun_path, path, length);
        if (*path == '@')
                *out->address.sun_path = '\0'; /* an abstract one */
        out->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
        return 0;
}

int notify_socket_open(const NotifyAddress *address)
{
        CLEANUP(cleanup_close)
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || connect(fd, (const struct sockaddr *)&address->address, address->size) < 0)
                return -errno;
        return STEAL_FD(fd);
}

static void attach(struct msghdr *header, const int *borrow_fds, size_t count)
{
        struct cmsghdr *control = CMSG_FIRSTHDR(header);

        control->cmsg_level = SOL_SOCKET;
        control->cmsg_type = SCM_RIGHTS;
        control->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(control), borrow_fds, sizeof(int) * count);
}

int notify_socket_send(int borrow_fd, const char *text, const int *borrow_fds, size_t count)
{
        union {
                struct cmsghdr align;
                char space[CMSG_SPACE(sizeof(int) * NOTIFY_DESCRIPTORS_MAX)];
        } control = {.space = ""};
        struct iovec bytes = {.iov_base = (char *)text, .iov_len = strlen(text)};
        struct msghdr header = {.msg_iov = &bytes, .msg_iovlen = 1};

        if (count > 0) {
                header.msg_control = control.space;
                header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
                attach(&header, borrow_fds, count);
        }
        return sendmsg(borrow_fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
