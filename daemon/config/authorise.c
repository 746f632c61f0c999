/* Asking the policy for a peer. See authorise.h. */
#include "daemon/config/authorise.h"

#include "core/error.h"
#include "daemon/process/log.h"

#include <stdio.h>
#include <unistd.h>

PolicySubject authorise_subject(const Peer *peer)
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
        const PolicySubject subject = authorise_subject(peer);
        char rule[POLICY_RULE_MAX];

        return policy_decide(policy, &subject, action, address, name, rule);
}

int authorise(const Policy *policy, const Peer *peer, PolicyAction action, const Address *address,
              const char *name)
{
        const PolicySubject subject = authorise_subject(peer);
        char suggestion[512];
        int r = authorise_quietly(policy, peer, action, address, name);

        if (r == 0)
                return 0;
        if (!policy_is_audit(policy)) {
                log_session(LOG_NOTICE, peer, "refused: %s", error_text());
                return r;
        }
        policy_suggest(policy, &subject, action, address, name, suggestion, sizeof(suggestion));
        log_session(LOG_NOTICE, peer, "audit: would be refused: %s; this would allow it: %s",
                    error_text(), suggestion);
        return 0;
}

uint32_t authorise_deliveries(const Policy *policy, const Peer *peer)
{
        static const struct {
                uint32_t bit;
                const char *name;
        } all[] = {{AUTHORISE_RELAYED, "relayed"}, {AUTHORISE_DIRECT, "direct"}};
        uint32_t deliveries = 0;

        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
                if (policy_is_audit(policy) ||
                    authorise_quietly(policy, peer, POLICY_DELIVERY, NULL, all[i].name) == 0)
                        deliveries |= all[i].bit;
        }
        return deliveries;
}

uint32_t authorise_directory(const Policy *policy, const Peer *peer, const Address *address)
{
        const PolicySubject subject = authorise_subject(peer);

        return peer->uid == geteuid() ? 0 : policy_directory(policy, &subject, address);
}

int authorise_test(const Policy *policy, const PolicySubject *subject, PolicyAction action,
                   const char *object, char rule[static POLICY_RULE_MAX])
{
        bool takes_name = policy_action_is_by_name(action);
        Address address;
        int r = takes_name ? 0 : address_parse(object, &address);

        if (action == POLICY_DELIVERY)
                r = policy_check_pattern(action, object);
        if (r < 0)
                return r;
        return policy_decide(policy, subject, action, takes_name ? NULL : &address,
                             takes_name ? object : NULL, rule);
}

void authorise_limits(const Policy *policy, const Peer *peer,
                      uint32_t limits[static POLICY_LIMIT_COUNT])
{
        const PolicySubject subject = authorise_subject(peer);

        for (int i = 0; i < POLICY_LIMIT_COUNT; i++)
                limits[i] = policy_limit(policy, &subject, (PolicyLimit)i);
}
