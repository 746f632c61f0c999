/*
 * peer_epoll level|edge|udp: an echo server straight on epoll. Level-triggered it asks for what it
 * waits for; edge-triggered everything is asked for once.
 */
#include "bench/echo_io.h"
#include "bench/program.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { EVENTS_MAX = 1024 };

static int set;
static bool is_edge;

typedef struct Connection {
        EchoIo io;
        uint32_t interest;
} Connection;

static void ask_for(Connection *connection, uint32_t interest)
{
        struct epoll_event event = {.events = interest, .data.ptr = connection};
        int what = connection->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

        if (connection->interest == interest)
                return;
        connection->interest = interest;
        program_check(epoll_ctl(set, what, connection->io.fd, &event), "epoll_ctl");
}

static void accept_all(int listener)
{
        int fd;

        while ((fd = echo_accept(listener)) >= 0) {
                Connection *connection = calloc(1, sizeof(*connection));

                if (!connection)
                        program_fail("no memory");
                connection->io.fd = fd;
                ask_for(connection, is_edge ? EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET : EPOLLIN);
        }
}

static void serve(Connection *connection, uint32_t events)
{
        EchoState state = echo_io_run(&connection->io);

        /* The end may have come with the last bytes: then there is no edge for it. */
        while (is_edge && state == ECHO_READS && events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
                state = echo_io_run(&connection->io);
        if (state == ECHO_ENDED) {
                echo_io_close(&connection->io);
                free(connection);
        } else if (!is_edge) {
                ask_for(connection, state == ECHO_READS ? EPOLLIN : EPOLLOUT);
        }
}

int main(int argc, char **argv)
{
        struct epoll_event events[EVENTS_MAX] = {{.events = EPOLLIN}};
        const char *how = argc == 2 ? argv[1] : "";
        bool is_udp = strcmp(how, "udp") == 0;
        int fd, count;

        program_begin("peer_epoll");
        is_edge = strcmp(how, "edge") == 0;
        if (!is_udp && !is_edge && strcmp(how, "level") != 0)
                program_fail("level, edge or udp?");
        set = program_check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
        fd = is_udp ? echo_udp_bind() : echo_listen(false);
        program_check(epoll_ctl(set, EPOLL_CTL_ADD, fd, &events[0]), "epoll_ctl");
        program_say_address(is_udp ? "udp" : "tcp", fd);
        for (;;) {
                count = program_check(epoll_wait(set, events, EVENTS_MAX, -1), "epoll_wait");
                for (int i = 0; i < count; i++) {
                        if (events[i].data.ptr)
                                serve(events[i].data.ptr, events[i].events);
                        else if (is_udp)
                                echo_udp_run(fd);
                        else
                                accept_all(fd);
                }
        }
}
