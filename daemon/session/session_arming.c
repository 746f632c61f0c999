/* Which of a session's events are armed. See session_arming.h. */
#include "daemon/session/session_arming.h"

#include "core/error.h"
#include "daemon/session/session_unread.h"
#include "daemon/session/sessions.h"

#include <errno.h>

const struct timeval session_greeting_time = {.tv_sec = SESSION_GREETING_SECONDS};

static void await_request(Session *session)
{
        if (session_has_request(session) && !session->reconciled.reconciliation)
                time_share_wait(&session->sessions->shares, &session->user->share, &session->serve);
}

/* Of one whose client has closed. */
static int arm_last_requests(Session *session)
{
        loop_event_del(session->writable);
        await_request(session);
        set_watch_arm(&session->set_watch, false);
        if (session->reconciled.reconciliation || waker_waits(&session->serve) ||
            waker_waits(&session->room))
                return loop_event_del(session->readable);
        return loop_event_add(session->readable, NULL);
}

/* Serves what the session's state says: requests and readiness, or only the way out. */
static int arm_events(Session *session)
{
        if (session->closed)
                return arm_last_requests(session);
        if (notifier_is_waiting(&session->notifier)) {
                loop_event_del(session->readable);
                set_watch_arm(&session->set_watch, false);
                return loop_event_add(session->writable, NULL);
        }
        loop_event_del(session->writable);
        await_request(session);
        if (session->reconciled.reconciliation || waker_waits(&session->serve)) {
                loop_event_del(session->readable);
                return set_watch_arm(&session->set_watch, false);
        }
        session->pauses = delivery_is_full(session);
        if (session->pauses)
                loop_event_del(session->readable);
        else if (!waker_waits(&session->room) &&
                 loop_event_add(session->readable, session->open ? NULL : &session_greeting_time) <
                         0)
                return -1;
        return set_watch_arm(&session->set_watch, true);
}

int session_refuse_to_wait(void)
{
        return error_set(ENOSPC, "the daemon cannot go on waiting for this session");
}

void session_rearm(Session *session)
{
        if (session->ended)
                return;
        session_watch_unread(session, false);
        /* Out of memory or of epoll watches: better told than deaf. */
        if (arm_events(session) < 0)
                session_fail(session, 0, session_refuse_to_wait());
}
