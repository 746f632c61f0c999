/* The table of verbs. See verbs.h. */
#include "ctl/verbs.h"

#include "core/error.h"
#include "ctl/near_word.h"

#include <errno.h>
#include <string.h>

static const Verb verbs[] = {
        {"status", verb_status, 0, 0, 0, "", "the daemon at a glance; also without a verb", false},
        {"sessions", verb_sessions, TAKES_TABLE | TAKES_USER | TAKES_PID, 0, 0, "",
         "the processes that are connected", false},
        {"registrations", verb_registrations,
         TAKES_SESSION | TAKES_TABLE | TAKES_USER | TAKES_PID | TAKES_PORT, 0, 0, "",
         "what they wait for", false},
        {"listeners", verb_listeners, TAKES_TABLE | TAKES_USER | TAKES_PORT, 0, 0, "",
         "what is listened on", false},
        {"groups", verb_groups, TAKES_TABLE | TAKES_USER | TAKES_PID, 0, 0, "",
         "the workers that serve it", false},
        {"holds", verb_holds, TAKES_TABLE | TAKES_USER | TAKES_PID | TAKES_PORT, 0, 0, "",
         "the descriptors that are held under a name", false},
        {"users", verb_users, TAKES_ALL | TAKES_TABLE, 0, 0, "",
         "what each user has of what it may have", false},
        {"show", verb_show, 0, 1, 1, "SESSION", "all there is of one session", false},
        {"policy", verb_policy, 0, 1, 4, "list | test USER ADDRESS [ACTION]",
         "the policies in force; whether a user may, and by which\n"
         "rule",
         false},
        {"doctor", verb_doctor, 0, 0, 0, "", "whether what is installed and runs here is sound",
         false},
        {"version", verb_version, 0, 0, 0, "", "the releases of kyronctl and of the daemon", false},

        {"waits", verb_waits,
         TAKES_ALL | TAKES_LARGE | TAKES_TABLE | TAKES_USER | TAKES_PID | TAKES_PORT, 0, 1,
         "[PID|USER|PROGRAM]",
         "processes with a wait to worry about, of all of the\n"
         "machine; with an argument, whatever those wait for",
         true},
        {"why", verb_why, TAKES_LARGE, 1, 1, "PID|SESSION|ADDRESS|PORT",
         "what is wrong there, in sentences", false},
        {"monitor", verb_monitor, TAKES_TIMEOUT | TAKES_LARGE | TAKES_NO_WAITS, 0,
         MONITOR_KINDS_MAX, "[KIND]...",
         "a line for whatever begins, ends or goes wrong, as it\n"
         "happens: session, refusal, failure, listener, worker,\n"
         "delivery, outage, policy, wait",
         false},
        {"metrics", verb_metrics, 0, 0, 0, "",
         "what the daemon counts, and such waits, for Prometheus", false},
        {"top", verb_top, TAKES_LARGE | TAKES_TOP | TAKES_USER | TAKES_PID, 0, 0, "",
         "waits again and again, on the whole screen", false},

        {"pause", verb_pause, TAKES_OWNER, 1, 1, "LISTENER",
         "accept nothing; connections queue in the kernel", true},
        {"resume", verb_resume, TAKES_OWNER, 1, 1, "LISTENER", "accept again", false},
        {"drain", verb_drain, TAKES_TIMEOUT | TAKES_UNDO, 1, 1, "SESSION",
         "give a worker no more connections, and wait until it\n"
         "has none",
         false},
        {"end", verb_end, 0, 1, 1, "SESSION", "end a session; its client is told who did it",
         false},
        {"close", verb_close, TAKES_OWNER, 1, 1, "LISTENER",
         "close a client's listener; its workers are told", false},
        {"reload", verb_reload, 0, 0, 0, "", "have the daemon read its configuration again", false},
};

const Verb *verbs_at(size_t i)
{
        return i < sizeof(verbs) / sizeof(verbs[0]) ? &verbs[i] : NULL;
}

const Verb *verbs_find(const char *name)
{
        NearWord near = {.typed = name};

        for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
                if (strcmp(verbs[i].name, name) == 0)
                        return &verbs[i];
                near_word_try(&near, verbs[i].name);
        }
        if (near.nearest)
                error_set(EINVAL, "there is no verb \"%s\"; is it %s?", name, near.nearest);
        else
                error_set(EINVAL, "there is no verb \"%s\": see kyronctl --help", name);
        return NULL;
}
