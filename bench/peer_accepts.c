/*
 * peer_accepts reuseport|exclusive N: N processes that accept from one address by themselves, each
 * with a listener of its own (SO_REUSEPORT), or all with the same, of which the kernel wakes one
 * for each connection (EPOLLEXCLUSIVE). Each connection is answered and closed.
 *
 * At its best: what was accepted is tried first, and waited for only if nothing is there yet.
 */
#include "bench/echo_io.h"
#include "bench/program.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        MESSAGE_SIZE = 64,
        EVENTS_MAX = 256,
        WORKERS_MAX = 64,
};

static int set;

/* False: there is nothing to read yet. */
static bool answer(int take_fd)
{
        char message[MESSAGE_SIZE];
        ssize_t size = read(take_fd, message, MESSAGE_SIZE);

        if (size < 0 && errno == EAGAIN)
                return false;
        /* There is room for it: the connection is new. */
        if (size == MESSAGE_SIZE && write(take_fd, message, MESSAGE_SIZE) < 0 && errno == EAGAIN)
                program_fail("no room for an answer");
        close(take_fd);
        return true;
}

static void add(int fd, uint32_t events)
{
        struct epoll_event event = {.events = events, .data.fd = fd};

        program_check(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static _Noreturn void serve(int listener)
{
        struct epoll_event events[EVENTS_MAX];
        int fd;

        set = program_check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
        add(listener, EPOLLIN | EPOLLEXCLUSIVE);
        for (;;) {
                int count = program_check(epoll_wait(set, events, EVENTS_MAX, -1), "epoll_wait");

                for (int i = 0; i < count; i++) {
                        if (events[i].data.fd != listener) {
                                answer(events[i].data.fd);
                                continue;
                        }
                        while ((fd = echo_accept(listener)) >= 0) {
                                if (!answer(fd))
                                        add(fd, EPOLLIN);
                        }
                }
        }
}

/* One more listener at the address of this one. */
static int listen_beside(int listener)
{
        int fd = program_check(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                               "a socket");
        struct sockaddr_in address;
        socklen_t size = sizeof(address);
        const int on = 1;

        program_check(getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
        program_check(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), "SO_REUSEPORT");
        program_check(bind(fd, (struct sockaddr *)&address, size), "bind");
        program_check(listen(fd, SOMAXCONN), "listen");
        return fd;
}

int main(int argc, char **argv)
{
        int listeners[WORKERS_MAX];
        bool is_reuseport;
        unsigned count;

        program_begin("peer_accepts");
        if (argc != 3 || (strcmp(argv[1], "reuseport") != 0 && strcmp(argv[1], "exclusive") != 0))
                program_fail("takes reuseport or exclusive, and how many");
        is_reuseport = strcmp(argv[1], "reuseport") == 0;
        count = (unsigned)program_number(argv[2], 1, WORKERS_MAX);
        listeners[0] = echo_listen(is_reuseport);
        /* All of them before anybody connects: each has its share of the connections. */
        for (unsigned i = 1; i < count; i++)
                listeners[i] = is_reuseport ? listen_beside(listeners[0]) : listeners[0];
        for (unsigned i = 1; i < count; i++) {
                pid_t pid = program_check(fork(), "fork");

                if (pid == 0) {
                        prctl(PR_SET_PDEATHSIG, SIGKILL);
                        serve(listeners[i]);
                }
                program_say_pid(pid);
        }
        program_say_address("tcp", listeners[0]);
        serve(listeners[0]);
}
