/* What the daemon keeps for clients: how many descriptors, and closing them. See server.h. */
#include "core/error.h"
#include "daemon/server/server.h"

#include <errno.h>
#include <unistd.h>

void server_keep(Server *server)
{
        server->kept++;
}

static bool keeps_enough(const Server *server)
{
        return server->kept + server->holds.descriptors >= server->kept_max;
}

bool server_can_keep(Server *server, CloserLane *lane)
{
        return !keeps_enough(server) && !closer_is_behind(&server->closer, lane);
}

int server_check_keep(Server *server, CloserLane *lane)
{
        if (keeps_enough(server))
                return error_set(EDQUOT, "the daemon keeps %u descriptors already: try later",
                                 server->kept_max);
        if (closer_is_behind(&server->closer, lane))
                return error_set(EBUSY, "what was kept before takes long to close: try later");
        return 0;
}

void server_unkeep(Server *server)
{
        bool was_full = keeps_enough(server);

        server->kept--;
        if (was_full)
                listener_update_all(server);
}

int server_keep_descriptor(Server *server, CloserLane *lane)
{
        if (closer_reserve(&server->closer, lane, 1) < 0)
                return error_set(ENOMEM, "no memory to keep a descriptor");
        server_keep(server);
        return 0;
}

void server_close_kept(Server *server, CloserLane *lane, int take_fd)
{
        closer_push_own(&server->closer, lane, take_fd);
        server_unkeep(server);
}

void server_close_note(Server *server, int take_fd)
{
        close(take_fd);
        server_unkeep(server);
}
