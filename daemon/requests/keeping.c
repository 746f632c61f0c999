/* Hold and TakeHeld. See keeping.h. */
#include "daemon/requests/keeping.h"

#include "core/error.h"
#include "daemon/config/authorise.h"
#include "daemon/daemon.h"
#include "daemon/hold/held_answer.h"
#include "daemon/hold/note.h"
#include "daemon/listen/in_hand.h"
#include "daemon/session/answer.h"

#include <errno.h>

/* The request's descriptors have to be as many as it says. */
static int check_count(const Iod__Hold *hold, const FdList *fds)
{
        size_t expected = (hold->id == 0) + (hold->note_size > 0);

        if (fds->count == expected)
                return 0;
        return error_set(EBADMSG, "hold takes %zu descriptors here and came with %zu", expected,
                         fds->count);
}

static int keep_connection(Daemon *daemon, Session *session, const Iod__Hold *hold, FdList *fds)
{
        const RegistrationInfo *info =
                registration_set_recreate(&session->registrations, io_id_unpack(hold->id));
        Connection *connection = info ? worker_connection(info) : NULL;
        int r = 0;

        if (!connection)
                return error_set(ENOENT, "slot %u is no connection of a shared listener",
                                 io_id_slot(hold->id));
        if (!connection->keep)
                r = authorise(daemon->config->policy, &session->peer, POLICY_HOLD, NULL,
                              connection->group->config->name);
        if (r == 0 && hold->note_size > 0)
                r = note_check(fd_list_borrow(fds, 0), hold->note_size);
        if (r == 0)
                r = kept_check_room(&daemon->kept, *connection->group->keeper, session->lane, 1);
        if (r < 0)
                return r;
        r = worker_keep(connection, hold->note_size > 0 ? fd_list_borrow(fds, 0) : -1,
                        hold->note_size);
        if (r == 0 && hold->note_size > 0)
                (void)fd_list_steal(fds, 0);
        return r;
}

static int hold_descriptor(Daemon *daemon, Session *session, const Iod__Hold *hold, FdList *fds)
{
        const HoldRequest request = {
                .user = session->user,
                .name = hold->name,
                .time_to_live_ms = hold->time_to_live_ms,
                .session = session->id,
                .pid = session->peer.pid,
                .program = session->peer.program,
        };
        int r = authorise(daemon->config->policy, &session->peer, POLICY_HOLD, NULL, hold->name);

        if (r == 0)
                r = kept_check_room(&daemon->kept, session->user->kept, session->lane,
                                    (uint32_t)fds->count);
        if (r == 0)
                r = closer_reserve(&daemon->closer, session->lane, fds->count);
        if (r < 0)
                return r == -ENOMEM ? error_set(ENOMEM, "no memory to hold it") : r;
        r = hold_set_add(&daemon->holds, &request, fd_list_borrow(fds, 0),
                         hold->note_size > 0 ? fd_list_borrow(fds, 1) : -1, hold->note_size);
        for (size_t i = 0; i < fds->count; i++) {
                if (r == 0)
                        (void)fd_list_steal(fds, i);
                else
                        closer_push_own(&daemon->closer, session->lane, -1);
        }
        return r;
}

int keeping_hold(Daemon *daemon, Session *session, const Iod__Frame *request, FdList *fds)
{
        const Iod__Hold *hold = request->hold;
        int r = check_count(hold, fds);

        if (r < 0)
                return r;
        r = hold->id != 0 ? keep_connection(daemon, session, hold, fds)
                          : hold_descriptor(daemon, session, hold, fds);
        return r < 0 ? -r : answer_done(session, request->sequence);
}

int keeping_take_held(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const char *name = request->take_held->name;
        HoldTaken taken;
        int r = hold_set_take(&daemon->holds, session->peer.uid, name, &taken);

        if (r < 0)
                return -r;
        return held_answer_queue(&daemon->holds, session, request->sequence, name, &taken);
}
