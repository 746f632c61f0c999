/*
 * peer_libevent [udp]: an echo server on libevent, at its best: plain events instead of
 * bufferevents, no locks, and time asked for only where a timer needs it.
 */
#include "bench/echo_io.h"
#include "bench/program.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

static struct event_base *base;

typedef struct Connection {
        EchoIo io;
        struct event *event;
        short waits_for;
} Connection;

static void on_ready(evutil_socket_t fd, short events, void *user);

static void wait_for(Connection *connection, short events)
{
        if (connection->waits_for == events)
                return;
        if (connection->event)
                event_free(connection->event);
        connection->waits_for = events;
        connection->event = event_new(base, connection->io.fd, events, on_ready, connection);
        if (!connection->event || event_add(connection->event, NULL) < 0)
                program_fail("no memory");
}

static void on_ready(evutil_socket_t fd, short events, void *user)
{
        Connection *connection = user;
        EchoState state = echo_io_run(&connection->io);

        (void)fd;
        (void)events;
        if (state == ECHO_ENDED) {
                event_free(connection->event);
                echo_io_close(&connection->io);
                free(connection);
        } else {
                wait_for(connection, (state == ECHO_READS ? EV_READ : EV_WRITE) | EV_PERSIST);
        }
}

static void on_connections(evutil_socket_t listener, short events, void *user)
{
        int fd;

        (void)events;
        (void)user;
        while ((fd = echo_accept(listener)) >= 0) {
                Connection *connection = calloc(1, sizeof(*connection));

                if (!connection)
                        program_fail("no memory");
                connection->io.fd = fd;
                wait_for(connection, EV_READ | EV_PERSIST);
        }
}

static void on_datagrams(evutil_socket_t fd, short events, void *user)
{
        (void)events;
        (void)user;
        echo_udp_run(fd);
}

int main(int argc, char **argv)
{
        struct event_config *config = event_config_new();
        bool is_udp = argc == 2 && strcmp(argv[1], "udp") == 0;
        struct event *event;
        int fd;

        program_begin("peer_libevent");
        if (!config || event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) < 0)
                program_fail("no memory");
        base = event_base_new_with_config(config);
        event_config_free(config);
        fd = is_udp ? echo_udp_bind() : echo_listen(false);
        event = base ? event_new(base, fd, EV_READ | EV_PERSIST,
                                 is_udp ? on_datagrams : on_connections, NULL)
                     : NULL;
        if (!event || event_add(event, NULL) < 0)
                program_fail("no memory");
        program_say_address(is_udp ? "udp" : "tcp", fd);
        event_base_dispatch(base);
        program_fail("libevent has ended");
}
