/* Connections that wait, and their place in the store. See waiting.h. */
#include "daemon/listen/connection_store.h"

#include "core/error.h"
#include "daemon/listen/listener_record.h"
#include "daemon/server/server.h"

#include <errno.h>

static void arm(Server *server, int ms)
{
        const struct timeval time = {.tv_usec = ms * 1000};

        if (!loop_event_is_added(server->waiting.tick))
                loop_event_add(server->waiting.tick, &time);
}

static void unlist(Connection *connection)
{
        if (connection->unstored)
                TAILQ_REMOVE(&connection->listener->server->waiting.unstored, connection,
                             unstored_link);
        connection->unstored = false;
}

/* Stores up to so many, those that have waited longest. */
static void store_some(Server *server, uint32_t n)
{
        Connection *connection;

        while (n-- > 0 && (connection = TAILQ_FIRST(&server->waiting.unstored)) &&
               server->store.count < server->store.max / 2) {
                unlist(connection);
                connection->stored = listener_record_store_connection(&server->store, connection);
        }
}

static void on_tick(evutil_socket_t fd, short what, void *data)
{
        Server *server = data;

        (void)fd;
        (void)what;
        store_some(server, WAITING_STORES_PER_TICK);
        if (!TAILQ_EMPTY(&server->waiting.unstored))
                arm(server, WAITING_TICK_MS);
}

int waiting_init(Server *server)
{
        TAILQ_INIT(&server->waiting.unstored);
        server->waiting.tick = loop_timer_new(&server->loop, on_tick, server);
        return server->waiting.tick ? 0 : error_set(ENOMEM, "no memory for the loop's events");
}

void waiting_deinit(Server *server)
{
        loop_event_free(server->waiting.tick);
        server->waiting.tick = NULL;
}

void waiting_begin(Connection *connection)
{
        Server *server = connection->listener->server;

        if (!descriptor_store_is_there(&server->store) || connection->stored ||
            connection->unstored || !connection->listener->stored)
                return;
        connection->unstored = true;
        TAILQ_INSERT_TAIL(&server->waiting.unstored, connection, unstored_link);
        arm(server, WAITING_FIRST_TICK_MS);
}

void waiting_end(Connection *connection)
{
        unlist(connection);
        if (connection->stored)
                listener_record_forget_connection(&connection->listener->server->store, connection);
        connection->stored = false;
}

void waiting_store_all(Server *server)
{
        store_some(server, UINT32_MAX);
}
