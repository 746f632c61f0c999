/*
 * Policy: who may have the daemon do what. Rules are for users or groups and come from the
 * configuration; whatever no rule allows is refused. See kyron-iod.conf(5).
 *
 * A rule allows: nothing denies, so the order of rules means nothing. A user's limits are the
 * largest of the rules that are theirs, or the defaults where none names one. Likewise each
 * delivery is theirs where no rule names one.
 *
 * Made by the configuration's reader and constant from then on, but for rules of users and groups
 * that nobody knew then: they are for nobody until policy_set_known(). Deciding asks no name
 * service, which could hold up the loop: users are named by number, rules as the configuration has
 * them.
 */
#pragma once

#include "core/address.h"
#include "core/name.h"
#include "daemon/config/policy_words.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
        /* Bytes of a rule's text, "policy \"user:www\", connect \"tcp:…\"", with its zero. */
        POLICY_RULE_MAX = 96,
        /* Bytes of a listener's or held descriptor's name, with its zero. */
        POLICY_NAME_MAX = HOLD_NAME_MAX + 1,

        /* What a user may have at once of what only a rule allows. */
        POLICY_LISTENERS_PER_USER_MAX = 64,
        POLICY_HOLDS_PER_USER_MAX = 1024,
        POLICY_CONNECTS_PER_USER_MAX = 256,
};

typedef struct Policy Policy;
typedef struct PolicyRule PolicyRule;

/* Whom it is about: the uid, and every group of the session's process. */
typedef struct PolicySubject {
        uid_t uid;
        const gid_t *groups;
        size_t n_groups;
} PolicySubject;

/* ---- Making one ---- */

/* Without rules. 0 or -ENOMEM. */
int policy_new(Policy **out);
/* Returns NULL. */
Policy *policy_free(Policy *policy);
void policy_set_audit(Policy *policy, bool audit);
void policy_set_default_limit(Policy *policy, PolicyLimit limit, uint32_t value);
/* A rule that allows nothing yet; the policy's. id: a uid or gid, nothing for POLICY_EVERYONE.
 * title is what sentences call it: "user:www". */
int policy_add_rule(Policy *policy, PolicyWho who, uint32_t id, const char *title,
                    PolicyRule **out);
/* A pattern of an address, see address_pattern.h; of a name for SERVE and HOLD: itself, or what it
 * begins with and "*"; for DELIVERY one of two words. 0, or -EINVAL or -ENOMEM with error_text().
 */
int policy_rule_allow(PolicyRule *rule, PolicyAction action, const char *pattern);
/* What policy_rule_allow() would say of the pattern. */
int policy_check_pattern(PolicyAction action, const char *pattern);
void policy_rule_set_limit(PolicyRule *rule, PolicyLimit limit, uint32_t value);
/* How many rules are for nobody. */
size_t policy_count_unknown(const Policy *policy);
/* The title of the first rule from *index on that is for nobody, with its index; or NULL. */
const char *policy_next_unknown(const Policy *policy, size_t *index);
/* The rule with this index and title is for them from now on. */
void policy_set_known(Policy *policy, size_t index, const char *title, PolicyWho who, uint32_t id);
/* Tells every rule that was added, removed or changed, a sentence each. */
void policy_compare(const Policy *old_policy, const Policy *new_policy,
                    void (*tell)(void *data, const char *sentence), void *data);
size_t policy_rule_count(const Policy *policy);

/* ---- Reading it ---- */

/* A line of it: something that a rule allows, or a limit. What it points to is the policy's. */
typedef struct PolicyLine {
        const char *policy; /* the rule's title; NULL: the limit counts where no rule has one */
        const char *key;
        const char *pattern; /* NULL: a limit */
        uint32_t limit;
        bool unknown; /* the rule is for nobody */
} PolicyLine;

/* The line with this number from 0 on, of all, or of those that are about the subject, unless that
 * is NULL; the limits that count elsewhere come first. false: there are not so many. */
bool policy_line(const Policy *policy, const PolicySubject *subject, size_t number,
                 PolicyLine *out);

/* ---- Asking it ---- */

/*
 * Whether the subject may. For LISTEN, CONNECT and BIND address is what is asked for, and name
 * NULL; for SERVE, HOLD and DELIVERY the other way round. 0 and the rule that allows it in rule, or
 * -EACCES with error_text(): a sentence short enough for the wire that names the user, the action,
 * the object, and the rules that are theirs but do not allow it, or that there is none.
 */
int policy_decide(const Policy *policy, const PolicySubject *subject, PolicyAction action,
                  const Address *address, const char *name, char rule[static POLICY_RULE_MAX]);

/* How much of a path that may be listened at the policy itself names: the bytes of a directory, of
 * the rule that names most. At least 1. */
uint32_t policy_directory(const Policy *policy, const PolicySubject *subject,
                          const Address *address);

/* The largest of the subject's rules, or the default where none of them names one. */
uint32_t policy_limit(const Policy *policy, const PolicySubject *subject, PolicyLimit limit);

/* Whether what no rule allows is to be allowed all the same, and logged. */
bool policy_is_audit(const Policy *policy);
/* For the log of an audit: the lines of configuration that would have allowed it, cut at size. The
 * user is called what the rules call it, or else by its number. */
void policy_suggest(const Policy *policy, const PolicySubject *subject, PolicyAction action,
                    const Address *address, const char *name, char *out, size_t size);
