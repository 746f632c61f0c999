/* Going into the background. See background.h. */
#include "daemon/process/background.h"

#include "core/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void wait_for_child(int fd)
{
        char byte;
        ssize_t n;

        do
                n = read(fd, &byte, 1);
        while (n < 0 && errno == EINTR);
        /* Without flushing what the child flushes too. */
        _exit(n == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

int background_start(void)
{
        int ends[2];
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        pid = fork();
        if (pid < 0) {
                int r = -errno;

                close(ends[0]);
                close(ends[1]);
                return r;
        }
        if (pid > 0) {
                close(ends[1]);
                wait_for_child(ends[0]);
        }
        close(ends[0]);
        setsid();
        return ends[1];
}

void background_ready(int take_fd)
{
        CLEANUP(cleanup_close) int pipe_end = take_fd;
        CLEANUP(cleanup_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (chdir("/") < 0)
                return;
        if (null >= 0) {
                dup2(null, STDIN_FILENO);
                dup2(null, STDOUT_FILENO);
                dup2(null, STDERR_FILENO);
        }
        while (write(pipe_end, "", 1) < 0 && errno == EINTR)
                ;
}
