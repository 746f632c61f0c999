/* writev() without SIGPIPE. See quiet_write.h. */
#include "client/readiness/quiet_write.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>

/* Only a socket can be told not to raise it. Elsewhere it goes to the thread that writes, which
 * keeps it off and takes it back, unless one was waiting for it already. */
static ssize_t write_to_pipe(int fd, const struct iovec *parts, int count)
{
        const struct timespec now = {0};
        sigset_t pipe_signal, before, pending;
        bool was_pending;
        ssize_t n;
        int error;

        sigemptyset(&pipe_signal);
        sigaddset(&pipe_signal, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
        sigemptyset(&pending);
        if (sigismember(&before, SIGPIPE))
                sigpending(&pending);
        was_pending = sigismember(&pending, SIGPIPE);

        n = writev(fd, parts, count);
        error = errno;

        if (n < 0 && error == EPIPE && !was_pending) {
                while (sigtimedwait(&pipe_signal, NULL, &now) < 0 && errno == EINTR)
                        ;
        }
        if (!sigismember(&before, SIGPIPE))
                pthread_sigmask(SIG_SETMASK, &before, NULL);
        errno = error;
        return n;
}

ssize_t quiet_writev(int borrow_fd, const struct iovec *parts, int count)
{
        const struct msghdr message = {
                .msg_iov = (struct iovec *)parts,
                .msg_iovlen = (size_t)count,
        };
        ssize_t n;

        if (count < 0 || count > IOV_MAX) {
                errno = EINVAL;
                return -1;
        }
        n = sendmsg(borrow_fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        return n < 0 && errno == ENOTSOCK ? write_to_pipe(borrow_fd, parts, count) : n;
}
