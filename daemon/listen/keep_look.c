/* Looking at what is to be kept, on threads. See keep_look.h. */
#include "daemon/listen/keep_look.h"

#include "core/error.h"
#include "daemon/listen/in_hand.h"
#include "daemon/session/answer.h"
#include "daemon/session/session_source.h"
#include "daemon/session/sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct KeepLook {
        BlockingTask task;      /* first */
        Connection *connection; /* NULL: nobody wants to know any more */
        uint32_t sequence;
        int number;    /* of the connection's descriptor */
        Address bound; /* the listener's */
        bool v6_only;
        bool is_connected;
        bool is_there; /* where the listener is */
        ConnectionPeer peer;
};

/* ---- What is seen -------------------------------------------------------------------------- */

/* The address of a socket's own end. 0 or -1. */
static int find_local(int borrow_fd, AddressKind kind, Address *out)
{
        struct sockaddr_storage address;
        socklen_t size = sizeof(address);

        if (getsockname(borrow_fd, (struct sockaddr *)&address, &size) < 0)
                return -1;
        return address_from_socket(kind, (struct sockaddr *)&address, size, out);
}

static bool is_any(const Address *address)
{
        const struct sockaddr_in6 *v6 = &address->socket_address.v6;

        return address->socket_address.any.sa_family == AF_INET6
                       ? IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr)
                       : address->socket_address.v4.sin_addr.s_addr == INADDR_ANY;
}

/* Whether a connection's own end is where the listener is. */
static bool is_at(const KeepLook *look)
{
        const Address *bound = &look->bound;
        Address local;

        if (find_local(look->number, bound->kind, &local) < 0)
                return false;
        if (bound->kind == ADDRESS_TCP && is_any(bound))
                return bound->port == local.port &&
                       !(look->v6_only && local.socket_address.any.sa_family == AF_INET);
        return bound->size == local.size &&
               memcmp(&bound->socket_address, &local.socket_address, bound->size) == 0;
}

/* On a thread. It may be one that the worker made to the listener itself: such a one it could have
 * got in the ordinary way, too. */
static void run(BlockingTask *task)
{
        KeepLook *look = (KeepLook *)task;

        look->is_connected = connection_ask_peer(look->number, &look->peer);
        look->is_there = is_at(look);
}

/* ---- What comes of it ---------------------------------------------------------------------- */

static int judge(const KeepLook *look)
{
        if (!look->is_connected)
                return error_set(ENOTCONN, "a connection to be kept is connected: it has ended");
        if (!look->is_there)
                return error_set(EINVAL, "the descriptor is no connection of listener %.40s",
                                 look->connection->group->config->name);
        return 0;
}

/* What a direct session has not in hand, nobody waits for. */
static void forget_unwatched(Session *session, IoId id)
{
        const RegistrationInfo *info = registration_set_recreate(&session->registrations, id);

        if (!info || !info->unwatched || info->owner)
                return;
        registration_set_withdraw(&session->registrations, id);
        session_settle_registrations(session);
}

static void settle(const KeepLook *look)
{
        Connection *connection = look->connection;
        Session *session = connection->worker ? connection->worker->session : NULL;
        IoId id = io_id_unpack(connection->source);
        int r = judge(look);

        connection->peer = look->peer;
        in_hand_settle_kept(connection, r == 0);
        if (r == 0 || !session || session->closed || session->ended)
                return;
        forget_unwatched(session, id);
        if (answer_refused(session, look->sequence, IOD__FRAME__BODY_CLAIM, r) < 0)
                session_fail(session, 0, error_set(ENOMEM, "no memory to go on"));
}

static void on_done(BlockingTask *task, int error)
{
        KeepLook *look = (KeepLook *)task;
        Connection *connection = look->connection;

        if (connection)
                connection->look = NULL;
        if (connection && error == 0)
                settle(look);
        free(look);
}

int keep_look_start(Connection *connection, uint32_t sequence)
{
        const Listener *listener = listener_of(connection->group);
        Listeners *listeners = connection->group->listeners;
        KeepLook *look = calloc(1, sizeof(*look));
        int r;

        if (!look)
                return error_set(ENOMEM, "no memory to look at a connection");
        *look = (KeepLook){
                .task = {.run = run, .done = on_done},
                .connection = connection,
                .sequence = sequence,
                .number = connection->fd,
                .v6_only = listener->config.v6_only,
        };
        /* The daemon's alone: it answers. */
        if (find_local(listener->fd, listener->bound.kind, &look->bound) < 0)
                r = error_set(ENOTCONN, "listener %.40s has no socket now", listener->config.name);
        else
                r = blocking_pool_spawn(listeners->blocking, connection->worker->session->peer.uid,
                                        &look->task);
        if (r < 0) {
                free(look);
                return r;
        }
        connection->look = look;
        return 0;
}

KeepLook *keep_look_give_up(KeepLook *look)
{
        look->connection = NULL;
        return NULL;
}
