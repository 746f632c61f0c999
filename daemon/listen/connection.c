/* What becomes of a connection before it has a worker, and at its end. See connection.h. */
#include "daemon/listen/connection.h"

#include "core/cleanup.h"
#include "daemon/listen/connection_store.h"
#include "daemon/listen/keep_look.h"
#include "daemon/listen/listeners.h"
#include "daemon/listen/socket_open.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Without waiting for what is to be sent yet, whatever a worker has left (SO_LINGER): where nobody
 * else has the file, nobody can set that meanwhile. */
static void close_at_once(int take_fd)
{
        const struct linger none = {.l_onoff = 0};

        (void)setsockopt(take_fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
        close(take_fd);
}

bool connection_ask_peer(int borrow_fd, ConnectionPeer *out)
{
        struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
        socklen_t size = sizeof(address);

        out->size = 0;
        if (getpeername(borrow_fd, (struct sockaddr *)&address, &size) < 0)
                return false;
        if (address.ss_family != AF_UNIX && size <= sizeof(out->address)) {
                memcpy(&out->address, &address, size);
                out->size = size;
        }
        return true;
}

static Connection *make(Group *group, int take_fd)
{
        Connection *connection = calloc(1, sizeof(*connection));

        if (!connection ||
            kept_add_descriptor(group->listeners->kept, group->keeper, group->lane) < 0) {
                free(connection);
                close_at_once(take_fd);
                return NULL;
        }
        connection->group = group;
        connection->fd = take_fd;
        connection->note_fd = -1;
        connection->number = ++group->listeners->connections_total;
        return connection;
}

Connection *connection_new(Group *group, int take_fd)
{
        Connection *connection = make(group, take_fd);

        /* While nobody else has it. */
        if (connection)
                connection_ask_peer(take_fd, &connection->peer);
        return connection;
}

Connection *connection_restore(Group *group, uint64_t number, bool again, int take_fd,
                               int take_note_fd, uint32_t note_size)
{
        Listeners *listeners = group->listeners;
        Connection *connection;

        if (listeners->connections_total < number)
                listeners->connections_total = number;
        connection = make(group, take_fd);
        if (!connection) {
                if (take_note_fd >= 0)
                        close(take_note_fd);
                return NULL;
        }
        connection->number = number;
        connection->stored = descriptor_store_is_there(listeners->store);
        connection->again = again;
        if (!again)
                connection_ask_peer(take_fd, &connection->peer);
        connection->note_fd = take_note_fd;
        connection->note_size = note_size;
        if (take_note_fd >= 0)
                kept_add(listeners->kept, group->keeper);
        return connection;
}

Connection *connection_claim(Group *group, int take_fd, int take_note_fd, uint32_t note_size)
{
        Connection *connection = calloc(1, sizeof(*connection));

        if (!connection || (take_fd >= 0 && kept_add_descriptor(group->listeners->kept,
                                                                group->keeper, group->lane) < 0)) {
                free(connection);
                return NULL;
        }
        connection->group = group;
        connection->fd = take_fd;
        connection->note_fd = take_note_fd;
        connection->note_size = note_size;
        if (take_note_fd >= 0)
                kept_add(group->listeners->kept, group->keeper);
        connection->number = ++group->listeners->connections_total;
        return connection;
}

void connection_close_copy(Connection *connection)
{
        Group *group = connection->group;

        if (connection->fd < 0)
                return;
        connection_store_end(connection);
        kept_close(group->listeners->kept, group->keeper, group->lane, STEAL_FD(connection->fd));
}

void connection_free(Connection *connection)
{
        Group *group = connection->group;

        loop_event_free(connection->first_bytes);
        if (connection->look)
                connection->look = keep_look_give_up(connection->look);
        connection_close_copy(connection);
        if (connection->note_fd >= 0)
                kept_close_note(group->listeners->kept, group->keeper, connection->note_fd);
        free(connection);
}

DescriptorKind connection_kind(const Group *group)
{
        return group->bound->kind == ADDRESS_UNIX ? DESCRIPTOR_KIND_UNIX_STREAM
                                                  : DESCRIPTOR_KIND_TCP;
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
        Group *group = connection->group;

        TAILQ_REMOVE(&group->silent, connection, link);
        group->silent_count--;
        connection->first_bytes = loop_event_free(connection->first_bytes);
}

static void on_first_bytes(evutil_socket_t fd, short what, void *data)
{
        Connection *connection = data;
        Group *group = connection->group;
        int has = what & EV_TIMEOUT ? -1 : connection_has_first_bytes(fd);
        if (has == 0)
                return; /* somebody woke us for nothing: the event and its time limit go on */
        take_from_silent(connection);
        if (what & EV_TIMEOUT) {
                group->timed_out++;
                group->listeners->counts.timed_out++;
        }
        if (has < 0) {
                connection_free(connection);
        } else {
                group->heard(connection);
        }
        group_changed(group);
        later_run(&group->listeners->loop->later);
}

bool connection_wait_for_first_bytes(Connection *connection)
{
        Group *group = connection->group;
        uint32_t ms = group->config->silent_ms - socket_deferred_ms(group->config);
        const struct timeval limit = {
                .tv_sec = ms / 1000,
                .tv_usec = (suseconds_t)(ms % 1000) * 1000,
        };

        connection->first_bytes = loop_event_new(group->listeners->loop, connection->fd,
                                                 EV_READ | EV_PERSIST, on_first_bytes, connection);
        if (!connection->first_bytes || loop_event_add(connection->first_bytes, &limit) < 0)
                return false;
        TAILQ_INSERT_TAIL(&group->silent, connection, link);
        group->silent_count++;
        connection_store_begin(connection);
        return true;
}
