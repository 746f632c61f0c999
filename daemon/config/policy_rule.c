/* The rules of a policy: made one by one, and compared with another's. See policy.h. */
#include "daemon/config/policy_rule.h"

#include "core/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Making one ---- */

static int no_memory(void)
{
        return error_set(ENOMEM, "there is no memory for the policy");
}

int policy_new(Policy **out)
{
        Policy *policy = calloc(1, sizeof(*policy));

        if (!policy)
                return no_memory();
        for (int i = 0; i < POLICY_LIMIT_COUNT; i++)
                policy->default_limits[i] = UINT32_MAX;
        policy->default_limits[POLICY_LISTENERS] = POLICY_LISTENERS_PER_USER_MAX;
        policy->default_limits[POLICY_HOLDS] = POLICY_HOLDS_PER_USER_MAX;
        policy->default_limits[POLICY_CONNECTS] = POLICY_CONNECTS_PER_USER_MAX;
        *out = policy;
        return 0;
}

static void rule_free(PolicyRule *rule)
{
        for (int i = 0; i < POLICY_ACTION_COUNT; i++) {
                for (size_t j = 0; j < rule->allowed[i].count; j++)
                        free(rule->allowed[i].entries[j].text);
                free(rule->allowed[i].entries);
        }
        free(rule->title);
        free(rule);
}

Policy *policy_free(Policy *policy)
{
        if (!policy)
                return NULL;
        for (size_t i = 0; i < policy->n_rules; i++)
                rule_free(policy->rules[i]);
        free(policy->rules);
        free(policy);
        return NULL;
}

void policy_set_audit(Policy *policy, bool audit)
{
        policy->audit = audit;
}

void policy_set_default_limit(Policy *policy, PolicyLimit limit, uint32_t value)
{
        policy->default_limits[limit] = value;
}

int policy_add_rule(Policy *policy, PolicyWho who, uint32_t id, const char *title, PolicyRule **out)
{
        PolicyRule **rules =
                reallocarray(policy->rules, policy->n_rules + 1, sizeof(*policy->rules));
        PolicyRule *rule;

        if (!rules)
                return no_memory();
        policy->rules = rules;
        rule = calloc(1, sizeof(*rule));
        if (!rule)
                return no_memory();
        *rule = (PolicyRule){.who = who, .id = id, .title = strdup(title)};
        if (!rule->title) {
                free(rule);
                return no_memory();
        }
        policy->rules[policy->n_rules++] = rule;
        policy->n_unknown += who == POLICY_UNKNOWN;
        *out = rule;
        return 0;
}

static int check_name_pattern(const char *text)
{
        size_t length = strlen(text);

        if (length == 0 || length >= POLICY_NAME_MAX)
                return error_set(EINVAL, "a name has 1 to %d bytes", POLICY_NAME_MAX - 1);
        for (const char *c = text; *c; c++) {
                if (*c <= ' ' || *c > '~')
                        return error_set(EINVAL, "a name is printable ASCII without blanks");
                if (*c == '*' && c[1])
                        return error_set(EINVAL, "\"%s\": * stands at the end of a name only",
                                         text);
        }
        return 0;
}

static int check_delivery(const char *text)
{
        if (strcmp(text, "relayed") == 0 || strcmp(text, "direct") == 0)
                return 0;
        return error_set(EINVAL, "delivery takes relayed and direct, not \"%.40s\"", text);
}

static int parse_pattern(PolicyAction action, const char *text, AddressPattern *out)
{
        if (action == POLICY_DELIVERY)
                return check_delivery(text);
        return policy_action_is_by_name(action) ? check_name_pattern(text)
                                                : address_pattern_parse(text, out);
}

int policy_check_pattern(PolicyAction action, const char *pattern)
{
        AddressPattern ignored;

        return parse_pattern(action, pattern, &ignored);
}

int policy_rule_allow(PolicyRule *rule, PolicyAction action, const char *pattern)
{
        size_t count = rule->allowed[action].count;
        PolicyEntry *entries, entry = {.text = NULL};
        int r;

        r = parse_pattern(action, pattern, &entry.pattern);
        if (r < 0)
                return r;
        entries = reallocarray(rule->allowed[action].entries, count + 1, sizeof(*entries));
        if (!entries)
                return no_memory();
        rule->allowed[action].entries = entries;
        entry.text = strdup(pattern);
        if (!entry.text)
                return no_memory();
        entries[count] = entry;
        rule->allowed[action].count++;
        return 0;
}

void policy_rule_set_limit(PolicyRule *rule, PolicyLimit limit, uint32_t value)
{
        rule->limits[limit] = value;
        rule->has_limit[limit] = true;
}

size_t policy_count_unknown(const Policy *policy)
{
        return policy->n_unknown;
}

const char *policy_next_unknown(const Policy *policy, size_t *index)
{
        for (; *index < policy->n_rules; (*index)++) {
                if (policy->rules[*index]->who == POLICY_UNKNOWN)
                        return policy->rules[*index]->title;
        }
        return NULL;
}

void policy_set_known(Policy *policy, size_t index, const char *title, PolicyWho who, uint32_t id)
{
        PolicyRule *rule = index < policy->n_rules ? policy->rules[index] : NULL;

        if (!rule || rule->who != POLICY_UNKNOWN || strcmp(rule->title, title) != 0)
                return;
        rule->who = who;
        rule->id = id;
        policy->n_unknown--;
}

size_t policy_rule_count(const Policy *policy)
{
        return policy->n_rules;
}

/* ---- Comparing two ---- */

static bool same_entries(const PolicyRule *a, const PolicyRule *b, PolicyAction action)
{
        if (a->allowed[action].count != b->allowed[action].count)
                return false;
        for (size_t i = 0; i < a->allowed[action].count; i++) {
                if (strcmp(a->allowed[action].entries[i].text,
                           b->allowed[action].entries[i].text) != 0)
                        return false;
        }
        return true;
}

static const PolicyRule *find_rule(const Policy *policy, const char *title)
{
        for (size_t i = 0; i < policy->n_rules; i++) {
                if (strcmp(policy->rules[i]->title, title) == 0)
                        return policy->rules[i];
        }
        return NULL;
}

static void format_limit(const PolicyRule *rule, PolicyLimit limit, char out[static 16])
{
        if (rule->has_limit[limit])
                snprintf(out, 16, "%u", rule->limits[limit]);
        else
                strcpy(out, "the default");
}

static void compare_rules(const PolicyRule *before, const PolicyRule *now,
                          void (*tell)(void *data, const char *sentence), void *data)
{
        char sentence[ERROR_TEXT_MAX], old_limit[16], new_limit[16];

        if (before->who != now->who && now->who == POLICY_UNKNOWN) {
                snprintf(sentence, sizeof(sentence), "policy %s: nobody has that name now",
                         now->title);
                tell(data, sentence);
        } else if (before->who != now->who && before->who == POLICY_UNKNOWN) {
                snprintf(sentence, sizeof(sentence), "policy %s: is for id %u, was for nobody",
                         now->title, now->id);
                tell(data, sentence);
        } else if (before->who != now->who || before->id != now->id) {
                snprintf(sentence, sizeof(sentence), "policy %s: is for id %u, was for %u",
                         now->title, now->id, before->id);
                tell(data, sentence);
        }
        for (int i = 0; i < POLICY_ACTION_COUNT; i++) {
                if (same_entries(before, now, (PolicyAction)i))
                        continue;
                snprintf(sentence, sizeof(sentence), "policy %s: %s changed", now->title,
                         policy_action_name((PolicyAction)i));
                tell(data, sentence);
        }
        for (int i = 0; i < POLICY_LIMIT_COUNT; i++) {
                format_limit(before, (PolicyLimit)i, old_limit);
                format_limit(now, (PolicyLimit)i, new_limit);
                if (strcmp(old_limit, new_limit) == 0)
                        continue;
                snprintf(sentence, sizeof(sentence), "policy %s: %s %s, was %s", now->title,
                         policy_limit_name((PolicyLimit)i), new_limit, old_limit);
                tell(data, sentence);
        }
}

void policy_compare(const Policy *old_policy, const Policy *new_policy,
                    void (*tell)(void *data, const char *sentence), void *data)
{
        char sentence[ERROR_TEXT_MAX];

        for (size_t i = 0; i < old_policy->n_rules; i++) {
                const PolicyRule *before = old_policy->rules[i];
                const PolicyRule *now = find_rule(new_policy, before->title);

                if (now) {
                        compare_rules(before, now, tell, data);
                } else {
                        snprintf(sentence, sizeof(sentence), "policy %s: removed", before->title);
                        tell(data, sentence);
                }
        }
        for (size_t i = 0; i < new_policy->n_rules; i++) {
                if (find_rule(old_policy, new_policy->rules[i]->title))
                        continue;
                snprintf(sentence, sizeof(sentence), "policy %s: added",
                         new_policy->rules[i]->title);
                tell(data, sentence);
        }
}
