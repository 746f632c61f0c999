/* What operators ask for. See operating.h. */
#include "daemon/requests/operating.h"

#include "core/error.h"
#include "daemon/daemon.h"
#include "daemon/listen/drain.h"
#include "daemon/process/log.h"
#include "daemon/requests/late_request.h"
#include "daemon/restart/reload.h"
#include "daemon/session/answer.h"
#include "daemon/session/session_tell.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_operator(const Daemon *daemon, const Session *session)
{
        if (session->sees_all)
                return 0;
        return error_set(EACCES, "only root and the group %s may do that",
                         daemon->config->admin_group);
}

/* By its number; by name, one of the configuration or the only one of a client's. */
static int find_to_set(const Daemon *daemon, const Iod__SetListener *set, Listener **out)
{
        const Listeners *listeners = &daemon->listeners;

        if (set->listener != 0) {
                TAILQ_FOREACH(*out, &listeners->list, link)
                {
                        if ((*out)->group.number == set->listener)
                                return 0;
                }
                return error_set(ENOENT, "there is no listener %llu",
                                 (unsigned long long)set->listener);
        }
        *out = listener_find_configured(listeners, set->name);
        if (*out)
                return 0;
        *out = listener_next_named(listeners, NULL, set->name);
        if (!*out)
                return error_set(ENOENT, "there is no listener %.50s", set->name);
        if (listener_next_named(listeners, *out, set->name))
                return error_set(EINVAL, "several users have a listener %.40s: say whose",
                                 set->name);
        return 0;
}

int operating_set_listener(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const Iod__SetListener *set = request->set_listener;
        Listener *listener;
        int r;

        if (check_operator(daemon, session) < 0)
                return EACCES;
        r = find_to_set(daemon, set, &listener);
        if (r < 0)
                return -r;
        if (!listener->config.shared)
                return -error_set(EINVAL, "listener %.40s is accepted from by who took it",
                                  set->name);
        listener_set_paused(listener, set->paused);
        log_session(LOG_NOTICE, &session->peer, "%s listener %s",
                    set->paused ? "paused" : "resumed", listener->title);
        return session_reply_done(session, request->sequence);
}

int operating_drain(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const Iod__Drain *drain = request->drain;
        Session *target = sessions_find(&daemon->sessions, drain->session);
        int r;

        if (!target)
                return -error_set(ENOENT, "there is no session %llu",
                                  (unsigned long long)drain->session);
        if (!session->sees_all && session->peer.uid != target->peer.uid)
                return -error_set(EACCES, "session %llu is another user's",
                                  (unsigned long long)drain->session);
        r = drain->undo ? 0 : drain_check_room(session);
        if (r < 0)
                return -r;
        drain_set(target, !drain->undo);
        log_session(LOG_NOTICE, &target->peer, drain->undo ? "drains no more" : "is drained");
        session_tell(target, drain->undo ? IOD__WHAT__WORKER_RESUMED : IOD__WHAT__WORKER_DRAINED, 0,
                     NULL);
        if (drain->undo)
                return session_reply_done(session, request->sequence);
        return drain_wait(&daemon->listeners.drains, session, request->sequence, target);
}

/* ---- Reload -------------------------------------------------------------------------------- */

typedef struct ReloadRequest {
        LateRequest late; /* first */
        ReloadAsker asker;
        Daemon *daemon;
} ReloadRequest;

/* As a frame takes it. */
static void fit_error(void)
{
        char text[ERROR_TEXT_MAX];

        snprintf(text, sizeof(text), "%s", error_text());
        error_set(EINVAL, "%s", reload_fit_text(text));
}

static void forget_reload(LateRequest *late)
{
        ReloadRequest *request = (ReloadRequest *)late;

        reload_forget(request->daemon, &request->asker);
        free(request);
}

static int reply_reloaded(Session *session, uint32_t sequence, const ReloadChanges *changes)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Reloaded reloaded = IOD__RELOADED__INIT;
        char *pointers[RELOAD_CHANGES_MAX];

        for (size_t i = 0; i < changes->count; i++)
                pointers[i] = (char *)changes->texts[i];
        reloaded.n_change = changes->count;
        reloaded.change = pointers;
        reloaded.more = changes->more;
        frame.body_case = IOD__FRAME__BODY_RELOADED;
        frame.reloaded = &reloaded;
        return session_reply(session, sequence, &frame);
}

static void on_reloaded(ReloadAsker *asker, int r, const ReloadChanges *changes)
{
        ReloadRequest *request = (ReloadRequest *)((char *)asker - offsetof(ReloadRequest, asker));
        Session *session = late_request_answer(&request->late);
        uint32_t sequence = request->late.sequence;

        free(request);
        if (r == 0) {
                r = reply_reloaded(session, sequence, changes);
        } else {
                /* Whatever is wrong with the configuration: who asked was not denied, nor is
                 * anything that was asked for missing. */
                fit_error();
                r = answer_refused(session, sequence, IOD__FRAME__BODY_RELOAD,
                                   r == -ENOMEM ? r : -EINVAL);
        }
        late_request_answered(session);
        if (r < 0)
                session_fail(session, sequence, r);
}

int operating_reload(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        ReloadRequest *reload;
        int r;

        if (check_operator(daemon, session) < 0)
                return EACCES;
        reload = malloc(sizeof(*reload));
        if (!reload)
                return -error_set(ENOMEM, "no memory to go on");
        reload->daemon = daemon;
        reload->asker.done = on_reloaded;
        r = late_request_begin(&reload->late, session, request->sequence, forget_reload);
        if (r == 0) {
                r = reload_ask(daemon, &reload->asker);
                if (r < 0)
                        late_request_end(&reload->late);
        }
        if (r < 0)
                free(reload);
        return -r;
}
