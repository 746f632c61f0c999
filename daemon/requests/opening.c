/* Connect, Bind, TakeListener. See opening.h. */
#include "daemon/requests/opening.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/config/authorise.h"
#include "daemon/connect/connector.h"
#include "daemon/connect/near_address.h"
#include "daemon/daemon.h"
#include "daemon/listen/listener_socket.h"
#include "daemon/listen/socket_open.h"
#include "daemon/requests/named_listener.h"
#include "daemon/requests/waiting_request.h"
#include "daemon/session/answer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Connect ------------------------------------------------------------------------------- */

static Connect *connect_free(Connect *connect)
{
        Session *session = connect->session;

        TAILQ_REMOVE(&session->connects, connect, link);
        connect->daemon->connects--;
        quota_discharge(session->user, QUOTA_CONNECTS, 1);
        for (int i = 0; i < CONNECTOR_SOCKETS_MAX; i++)
                kept_remove(&connect->daemon->kept, &session->user->kept);
        free(connect);
        return NULL;
}

/* A name that is allowed may be answered for by anybody: it does not allow what is on this machine
 * or beside it. */
static int is_allowed(void *data, const Address *address)
{
        Connect *connect = data;
        int r = connect->by_address ? 1 : near_address_check(address);

        if (r > 0)
                r = authorise(connect->daemon->config->policy, &connect->session->peer,
                              POLICY_CONNECT, address, NULL);
        connect->refused = r < 0;
        return r;
}

static void on_connected(void *data, int take_fd, const Address *peer)
{
        Connect *connect = data;
        Session *session = connect->session;
        int r;

        if (take_fd >= 0)
                r = answer_opened(session, connect->sequence, take_fd, connect->source, peer);
        else
                r = connect->refused ? answer_refused(session, connect->sequence,
                                                      IOD__FRAME__BODY_CONNECT, take_fd)
                                     : answer_failed(session, connect->sequence,
                                                     IOD__FRAME__BODY_CONNECT, take_fd);
        /* The end of the session, if need be, waits until the connector has returned. */
        connect_free(connect);
        if (r < 0)
                session_fail(session, 0, error_set(ENOMEM, "no memory to go on"));
}

/* Whether it may be asked for at all. *by_address: only if what it resolves to may. */
static int check_connect(const Daemon *daemon, const Session *session, const Iod__Connect *request,
                         const Address *address, bool *by_address)
{
        *by_address = false;
        if (address->kind == ADDRESS_UNIX)
                return error_set(EAFNOSUPPORT,
                                 "connecting to unix: would lend the daemon's identity: do it "
                                 "yourself");
        if (address->kind == ADDRESS_UDP)
                return error_set(EAFNOSUPPORT, "udp: is bound, not connected to: use bind");
        if (request->timeout_ms > CONNECTOR_TIMEOUT_MAX_MS)
                return error_set(EINVAL, "a connect takes at most %d ms", CONNECTOR_TIMEOUT_MAX_MS);
        if (address->host_is == ADDRESS_NAME &&
            authorise_quietly(daemon->config->policy, &session->peer, POLICY_CONNECT, address,
                              NULL) < 0) {
                *by_address = true;
                return 0;
        }
        return authorise(daemon->config->policy, &session->peer, POLICY_CONNECT, address, NULL);
}

static int start_connect(Daemon *daemon, Session *session, const Iod__Frame *frame,
                         const Address *address, bool by_address)
{
        const Iod__Connect *request = frame->connect;
        Connect *connect = calloc(1, sizeof(*connect));
        int r;

        if (!connect)
                return error_set(ENOMEM, "no memory for another connect");
        r = quota_charge(session->user, QUOTA_CONNECTS, 1);
        if (r < 0) {
                free(connect);
                return r;
        }
        connect->daemon = daemon;
        connect->session = session;
        connect->sequence = frame->sequence;
        connect->source = request->source;
        connect->by_address = by_address;
        TAILQ_INSERT_TAIL(&session->connects, connect, link);
        daemon->connects++;
        for (int i = 0; i < CONNECTOR_SOCKETS_MAX; i++)
                kept_add(&daemon->kept, &session->user->kept);
        r = connector_start(daemon->connector, session->peer.uid, address,
                            request->timeout_ms ? request->timeout_ms : CONNECTOR_TIMEOUT_MS,
                            address->host_is == ADDRESS_NAME ? is_allowed : NULL, on_connected,
                            connect, &connect->connecting);
        if (r < 0)
                connect_free(connect);
        return r;
}

int opening_serve_connect(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        Address address;
        bool by_address;
        int r;

        r = address_parse(request->connect->address, &address);
        if (r == 0)
                r = check_connect(daemon, session, request->connect, &address, &by_address);
        if (r == 0)
                r = kept_check_room(&daemon->kept, session->user->kept, session->lane,
                                    CONNECTOR_SOCKETS_MAX);
        if (r == 0)
                r = start_connect(daemon, session, request, &address, by_address);
        return -r;
}

bool opening_cancel(Session *session, uint32_t sequence)
{
        Connect *connect;

        TAILQ_FOREACH(connect, &session->connects, link)
        {
                if (connect->sequence == sequence) {
                        connector_cancel(connect->connecting);
                        connect_free(connect);
                        return true;
                }
        }
        return false;
}

void opening_cancel_all(Session *session)
{
        Connect *connect;

        while ((connect = TAILQ_FIRST(&session->connects))) {
                connector_cancel(connect->connecting);
                connect_free(connect);
        }
}

/* ---- Bind and TakeListener ----------------------------------------------------------------- */

int opening_serve_bind(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        Address address, bound;
        int fd, r;

        r = address_parse(request->bind->address, &address);
        if (r == 0 && address.kind != ADDRESS_UDP)
                r = error_set(EINVAL, "bind takes udp: addresses: join or take a listener");
        if (r == 0 && address.host_is == ADDRESS_NAME)
                r = error_set(EINVAL, "bind takes a number or *, not the name %.40s", address.host);
        if (r == 0)
                r = authorise(daemon->config->policy, &session->peer, POLICY_BIND, &address, NULL);
        if (r == 0)
                r = kept_check_room(&daemon->kept, session->user->kept, session->lane, 1);
        if (r < 0)
                return -r;
        fd = socket_open_udp(&address, &bound);
        if (fd < 0)
                return -fd;
        return answer_opened(session, request->sequence, fd, request->bind->source, &bound);
}

static Worker *find_taker(const Session *session, const Listener *listener)
{
        Worker *worker;

        TAILQ_FOREACH(worker, &session->workers, session_link)
        {
                if (worker->group == &listener->group && worker->is_taker)
                        return worker;
        }
        return NULL;
}

int opening_serve_take_listener(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const Iod__TakeListener *take = request->take_listener;
        Listener *listener;
        Worker *taker;
        int fd, r;

        r = kept_check_room(&daemon->kept, session->user->kept, session->lane, 1);
        if (r == 0)
                r = named_listener_find(daemon, session, take->name, take->address, false,
                                        take->options, &listener);
        if (r < 0)
                return -r;
        fd = r > 0 ? -EINPROGRESS : listener_socket_give_out(listener, session->peer.uid);
        if (fd == -EINPROGRESS)
                return waiting_request_keep(daemon, session, request, listener,
                                            r == NAMED_LISTENER_OPENS);
        r = fd < 0 ? fd : 0;
        /* The listener stays open at least as long as this session. */
        if (r == 0 && !find_taker(session, listener))
                r = worker_join(&listener->group, session, true, &taker);
        if (r < 0) {
                if (fd >= 0)
                        close(fd); /* the listener has it open */
                listener_close_unused(listener);
                return -r;
        }
        return answer_opened(session, request->sequence, fd, take->source, &listener->bound);
}
