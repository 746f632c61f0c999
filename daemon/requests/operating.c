/* What operators ask for. See operating.h. */
#include "daemon/requests/operating.h"

#include "core/error.h"
#include "daemon/config/accounts.h"
#include "daemon/config/authorise.h"
#include "daemon/daemon.h"
#include "daemon/listen/drain.h"
#include "daemon/process/log.h"
#include "daemon/requests/opening.h"
#include "daemon/restart/reload.h"

#include <errno.h>
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

int operating_set_listener(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const Iod__SetListener *set = request->set_listener;
        Listener *listener;

        if (check_operator(daemon, session) < 0)
                return EACCES;
        listener = listener_find(&daemon->listeners, set->name);
        if (!listener)
                return -error_set(ENOENT, "there is no listener %.50s", set->name);
        if (!listener->config.shared)
                return -error_set(EINVAL, "listener %.40s is accepted from by who took it",
                                  set->name);
        listener_set_paused(listener, set->paused);
        log_session(LOG_NOTICE, &session->peer, "%s listener %s",
                    set->paused ? "paused" : "resumed", set->name);
        return session_reply_done(session, request->sequence);
}

int operating_drain(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const Iod__Drain *drain = request->drain;
        Session *target = sessions_find(&daemon->sessions, drain->session);

        if (!target)
                return -error_set(ENOENT, "there is no session %llu",
                                  (unsigned long long)drain->session);
        if (!session->sees_all && session->peer.uid != target->peer.uid)
                return -error_set(EACCES, "session %llu is another user's",
                                  (unsigned long long)drain->session);
        drain_set(target, !drain->undo);
        log_session(LOG_NOTICE, &target->peer, drain->undo ? "drains no more" : "is drained");
        if (drain->undo)
                return session_reply_done(session, request->sequence);
        return drain_wait(&daemon->listeners.drains, session, request->sequence, target);
}

/* ---- Reload -------------------------------------------------------------------------------- */

enum { CHANGES_MAX = 100, CHANGE_TEXT_MAX = 200 };

/* The sentences for the reply. */
typedef struct Changes {
        size_t count;
        uint32_t more;
        char *pointers[CHANGES_MAX];
        char texts[CHANGES_MAX][CHANGE_TEXT_MAX];
} Changes;

static void add_change(void *data, const char *sentence)
{
        Changes *changes = data;

        if (changes->count == CHANGES_MAX) {
                changes->more++;
                return;
        }
        changes->pointers[changes->count] = changes->texts[changes->count];
        snprintf(changes->texts[changes->count++], CHANGE_TEXT_MAX, "%s", sentence);
}

/* What is wrong matters more than where the directory is, if the wire has no room for both. */
static void leave_out_directory(void)
{
        char text[ERROR_TEXT_MAX];
        char *end, *slash;

        snprintf(text, sizeof(text), "%s", error_text());
        end = strstr(text, ": ");
        if (strlen(text) < FRAME_TEXT_MAX || !end)
                return;
        *end = '\0';
        slash = strrchr(text, '/');
        *end = ':';
        if (slash)
                error_set(EINVAL, "%s", slash + 1);
}

int operating_reload(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Reloaded reloaded = IOD__RELOADED__INIT;
        Changes changes = {.count = 0};
        int r;

        if (check_operator(daemon, session) < 0)
                return EACCES;
        r = reload(daemon, add_change, &changes);
        /* Whatever is wrong with the configuration: who asked was not denied, nor is anything that
         * was asked for missing. */
        if (r < 0) {
                leave_out_directory();
                return r == -ENOMEM ? ENOMEM : EINVAL;
        }
        reloaded.n_change = changes.count;
        reloaded.change = changes.pointers;
        reloaded.more = changes.more;
        frame.body_case = IOD__FRAME__BODY_RELOADED;
        frame.reloaded = &reloaded;
        return session_reply(session, request->sequence, &frame);
}

/* ---- TestPolicy ---------------------------------------------------------------------------- */

int operating_test_policy(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const Iod__TestPolicy *test = request->test_policy;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__PolicyTested tested = IOD__POLICY_TESTED__INIT;
        char rule[POLICY_RULE_MAX], sentence[FRAME_TEXT_MAX];
        PolicySubject subject = authorise_subject(&session->peer);
        gid_t groups[PEER_GROUPS_MAX];
        PolicyAction action;
        int r;

        if (!session->sees_all && test->uid != session->peer.uid)
                return -error_set(EACCES, "only root and the group %s may ask about others",
                                  daemon->config->admin_group);
        if (!policy_action_from_name(test->action, &action))
                return -error_set(EINVAL, "\"%.20s\" is not listen, connect, bind, serve or hold",
                                  test->action);
        /* Of who asks, the kernel has said the groups. */
        if (test->uid != session->peer.uid) {
                r = accounts_find_groups_of(test->uid, groups, PEER_GROUPS_MAX);
                if (r < 0)
                        return -error_set(-r, "cannot look up user %u: %s", test->uid,
                                          strerror(-r));
                subject = (PolicySubject){test->uid, groups, (size_t)r};
        }
        r = authorise_test(daemon->config->policy, &subject, action, test->object, rule);
        if (r < 0 && r != -EACCES)
                return -r;
        tested.allowed = r == 0;
        snprintf(sentence, sizeof(sentence), "%s", r == 0 ? rule : error_text());
        tested.rule = sentence;
        frame.body_case = IOD__FRAME__BODY_POLICY_TESTED;
        frame.policy_tested = &tested;
        return session_reply(session, request->sequence, &frame);
}
