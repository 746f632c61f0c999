/* A session whose client waits itself. See session_direct.h. */
#include "daemon/session/session_direct.h"

#include "core/cleanup.h"
#include "daemon/session/session_source.h"
#include "daemon/session/session_tell.h"
#include "daemon/session/sessions.h"

/* The closer has taken apart what was given to it. */
static void on_closed(void *data)
{
        Session *session = data;

        session->move.watches = 0;
        session_settle_registrations(session);
}

void session_direct_init(Session *session)
{
        waker_init(&session->move.receipt.waker, on_closed, session);
}

void session_direct_deinit(Session *session)
{
        waker_cancel(&session->move.receipt.waker);
}

void session_direct_set(Session *session, bool is_direct)
{
        Sessions *sessions = session->sessions;

        sessions->direct += is_direct;
        sessions->direct -= session->is_direct;
        session->program->direct += is_direct;
        session->program->direct -= session->is_direct;
        session->is_direct = is_direct;
}

/* Before a request is read, there is room in the lane for a packet's descriptors: this one came
 * without. */
static void give_up_set(Session *session)
{
        Closer *closer = session->sessions->closer;
        FdList set = {.count = 0};

        if (session->registrations.selector.epoll_fd < 0)
                return;
        set_watch_close(&session->set_watch);
        fd_list_add(&set, STEAL_FD(session->registrations.selector.epoll_fd));
        closer_push(closer, session->lane, &set);
        closer_await(closer, session->lane, &session->move.receipt);
        session->move.watches += session->registrations.watches;
        session->registrations.watches = 0;
        /* It was waited for there, too, whether the client has read. */
        delivery_lose_set(session);
}

int session_direct_begin(Session *session, uint32_t sequence)
{
        if (session->is_direct)
                return session_reply_done(session, sequence);
        session_direct_set(session, true);
        session_tell(session, IOD__WHAT__BECAME_DIRECT, 0, NULL);
        give_up_set(session);
        session->move.under_way = true;
        session->move.sequence = sequence;
        session->move.slot = 0;
        return session_direct_go_on(session);
}

int session_direct_go_on(Session *session)
{
        bool all = registration_set_watch_no_more(&session->registrations, &session->move.slot,
                                                  SESSION_DIRECT_SLICE);

        session_settle_registrations(session);
        if (!all)
                return 0;
        session->move.under_way = false;
        return session_reply_done(session, session->move.sequence);
}

void session_direct_end(Session *session)
{
        if (session->is_direct)
                session_tell(session, IOD__WHAT__BECAME_RELAYED, 0, NULL);
        session_direct_set(session, false);
}
