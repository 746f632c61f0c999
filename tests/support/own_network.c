/* A network of a test's own. See own_network.h. */
#include "tests/support/own_network.h"

#include "tests/support/fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
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

/* A name of the loopback that has no address yet. */
static void name_alias(struct ifreq *request)
{
        static int aliases;

        snprintf(request->ifr_name, sizeof(request->ifr_name), "lo:%d", ++aliases);
}

static int add_v4(int borrow_fd, struct in_addr number, unsigned prefix_length)
{
        struct ifreq request = {.ifr_flags = 0};
        struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;

        name_alias(&request);
        address->sin_family = AF_INET;
        address->sin_addr = number;
        if (ioctl(borrow_fd, SIOCSIFADDR, &request) < 0)
                return -errno;
        address->sin_addr.s_addr = htonl((uint32_t)(UINT64_C(0xffffffff) << (32 - prefix_length)));
        return ioctl(borrow_fd, SIOCSIFNETMASK, &request) < 0 ? -errno : 0;
}

static int add_v6(int borrow_fd, const struct in6_addr *number, unsigned prefix_length)
{
        /* As the kernel has it: its header and the C library's go together badly. */
        struct {
                struct in6_addr address;
                uint32_t prefix_length;
                int index;
        } request = {*number, prefix_length, (int)if_nametoindex("lo")};

        return ioctl(borrow_fd, SIOCSIFADDR, &request) < 0 ? -errno : 0;
}

int own_network_add_address(const char *number, unsigned prefix_length)
{
        struct in6_addr v6;
        struct in_addr v4;
        bool is_v4 = inet_pton(AF_INET, number, &v4) == 1;
        int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

        if (fd < 0)
                return -errno;
        if (is_v4)
                r = add_v4(fd, v4, prefix_length);
        else
                r = inet_pton(AF_INET6, number, &v6) == 1 ? add_v6(fd, &v6, prefix_length)
                                                          : -EINVAL;
        close(fd);
        return r;
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
