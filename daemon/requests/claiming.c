/* Claim. See claiming.h. */
#include "daemon/requests/claiming.h"

#include "core/error.h"
#include "core/tcp_protocol.h"
#include "daemon/config/authorise.h"
#include "daemon/daemon.h"
#include "daemon/hold/note.h"
#include "daemon/listen/in_hand.h"
#include "daemon/listen/keep_look.h"
#include "daemon/session/session_source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- What can be seen ---------------------------------------------------------------------- */

/* The descriptors of one. */
static size_t count_of(const Iod__ClaimedConnection *claimed)
{
        return !claimed->keep_on_death ? 0 : claimed->note_size > 0 ? 2 : 1;
}

/* The request's descriptors have to be as many as it says. */
static int check_count(const Iod__Claim *claim, const FdList *fds)
{
        size_t expected = 0;

        for (size_t i = 0; i < claim->n_connection; i++)
                expected += count_of(claim->connection[i]);
        if (fds->count == expected)
                return 0;
        return error_set(EBADMSG, "claim takes %zu descriptors here and came with %zu", expected,
                         fds->count);
}

static bool same_option(int borrow_a, int borrow_b, int option, size_t size)
{
        uint64_t a = 0, b = 0;
        socklen_t size_a = (socklen_t)size, size_b = (socklen_t)size;

        return getsockopt(borrow_a, SOL_SOCKET, option, &a, &size_a) == 0 &&
               getsockopt(borrow_b, SOL_SOCKET, option, &b, &size_b) == 0 && a == b;
}

static bool is_tcp(int borrow_fd)
{
        int protocol = 0;
        socklen_t size = sizeof(protocol);

        return getsockopt(borrow_fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
               tcp_protocol_is(protocol);
}

/* Whether a socket is of the listener's network, where addresses mean the same, and of its family
 * and protocol, as everything is that it accepts (what one of MPTCP does may be TCP). Whoever has a
 * network namespace of their own can give a connection any address there. */
static bool is_like(const Listener *listener, int borrow_fd)
{
        return same_option(listener->fd, borrow_fd, SO_NETNS_COOKIE, sizeof(uint64_t)) &&
               same_option(listener->fd, borrow_fd, SO_DOMAIN, sizeof(int)) &&
               (same_option(listener->fd, borrow_fd, SO_PROTOCOL, sizeof(int)) ||
                (is_tcp(listener->fd) && is_tcp(borrow_fd)));
}

static int check_registration(const Listener *listener, const RegistrationInfo *info, IoId id)
{
        if (!info)
                return error_set(ENOENT, "slot %u is not registered", io_id_slot(id));
        if (info->owner)
                return error_set(EEXIST, "slot %u is in hand already", io_id_slot(id));
        if (info->kind != connection_kind(&listener->group))
                return error_set(EINVAL, "slot %u is no connection of listener %.40s",
                                 io_id_slot(id), listener->config.name);
        return 0;
}

/* Of one to be kept: fds are its descriptors. */
static int check_kept(const Daemon *daemon, Session *session, const Listener *listener,
                      const RegistrationInfo *info, const Iod__ClaimedConnection *claimed,
                      const int *borrow_fds)
{
        DescriptorKind kind;
        uint64_t inode;
        int r = descriptor_kind_classify(borrow_fds[0], &kind, &inode);

        if (r == 0 && (kind != info->kind || (!info->unwatched && inode != info->inode)))
                r = error_set(EINVAL, "the descriptor sent along is not that of slot %u",
                              io_id_slot(claimed->id));
        if (r == 0)
                r = authorise(daemon->config->policy, &session->peer, POLICY_HOLD, NULL,
                              listener->config.name);
        if (r == 0 && !is_like(listener, borrow_fds[0]))
                r = error_set(EINVAL, "the descriptor is no connection of listener %.40s",
                              listener->config.name);
        if (r == 0 && claimed->note_size > 0)
                r = note_check(borrow_fds[1], claimed->note_size);
        if (r == 0)
                r = kept_check_room(&daemon->kept, *listener->group.keeper, session->lane, 1);
        return r;
}

/* ---- Claiming ------------------------------------------------------------------------------ */

/* One connection that is registered; first is the place of its descriptors in fds. 0, or -errno
 * with error_text(). */
static int claim_registered(const Daemon *daemon, Session *session, Worker *worker,
                            uint32_t sequence, const Iod__ClaimedConnection *claimed, FdList *fds,
                            size_t first)
{
        IoId id = io_id_unpack(claimed->id);
        RegistrationInfo *info = registration_set_recreate(&session->registrations, id);
        int own[2] = {-1, -1};
        Connection *connection;
        int r = check_registration(listener_of(worker->group), info, id);

        for (size_t i = 0; i < count_of(claimed); i++)
                own[i] = fd_list_borrow(fds, first + i);
        if (r == 0 && claimed->keep_on_death)
                r = check_kept(daemon, session, listener_of(worker->group), info, claimed, own);
        if (r < 0)
                return r;
        connection = connection_claim(worker->group, own[0], own[1],
                                      own[1] >= 0 ? claimed->note_size : 0);
        if (!connection)
                return error_set(ENOMEM, "no memory for another connection");
        for (size_t i = 0; i < count_of(claimed); i++)
                (void)fd_list_steal(fds, first + i);
        r = worker_put_in_hand(worker, connection, info, id);
        if (r < 0) {
                connection_free(connection);
                return r;
        }
        r = claimed->keep_on_death ? keep_look_start(connection, sequence) : 0;
        if (r < 0)
                in_hand_settle_kept(connection, false);
        return r;
}

/* In a direct session nothing is registered beforehand. */
static int claim_one(const Daemon *daemon, Session *session, Worker *worker, uint32_t sequence,
                     const Iod__ClaimedConnection *claimed, FdList *fds, size_t first)
{
        IoId id = io_id_unpack(claimed->id);
        bool is_new = session->is_direct && !registration_set_recreate(&session->registrations, id);
        int r = 0;

        if (is_new)
                r = session_note_io_source(session, id, connection_kind(worker->group));
        if (r == 0) {
                r = claim_registered(daemon, session, worker, sequence, claimed, fds, first);
                if (r < 0 && is_new)
                        registration_set_withdraw(&session->registrations, id);
        }
        if (is_new)
                session_settle_registrations(session);
        return r;
}

int claiming_claim(Daemon *daemon, Session *session, const Iod__Frame *request, FdList *fds)
{
        const Iod__Claim *claim = request->claim;
        Worker *worker = worker_find(session, claim->endpoint);
        char why[ERROR_TEXT_MAX];
        size_t next = 0;
        int first_error = 0;
        int r = check_count(claim, fds);

        if (r < 0)
                return r;
        if (!worker)
                return -error_set(ENOENT, "this session has no endpoint %u", claim->endpoint);
        for (size_t i = 0; i < claim->n_connection; i++) {
                r = claim_one(daemon, session, worker, request->sequence, claim->connection[i], fds,
                              next);
                next += count_of(claim->connection[i]);
                if (r == 0 || first_error < 0)
                        continue;
                first_error = r;
                snprintf(why, sizeof(why), "%s", error_text());
        }
        group_changed(worker->group);
        return first_error < 0 ? -error_set(-first_error, "%s", why) : 0;
}
