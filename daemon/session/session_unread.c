/* The deadline of a client that does not read. See session_unread.h. */
#include "daemon/session/session_unread.h"

#include "core/clock.h"
#include "core/error.h"
#include "daemon/session/sessions.h"

#include <errno.h>

static const struct timeval unread_time = {.tv_sec = SESSION_UNREAD_SECONDS};

static bool keeps_something(const Session *session)
{
        return !session->closed &&
               (session->notifier.reply || !TAILQ_EMPTY(&session->delivery.answers));
}

static void on_unread(evutil_socket_t fd, short what, void *data)
{
        Session *session = data;

        (void)fd;
        (void)what;
        if (keeps_something(session) && delivery_has_unread(session))
                session_fail(session, 0,
                             error_set(ETIMEDOUT, "answers were not read for %d seconds",
                                       SESSION_UNREAD_SECONDS));
        else
                session_watch_unread(session, false);
}

void session_watch_unread(Session *session, bool has_read)
{
        if (session->unread && (has_read || !keeps_something(session)))
                loop_event_del(session->unread);
        if (!keeps_something(session))
                return;
        /* Without memory for it, the next time tries again. */
        if (!session->unread)
                session->unread = loop_timer_new(session->sessions->loop, on_unread, session);
        if (session->unread && !loop_event_is_added(session->unread))
                loop_event_add(session->unread, &unread_time);
}

uint64_t session_unread_ms(const Session *session)
{
        return notifier_unread_ms(&session->notifier, &session->sessions->driver->unread_charges);
}

uint64_t session_silent_ms(const Session *session)
{
        const uint64_t now_ms = clock_coarse_ms();

        return now_ms > session->heard_ms ? now_ms - session->heard_ms : 0;
}
