/* Connecting by oneself, on epoll. See connects.h. */
#include "bench/connects.h"
#include "bench/program.h"
#include "examples/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static int set;
static int fds[CONNECTS_AT_ONCE];

static void begin(unsigned place, const char *text)
{
        struct epoll_event event = {.events = EPOLLOUT, .data.u32 = place};
        Address address;
        int fd;

        if (!address_parse(text, &address))
                program_fail("\"%s\" is no address", text);
        fd = program_check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                           "a socket");
        if (connect(fd, (struct sockaddr *)&address.storage, address.size) < 0 &&
            errno != EINPROGRESS)
                program_check(-1, "connect");
        program_check(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
        fds[place] = fd;
}

static void turn(void)
{
        struct epoll_event events[CONNECTS_AT_ONCE];
        int count = program_check(epoll_wait(set, events, CONNECTS_AT_ONCE, -1), "epoll_wait");

        for (int i = 0; i < count; i++) {
                socklen_t size = sizeof(int);
                int error;

                program_check(
                        getsockopt(fds[events[i].data.u32], SOL_SOCKET, SO_ERROR, &error, &size),
                        "SO_ERROR");
                if (error != 0)
                        program_fail("connect: %s", strerror(error));
                connects_done(events[i].data.u32);
        }
}

static int fd_of(unsigned place)
{
        return fds[place];
}

static void close_place(unsigned place)
{
        close(fds[place]);
}

int main(int argc, char **argv)
{
        static const ConnectsMethod method = {
                .begin = begin,
                .turn = turn,
                .fd_of = fd_of,
                .close = close_place,
        };

        program_begin("peer_connects");
        set = program_check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
        connects_run(&method, argc, argv);
        return 0;
}
