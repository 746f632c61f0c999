/* Sending connections to workers. See passing.h. */
#include "daemon/listen/passing.h"

#include "core/error.h"
#include "daemon/listen/connection_store.h"
#include "daemon/listen/in_hand.h"
#include "daemon/process/log.h"
#include "daemon/session/session_source.h"
#include "daemon/session/sessions.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A packet being put together. */
typedef struct Packet {
        size_t count;
        size_t n_fds;
        bool lacks_room; /* not all could be registered */
        Connection *connections[PASSING_PACKET_MAX];
        Iod__Connection entries[PASSING_PACKET_MAX];
        Iod__Connection *pointers[PASSING_PACKET_MAX];
        char addresses[PASSING_PACKET_MAX][ADDRESS_TEXT_MAX];
        int fds[PASSING_DESCRIPTORS_MAX]; /* borrowed */
} Packet;

bool passing_is_due(const Outgoing *outgoing)
{
        const Worker *worker = (const Worker *)outgoing;

        return worker->not_taken == 0 && !TAILQ_EMPTY(&worker->assigned);
}

static void describe_peer(const Connection *connection, char text[static ADDRESS_TEXT_MAX])
{
        const AddressKind kind = connection->group->bound->kind;
        struct sockaddr_un peer;
        const struct sockaddr *known = &connection->peer.address.any;
        socklen_t size = connection->peer.size;
        Address address;

        *text = '\0';
        /* One that has gone has no address any more; its descriptor says so soon enough. A Unix one
         * answers, whoever has it. */
        if (kind == ADDRESS_UNIX) {
                known = (const struct sockaddr *)&peer;
                size = sizeof(peer);
                if (getpeername(connection->fd, (struct sockaddr *)&peer, &size) < 0)
                        size = 0;
        }
        if (size > 0 && address_from_socket(kind, known, size, &address) == 0)
                address_format(&address, text);
}

static void packet_add(Packet *packet, Connection *connection)
{
        size_t i = packet->count++;
        Iod__Connection *entry = &packet->entries[i];

        packet->connections[i] = connection;
        packet->pointers[i] = entry;
        *entry = (Iod__Connection)IOD__CONNECTION__INIT;
        entry->id = io_id_unpack(connection->source);
        describe_peer(connection, packet->addresses[i]);
        entry->address = packet->addresses[i];
        entry->again = connection->again;
        entry->note_size = connection->note_size;
        packet->fds[packet->n_fds++] = connection->fd;
        if (connection->note_fd >= 0)
                packet->fds[packet->n_fds++] = connection->note_fd;
}

/* The same slot twice in a packet: the second would take the first's place. */
static bool has_slot(const Packet *packet, uint64_t source)
{
        for (size_t i = 0; i < packet->count; i++) {
                if (io_id_slot(packet->entries[i].id) == io_id_slot(io_id_unpack(source)))
                        return true;
        }
        return false;
}

static int register_connection(const Packet *packet, const Connection *connection)
{
        Session *session = connection->worker->session;
        IoId id = io_id_unpack(connection->source);

        if (has_slot(packet, connection->source))
                return error_set(EEXIST, "slot %u was offered for two connections at once",
                                 io_id_slot(id));
        /* Also by this connection's file, which another worker may have had and given away. */
        if (registration_set_recreate(&session->registrations, id))
                return error_set(EEXIST, "slot %u was offered and is registered", io_id_slot(id));
        return session->is_direct
                       ? session_note_io_source(session, id, connection_kind(connection->group))
                       : session_add_io_source(session, connection->fd, connection->source);
}

/* Whether it is the offered id that is wrong, and not that something has run out. */
static bool is_about_id(const Session *session, uint64_t source, int error)
{
        return error == -EINVAL || error == -ESTALE || error == -EEXIST ||
               io_id_slot(io_id_unpack(source)) >= session->registrations.limit;
}

/* Takes what is assigned, and registers it. What the session has no room for goes to others, and
 * what has an id that cannot be used, of which the client is told. -ENOMEM: it cannot be. */
static int packet_fill(Packet *packet, Worker *worker)
{
        Session *session = worker->session;
        Connection *connection, *next;
        int told = 0;

        packet->count = packet->n_fds = 0;
        packet->lacks_room = false;
        for (connection = TAILQ_FIRST(&worker->assigned);
             connection && packet->count < PASSING_PACKET_MAX && told == 0 && !packet->lacks_room;
             connection = next) {
                int r = register_connection(packet, connection);

                next = TAILQ_NEXT(connection, link);
                if (r == 0) {
                        packet_add(packet, connection);
                } else if (is_about_id(session, connection->source, r)) {
                        told = answer_refused_source(session, connection->source, r);
                        worker_unassign(connection);
                } else {
                        log_session(LOG_NOTICE, &session->peer, "rests from connections: %s",
                                    error_text());
                        packet->lacks_room = true;
                }
        }
        if (!session->is_direct)
                io_driver_end_batch(session->sessions->driver);
        session_settle_registrations(session);
        return told;
}

static void packet_take_back(const Packet *packet, Session *session)
{
        for (size_t i = 0; i < packet->count; i++) {
                const Connection *connection = packet->connections[i];

                session_withdraw_io_source(session, connection->fd,
                                           io_id_unpack(connection->source));
        }
}

/* 0, NOTIFIER_WAITING or -errno. */
static int packet_send(Packet *packet, Worker *worker)
{
        Session *session = worker->session;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Connections connections = IOD__CONNECTIONS__INIT;
        int r;

        connections.endpoint = worker->endpoint;
        connections.n_connection = packet->count;
        connections.connection = packet->pointers;
        connections.unregistered = session->is_direct;
        frame.body_case = IOD__FRAME__BODY_CONNECTIONS;
        frame.connections = &connections;
        /* Before they are sent: killed in between, the daemon loses them, and the other way round
         * two would serve them. */
        for (size_t i = 0; i < packet->count; i++)
                connection_store_end(packet->connections[i]);
        r = delivery_send_descriptors(session, &frame, packet->fds, (uint32_t)packet->n_fds);
        if (r != 0) {
                packet_take_back(packet, session);
                for (size_t i = 0; i < packet->count; i++)
                        connection_store_begin(packet->connections[i]);
                return r;
        }
        for (size_t i = 0; i < packet->count; i++)
                worker_passed(packet->connections[i]);
        return 0;
}

int passing_send(Outgoing *outgoing)
{
        Worker *worker = (Worker *)outgoing;
        Packet packet;
        int r = packet_fill(&packet, worker);

        if (r == 0 && packet.count > 0)
                r = packet_send(&packet, worker);
        if (packet.lacks_room)
                worker_rest(worker);
        group_changed(worker->group);
        return r;
}
