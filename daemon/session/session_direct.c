/* A session whose client waits itself. See session_direct.h. */
#include "daemon/session/session_direct.h"

#include "core/cleanup.h"
#include "daemon/session/session_source.h"
#include "daemon/session/sessions.h"

/* Before a request is read, there is room in the lane for a packet's descriptors: this one came
 * without. */
static void give_up_set(Session *session)
{
        FdList set = {.count = 0};

        set_watch_close(&session->set_watch);
        if (session->registrations.selector.epoll_fd >= 0)
                fd_list_add(&set, STEAL_FD(session->registrations.selector.epoll_fd));
        closer_push(session->sessions->closer, session->lane, &set);
        session->registrations.watches = 0;
        /* It was waited for there, too, whether the client has read. */
        delivery_lose_set(session);
}

int session_direct_begin(Session *session, uint32_t sequence)
{
        if (session->is_direct)
                return session_reply_done(session, sequence);
        session->is_direct = true;
        give_up_set(session);
        session->move = (SessionMove){.under_way = true, .sequence = sequence};
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
        session->is_direct = false;
}
