/*
 * The words of a policy: what may be asked for, what is limited, and whom a rule is for.
 */
#pragma once

#include <stdbool.h>

typedef enum PolicyAction {
        POLICY_LISTEN,  /* an address to listen on */
        POLICY_CONNECT, /* an address to connect to */
        POLICY_BIND,    /* an address to bind a UDP socket to */
        POLICY_SERVE,   /* a configured listener's name, to join or take */
        POLICY_HOLD,    /* a name to hold a descriptor under */
        /* "relayed" or "direct": who waits. Allowed unless rules of theirs name other ones. */
        POLICY_DELIVERY,
        POLICY_ACTION_COUNT,
} PolicyAction;

/* What a user may have at once. */
typedef enum PolicyLimit {
        POLICY_SESSIONS,
        POLICY_REGISTRATIONS,
        POLICY_LISTENERS,
        POLICY_HOLDS,
        POLICY_CONNECTS, /* under way */
        POLICY_LIMIT_COUNT,
} PolicyLimit;

/* Whom a rule is for. */
typedef enum PolicyWho {
        POLICY_USER,
        POLICY_GROUP,
        POLICY_EVERYONE,
        POLICY_UNKNOWN, /* nobody knows the user or group: for nobody now */
} PolicyWho;

/* "listen", …; and back: false when there is none of that name. */
const char *policy_action_name(PolicyAction action);
bool policy_action_from_name(const char *name, PolicyAction *out);
/* In "may not listen on …". */
const char *policy_action_verb(PolicyAction action);
/* Whether the action's object is a name, and no address. */
bool policy_action_is_by_name(PolicyAction action);

/* "sessions", … */
const char *policy_limit_name(PolicyLimit limit);
