/* The kernel refusing packets with descriptors. See refused_sends.h. */
#include "tests/support/refused_sends.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int refused_sends;
int refused_errno = ETOOMANYREFS;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
        if (message->msg_controllen > 0 && refused_sends > 0) {
                refused_sends--;
                errno = refused_errno;
                return -1;
        }
        return syscall(SYS_sendmsg, fd, message, flags);
}
