/*
 * Timers that have to be armed. A timer that is not pending takes memory to arm, and one that is
 * not armed is waited for in vain; so all who wait for one look again instead. See server.h.
 */
#include "daemon/process/log.h"
#include "daemon/server/server_parts.h"

#include <event2/event.h>
#include <sys/eventfd.h>

void server_arm(Server *server, struct event *timer, const struct timeval *time)
{
        if (event_add(timer, time) == 0)
                return;
        log_daemon(LOG_WARNING, "no memory for a timer: looking again at once");
        server->looks_again = true;
        eventfd_write(server->driver.wake_fd, 1);
}

void server_look_again(Server *server)
{
        Listener *listener;

        if (!server->looks_again)
                return;
        server->looks_again = false;
        server_accept_look_again(server);
        server_deliver_due(server);
        TAILQ_FOREACH(listener, &server->listeners, link)
        listener_look_again(listener);
}
