/* What becomes of a connection before it has a worker, and at its end. See connection.h. */
#include "daemon/listen/connection.h"

#include "core/cleanup.h"
#include "daemon/listen/connection_store.h"
#include "daemon/listen/listener.h"
#include "daemon/listen/socket_open.h"
#include "daemon/server/server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

Connection *connection_new(Listener *listener, int take_fd)
{
        Connection *connection = calloc(1, sizeof(*connection));

        if (!connection || kept_add_descriptor(&listener->server->kept, listener->lane) < 0) {
                free(connection);
                close(take_fd);
                return NULL;
        }
        connection->listener = listener;
        listener->kept_count++;
        connection->fd = take_fd;
        connection->note_fd = -1;
        connection->number = ++listener->server->connections_total;
        return connection;
}

Connection *connection_restore(Listener *listener, uint64_t number, bool again, int take_fd,
                               int take_note_fd, uint32_t note_size)
{
        Server *server = listener->server;
        Connection *connection;

        if (server->connections_total < number)
                server->connections_total = number;
        connection = connection_new(listener, take_fd);
        if (!connection) {
                if (take_note_fd >= 0)
                        close(take_note_fd);
                return NULL;
        }
        connection->number = number;
        connection->stored = descriptor_store_is_there(&server->store);
        connection->again = again;
        connection->note_fd = take_note_fd;
        connection->note_size = note_size;
        if (take_note_fd >= 0)
                kept_add(&server->kept);
        return connection;
}

Connection *connection_claim(Listener *listener, int take_fd, int take_note_fd, uint32_t note_size)
{
        Connection *connection = calloc(1, sizeof(*connection));

        if (!connection ||
            (take_fd >= 0 && kept_add_descriptor(&listener->server->kept, listener->lane) < 0)) {
                free(connection);
                return NULL;
        }
        connection->listener = listener;
        listener->kept_count += take_fd >= 0;
        connection->fd = take_fd;
        connection->note_fd = take_note_fd;
        connection->note_size = note_size;
        if (take_note_fd >= 0)
                kept_add(&listener->server->kept);
        connection->number = ++listener->server->connections_total;
        return connection;
}

void connection_close_copy(Connection *connection)
{
        Listener *listener = connection->listener;

        if (connection->fd < 0)
                return;
        waiting_end(connection);
        listener->kept_count--;
        kept_close(&listener->server->kept, listener->lane, STEAL_FD(connection->fd));
}

void connection_free(Connection *connection)
{
        Server *server = connection->listener->server;

        loop_event_free(connection->first_bytes);
        connection_close_copy(connection);
        if (connection->note_fd >= 0)
                kept_close_note(&server->kept, connection->note_fd);
        free(connection);
}

int connection_has_first_bytes(int fd)
{
        char byte;
        ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

        if (n > 0)
                return 1;
        /* Nor is it the peer's fault that the kernel has no memory to look. */
        return n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOMEM || errno == ENOBUFS)
                       ? 0
                       : -1;
}

static void take_from_silent(Connection *connection)
{
        Listener *listener = connection->listener;

        TAILQ_REMOVE(&listener->silent, connection, link);
        listener->silent_count--;
        connection->first_bytes = loop_event_free(connection->first_bytes);
}

static void on_first_bytes(evutil_socket_t fd, short what, void *data)
{
        Connection *connection = data;
        Listener *listener = connection->listener;
        int has = what & EV_TIMEOUT ? -1 : connection_has_first_bytes(fd);
        if (has == 0)
                return; /* somebody woke us for nothing: the event and its time limit go on */
        take_from_silent(connection);
        if (what & EV_TIMEOUT)
                listener->timed_out++;
        if (has < 0) {
                connection_free(connection);
        } else {
                balancer_look(listener);
                balancer_place(connection);
        }
        listener_update(listener);
        later_run(&listener->server->loop.later);
}

bool connection_wait_for_first_bytes(Connection *connection)
{
        Listener *listener = connection->listener;
        uint32_t ms = listener->config.silent_ms - socket_deferred_ms(&listener->config);
        const struct timeval limit = {
                .tv_sec = ms / 1000,
                .tv_usec = (suseconds_t)(ms % 1000) * 1000,
        };

        connection->first_bytes = loop_event_new(&listener->server->loop, connection->fd,
                                                 EV_READ | EV_PERSIST, on_first_bytes, connection);
        if (!connection->first_bytes || loop_event_add(connection->first_bytes, &limit) < 0)
                return false;
        TAILQ_INSERT_TAIL(&listener->silent, connection, link);
        listener->silent_count++;
        waiting_begin(connection);
        return true;
}
