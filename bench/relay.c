/*
 * The least that waiting through another process takes: a limit, not a server one would use. One
 * process waits on an epoll set and passes on what it says, a packet for each batch; the other has
 * the connections, and puts them into the same set, which it has from before the fork.
 *
 * A closed connection leaves the set by itself, because only the server has it open.
 */
#include "bench/echo_io.h"
#include "bench/program.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 256 };

typedef struct Event {
        EchoIo *io; /* NULL: the listener */
        uint32_t events;
} Event;

static int set;

static _Noreturn void relay(int fd)
{
        struct epoll_event from[EVENTS_MAX];
        Event to[EVENTS_MAX];

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                int count = program_check(epoll_wait(set, from, EVENTS_MAX, -1), "epoll_wait");

                for (int i = 0; i < count; i++)
                        to[i] = (Event){.io = from[i].data.ptr, .events = from[i].events};
                if (send(fd, to, sizeof(*to) * (size_t)count, MSG_NOSIGNAL) < 0)
                        exit(EXIT_SUCCESS); /* the server has ended */
        }
}

static void add(int fd, EchoIo *io)
{
        struct epoll_event event = {
                .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                .data.ptr = io,
        };

        program_check(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void accept_all(int listener)
{
        int fd;

        while ((fd = echo_accept(listener)) >= 0) {
                EchoIo *io = calloc(1, sizeof(*io));

                if (!io)
                        program_fail("no memory");
                io->fd = fd;
                add(fd, io);
        }
}

static void serve(EchoIo *io, uint32_t events)
{
        EchoState state = echo_io_run(io);

        while (state == ECHO_READS && events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
                state = echo_io_run(io);
        if (state == ECHO_ENDED) {
                /* Not freed: a packet under way may name it. */
                echo_io_close(io);
                *io = (EchoIo){.fd = -1};
        }
}

int main(void)
{
        Event events[EVENTS_MAX];
        int ends[2], listener;
        pid_t pid;

        program_begin("relay");
        set = program_check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
        program_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
        pid = program_check(fork(), "fork");
        if (pid == 0)
                relay(ends[1]);
        close(ends[1]);
        program_say_pid(pid);
        listener = echo_listen(false);
        program_say_address("tcp", listener);
        add(listener, NULL);
        for (;;) {
                ssize_t size = recv(ends[0], events, sizeof(events), 0);

                if (size <= 0)
                        program_fail("the relay has ended");
                for (size_t i = 0; i < (size_t)size / sizeof(*events); i++) {
                        if (!events[i].io)
                                accept_all(listener);
                        else if (events[i].io->fd >= 0)
                                serve(events[i].io, events[i].events);
                }
        }
}
