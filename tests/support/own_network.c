/* A network of a test's own. See own_network.h. */
#include "tests/support/own_network.h"

#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_NETWORK = 77 /* nothing that a test returns */ };

static bool write_file(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

        if (fd >= 0)
                close(fd);
        return done;
}

static bool raise_loopback(void)
{
        struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        bool done = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;

        if (fd >= 0)
                close(fd);
        return done;
}

static bool enter(unsigned port)
{
        char range[32];

        if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
                return false;
        snprintf(range, sizeof(range), "%u %u", port, port);
        return raise_loopback() &&
               (port == 0 || write_file("/proc/sys/net/ipv4/ip_local_port_range", range));
}

int own_network_run(unsigned port, int (*test)(void *data), void *data)
{
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(enter(port) ? test(data) : NO_NETWORK);
        ck_assert_int_gt(pid, 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status), "the test in its own network ended by signal %d",
                      WTERMSIG(status));
        return WEXITSTATUS(status) == NO_NETWORK ? -1 : WEXITSTATUS(status);
}
