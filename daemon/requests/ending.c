/* Ending sessions and listeners. See ending.h. */
#include "daemon/requests/ending.h"

#include "core/error.h"
#include "daemon/daemon.h"
#include "daemon/listen/listener_end.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <stdio.h>

int ending_end_session(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const uint64_t id = request->end_session->session;
        Session *target = sessions_find(&daemon->sessions, id);

        if (!target)
                return -error_set(ENOENT, "there is no session %llu", (unsigned long long)id);
        if (!session->sees_all && session->peer.uid != target->peer.uid)
                return -error_set(EACCES, "session %llu is another user's", (unsigned long long)id);
        if (target == session)
                return -error_set(EINVAL, "a session ends itself by closing");
        if (!target->ended)
                session_end_for(target, error_set(ECANCELED, "user %u had it ended",
                                                  (unsigned)session->peer.uid));
        return session_reply_done(session, request->sequence);
}

/* By its number; by name, the asker's own, or else the only one of a client's. 0 or -errno. */
static int find_listener(const Listeners *listeners, const Session *session,
                         const Iod__CloseListener *close, Listener **out)
{
        Listener *listener;

        if (close->listener != 0) {
                listener = listener_after(listeners, close->listener - 1);
                if (!listener || listener->group.number != close->listener)
                        return error_set(ENOENT, "there is no listener %llu",
                                         (unsigned long long)close->listener);
                *out = listener;
                return 0;
        }
        listener = listener_find(listeners, session->peer.uid, close->name);
        if (!listener && session->sees_all) {
                listener = listener_next_named(listeners, NULL, close->name);
                if (listener && listener_next_named(listeners, listener, close->name))
                        return error_set(EINVAL, "several users have a listener %.40s: say whose",
                                         close->name);
        }
        *out = listener;
        return listener ? 0 : error_set(ENOENT, "there is no listener %.50s", close->name);
}

int ending_close_listener(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        char why[ERROR_WIRE_MAX + 1];
        Listener *listener;
        int r = find_listener(&daemon->listeners, session, request->close_listener, &listener);

        if (r < 0)
                return -r;
        if (!session->sees_all && (listener->configured || listener->uid != session->peer.uid))
                return -error_set(EACCES, "listener %.40s is not this user's",
                                  listener->config.name);
        if (listener->configured)
                return -error_set(EINVAL,
                                  "listener %.30s is configured: take it out there, and reload",
                                  listener->config.name);
        log_session(LOG_NOTICE, &session->peer, "closed listener %s", listener->title);
        snprintf(why, sizeof(why), "user %u had listener %.40s closed", (unsigned)session->peer.uid,
                 listener->config.name);
        listener_end(listener, why);
        return session_reply_done(session, request->sequence);
}
