/*
 * Authorise: asks the policy on behalf of a peer, and sees to it that the log has every refusal,
 * and in an audit what would have been one.
 */
#pragma once

#include "daemon/config/policy.h"
#include "daemon/process/peer.h"

enum {
        /* A bit for each delivery, as in Welcome. */
        AUTHORISE_RELAYED = 1,
        AUTHORISE_DIRECT = 2,
};

/* Whom the policy is asked about, when a peer asks. */
PolicySubject authorise_subject(const Peer *peer);
/* As policy_decide(): 0, or -EACCES with error_text(). In an audit always 0. */
int authorise(const Policy *policy, const Peer *peer, PolicyAction action, const Address *address,
              const char *name);
/* The same without a word to the log. */
int authorise_quietly(const Policy *policy, const Peer *peer, PolicyAction action,
                      const Address *address, const char *name);

/* As policy_directory(). 0 for the daemon's own user, who could do itself whatever the daemon
 * does. */
uint32_t authorise_directory(const Policy *policy, const Peer *peer, const Address *address);

/* The deliveries that authorise() would allow. */
uint32_t authorise_deliveries(const Policy *policy, const Peer *peer);

/* What the policy says of anybody, without audit: 0 and the rule, -EACCES, or
 * -EINVAL the object is no address, no name, or no delivery, for this action. */
int authorise_test(const Policy *policy, const PolicySubject *subject, PolicyAction action,
                   const char *object, char rule[static POLICY_RULE_MAX]);

/* What the peer's user may have at once, in the order of QuotaResource. */
void authorise_limits(const Policy *policy, const Peer *peer,
                      uint32_t limits[static POLICY_LIMIT_COUNT]);
