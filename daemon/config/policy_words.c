/* The words of a policy. See policy_words.h. */
#include "daemon/config/policy_words.h"

#include <string.h>

static const struct {
        const char *name;
        const char *verb;
} actions[POLICY_ACTION_COUNT] = {
        [POLICY_LISTEN] = {"listen", "listen on"},
        [POLICY_CONNECT] = {"connect", "connect to"},
        [POLICY_BIND] = {"bind", "bind"},
        [POLICY_SERVE] = {"serve", "serve"},
        [POLICY_HOLD] = {"hold", "hold"},
        [POLICY_DELIVERY] = {"delivery", "have delivery"},
};

static const char *const limit_names[POLICY_LIMIT_COUNT] = {
        [POLICY_SESSIONS] = "sessions",   [POLICY_REGISTRATIONS] = "registrations",
        [POLICY_LISTENERS] = "listeners", [POLICY_HOLDS] = "holds",
        [POLICY_CONNECTS] = "connects",
};

const char *policy_action_name(PolicyAction action)
{
        return actions[action].name;
}

bool policy_action_from_name(const char *name, PolicyAction *out)
{
        for (int i = 0; i < POLICY_ACTION_COUNT; i++) {
                if (strcmp(name, actions[i].name) == 0) {
                        *out = (PolicyAction)i;
                        return true;
                }
        }
        return false;
}

const char *policy_action_verb(PolicyAction action)
{
        return actions[action].verb;
}

bool policy_action_is_by_name(PolicyAction action)
{
        return action == POLICY_SERVE || action == POLICY_HOLD || action == POLICY_DELIVERY;
}

const char *policy_limit_name(PolicyLimit limit)
{
        return limit_names[limit];
}
