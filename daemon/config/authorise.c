/* Asking the policy for a peer. See authorise.h. */
#include "daemon/config/authorise.h"

#include "core/error.h"
#include "daemon/process/log.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>

static PolicySubject subject_of(const Peer *peer)
{
        return (PolicySubject){
                .uid = peer->uid,
                .groups = peer->groups,
                .n_groups = peer->n_groups,
        };
}

int authorise_quietly(const Policy *policy, const Peer *peer, PolicyAction action,
                      const Address *address, const char *name)
{
        const PolicySubject subject = subject_of(peer);
        char rule[POLICY_RULE_MAX];

        return policy_decide(policy, &subject, action, address, name, rule);
}

int authorise(const Policy *policy, const Peer *peer, PolicyAction action, const Address *address,
              const char *name)
{
        const PolicySubject subject = subject_of(peer);
        char suggestion[512];
        int r = authorise_quietly(policy, peer, action, address, name);

        if (r == 0)
                return 0;
        if (!policy_is_audit(policy)) {
                log_session(LOG_NOTICE, peer, "refused: %s", error_text());
                return r;
        }
        policy_suggest(&subject, action, address, name, suggestion, sizeof(suggestion));
        log_session(LOG_NOTICE, peer, "audit: would be refused: %s; this would allow it: %s",
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

int authorise_test(const Policy *policy, uid_t uid, PolicyAction action, const char *object,
                   char rule[static POLICY_RULE_MAX])
{
        bool takes_name = policy_action_is_by_name(action);
        gid_t groups[PEER_GROUPS_MAX];
        const PolicySubject subject = {
                .uid = uid,
                .groups = groups,
                .n_groups = look_up_groups(uid, groups, PEER_GROUPS_MAX),
        };
        Address address;
        int r = takes_name ? 0 : address_parse(object, &address);

        if (r < 0)
                return r;
        return policy_decide(policy, &subject, action, takes_name ? NULL : &address,
                             takes_name ? object : NULL, rule);
}

void authorise_limits(const Policy *policy, const Peer *peer,
                      uint32_t limits[static POLICY_LIMIT_COUNT])
{
        const PolicySubject subject = subject_of(peer);

        for (int i = 0; i < POLICY_LIMIT_COUNT; i++)
                limits[i] = policy_limit(policy, &subject, (PolicyLimit)i);
}
