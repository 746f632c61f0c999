/*
 * Delivering to sessions once the present callback is over, so that none ends while somebody else's
 * event is served. See server.h.
 */
#include "daemon/server/server_parts.h"
#include "daemon/session/session_events.h"

#include <event2/event.h>

enum {
        /* How long to wait when the kernel is short of something. */
        DELIVER_AGAIN_MS = 20,
};

void server_deliver(Session *session)
{
        Server *server = session->server;

        if (session->delivers)
                return;
        session->delivers = true;
        TAILQ_INSERT_TAIL(&server->delivering, session, deliver_link);
        event_active(server->deliver, EV_TIMEOUT, 1);
}

void server_place_queue(Listener *listener)
{
        listener->places = true;
        event_active(listener->server->deliver, EV_TIMEOUT, 1);
}

static void place_queues(Server *server)
{
        Listener *listener;

        TAILQ_FOREACH(listener, &server->listeners, link)
        {
                if (!listener->places)
                        continue;
                listener->places = false;
                balancer_place_queue(listener);
        }
}

void server_end_session(Session *session, int error)
{
        session->failed = error;
        server_deliver(session);
}

void server_deliver_all(Server *server)
{
        Session *session;

        place_queues(server);
        /* Whoever comes to the list meanwhile has been given something by one that ended: each can
         * do that once. */
        while ((session = TAILQ_FIRST(&server->delivering))) {
                TAILQ_REMOVE(&server->delivering, session, deliver_link);
                session->delivers = false;
                session_deliver(session);
        }
}

static void on_deliver(evutil_socket_t fd, short what, void *data)
{
        Server *server = data;

        (void)fd;
        (void)what;
        turn_begin(&server->turn);
        server_deliver_all(server);
}

void server_deliver_later(Server *server)
{
        const struct timeval moment = {.tv_usec = DELIVER_AGAIN_MS * 1000};

        if (!evtimer_pending(server->deliver_again, NULL))
                server_arm(server, server->deliver_again, &moment);
}

void server_deliver_due(Server *server)
{
        Session *session;

        TAILQ_FOREACH(session, &server->sessions, link)
        {
                if (delivery_is_due(session))
                        server_deliver(session);
        }
}

static void on_deliver_again(evutil_socket_t fd, short what, void *data)
{
        Server *server = data;

        (void)fd;
        (void)what;
        turn_begin(&server->turn);
        server_deliver_due(server);
}

int server_delivery_make_events(Server *server)
{
        server->deliver = event_new(server->base, -1, 0, on_deliver, server);
        server->deliver_again = evtimer_new(server->base, on_deliver_again, server);
        return server->deliver && server->deliver_again ? 0 : -1;
}
