/* Asking the policy for a session. See authorise.h. */
#include "daemon/config/authorise.h"

#include "core/error.h"
#include "daemon/process/log.h"
#include "daemon/server/server.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>

enum { GROUPS_MAX = 256 };

_Static_assert((int)POLICY_SESSIONS == QUOTA_SESSIONS &&
                       (int)POLICY_REGISTRATIONS == QUOTA_REGISTRATIONS &&
                       (int)POLICY_LISTENERS == QUOTA_LISTENERS &&
                       (int)POLICY_HOLDS == QUOTA_HOLDS && (int)POLICY_CONNECTS == QUOTA_CONNECTS &&
                       (int)POLICY_LIMIT_COUNT == QUOTA_RESOURCE_COUNT,
               "the policy's limits are the quota's resources");

static PolicySubject subject_of(const Session *session)
{
        return (PolicySubject){
                .uid = session->uid,
                .groups = session->groups,
                .n_groups = session->n_groups,
        };
}

int authorise_quietly(const Session *session, PolicyAction action, const Address *address,
                      const char *name)
{
        const PolicySubject subject = subject_of(session);
        char rule[POLICY_RULE_MAX];

        return policy_decide(session->server->config->policy, &subject, action, address, name,
                             rule);
}

int authorise(const Session *session, PolicyAction action, const Address *address, const char *name)
{
        const Policy *policy = session->server->config->policy;
        const PolicySubject subject = subject_of(session);
        char suggestion[512];
        int r = authorise_quietly(session, action, address, name);

        if (r == 0)
                return 0;
        if (!policy_is_audit(policy)) {
                log_session(LOG_NOTICE, session, "refused: %s", error_text());
                return r;
        }
        policy_suggest(&subject, action, address, name, suggestion, sizeof(suggestion));
        log_session(LOG_NOTICE, session, "audit: would be refused: %s; this would allow it: %s",
                    error_text(), suggestion);
        return 0;
}

/* The groups a process of the user's would have; none for one without an entry. */
static size_t look_up_groups(uid_t uid, gid_t *groups, int max)
{
        const struct passwd *entry = getpwuid(uid);
        int n = max;

        if (!entry)
                return 0;
        return getgrouplist(entry->pw_name, entry->pw_gid, groups, &n) < 0 ? (size_t)max
                                                                           : (size_t)n;
}

int authorise_test(const Server *server, uid_t uid, PolicyAction action, const char *object,
                   char rule[static POLICY_RULE_MAX])
{
        bool takes_name = action == POLICY_SERVE || action == POLICY_HOLD;
        gid_t groups[GROUPS_MAX];
        const PolicySubject subject = {
                .uid = uid,
                .groups = groups,
                .n_groups = look_up_groups(uid, groups, GROUPS_MAX),
        };
        Address address;
        int r = takes_name ? 0 : address_parse(object, &address);

        if (r < 0)
                return r;
        return policy_decide(server->config->policy, &subject, action, takes_name ? NULL : &address,
                             takes_name ? object : NULL, rule);
}

void authorise_limits(const Session *session, uint32_t limits[static POLICY_LIMIT_COUNT])
{
        const PolicySubject subject = subject_of(session);

        for (int i = 0; i < POLICY_LIMIT_COUNT; i++)
                limits[i] = policy_limit(session->server->config->policy, &subject, (PolicyLimit)i);
}
