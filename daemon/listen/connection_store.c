/* Connections that wait, and their place in the store. See connection_store.h. */
#include "daemon/listen/connection_store.h"

#include "core/error.h"
#include "daemon/listen/connection.h"
#include "daemon/listen/listener_record.h"
#include "daemon/listen/listeners.h"

#include <errno.h>

static void arm(Listeners *listeners, int ms)
{
        const struct timeval time = {.tv_usec = ms * 1000};

        if (!loop_event_is_added(listeners->waiting.tick))
                loop_event_add(listeners->waiting.tick, &time);
}

static void unlist(Connection *connection)
{
        if (connection->unstored)
                TAILQ_REMOVE(&connection->group->listeners->waiting.unstored, connection,
                             unstored_link);
        connection->unstored = false;
}

/* Stores up to so many, those that have waited longest. */
static void store_some(Listeners *listeners, uint32_t n)
{
        Connection *connection;

        while (n-- > 0 && (connection = TAILQ_FIRST(&listeners->waiting.unstored)) &&
               listeners->store->count < listeners->store->max / 2) {
                unlist(connection);
                connection->stored = listener_record_store_connection(listeners->store, connection);
        }
}

static void on_tick(evutil_socket_t fd, short what, void *data)
{
        Listeners *listeners = data;

        (void)fd;
        (void)what;
        store_some(listeners, CONNECTION_STORE_STORES_PER_TICK);
        if (!TAILQ_EMPTY(&listeners->waiting.unstored))
                arm(listeners, CONNECTION_STORE_TICK_MS);
}

int connection_store_open(Listeners *listeners)
{
        TAILQ_INIT(&listeners->waiting.unstored);
        listeners->waiting.tick = loop_timer_new(listeners->loop, on_tick, listeners);
        return listeners->waiting.tick ? 0 : error_set(ENOMEM, "no memory for the loop's events");
}

void connection_store_close(Listeners *listeners)
{
        loop_event_free(listeners->waiting.tick);
        listeners->waiting.tick = NULL;
}

void connection_store_begin(Connection *connection)
{
        Listeners *listeners = connection->group->listeners;

        if (!descriptor_store_is_there(listeners->store) || connection->stored ||
            connection->unstored || !connection->group->stored)
                return;
        connection->unstored = true;
        TAILQ_INSERT_TAIL(&listeners->waiting.unstored, connection, unstored_link);
        arm(listeners, CONNECTION_STORE_FIRST_TICK_MS);
}

void connection_store_end(Connection *connection)
{
        unlist(connection);
        if (connection->stored)
                listener_record_forget_connection(connection->group->listeners->store, connection);
        connection->stored = false;
}

void connection_store_all(Listeners *listeners)
{
        store_some(listeners, UINT32_MAX);
}
