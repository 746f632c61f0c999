/* Who may have the daemon do what. See policy.h. */
#include "daemon/config/policy.h"

#include "core/error.h"
#include "daemon/config/policy_rule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Bytes that an object keeps at least when it is cut to fit in a sentence. */
enum { OBJECT_LEAST = 8 };

static bool is_theirs(const PolicyRule *rule, const PolicySubject *subject)
{
        if (rule->who == POLICY_EVERYONE)
                return true;
        if (rule->who == POLICY_UNKNOWN)
                return false;
        if (rule->who == POLICY_USER)
                return rule->id == subject->uid;
        for (size_t i = 0; i < subject->n_groups; i++) {
                if (rule->id == subject->groups[i])
                        return true;
        }
        return false;
}

static bool name_matches(const char *pattern, const char *name)
{
        size_t length = strlen(pattern);

        if (pattern[length - 1] == '*')
                return strncmp(name, pattern, length - 1) == 0;
        return strcmp(name, pattern) == 0;
}

/* The entry that allows it, or NULL. */
static const PolicyEntry *find_entry(const PolicyRule *rule, PolicyAction action,
                                     const Address *address, const char *name)
{
        for (size_t i = 0; i < rule->allowed[action].count; i++) {
                const PolicyEntry *entry = &rule->allowed[action].entries[i];

                if (policy_action_is_by_name(action)
                            ? name_matches(entry->text, name)
                            : address_pattern_matches(&entry->pattern, address))
                        return entry;
        }
        return NULL;
}

/* The titles of the rules that are theirs, with ", " between; how many there are is returned. What
 * does not fit is left out. */
static size_t list_rules(const Policy *policy, const PolicySubject *subject, char *out, size_t size,
                         const PolicyRule **first)
{
        size_t count = 0, length = 0;

        *out = '\0';
        *first = NULL;
        for (size_t i = 0; i < policy->n_rules; i++) {
                const PolicyRule *rule = policy->rules[i];
                int n;

                if (!is_theirs(rule, subject))
                        continue;
                if (count++ == 0)
                        *first = rule;
                n = snprintf(out + length, size - length, "%s%s", count > 1 ? ", " : "",
                             rule->title);
                length = length + (size_t)n < size ? length + (size_t)n : size - 1;
        }
        return count;
}

/* Cuts text with dots so that it has at most room bytes. */
static void cut(char *text, size_t room)
{
        if (strlen(text) > room)
                strcpy(text + room - strlen("..."), "...");
}

static int refuse(const Policy *policy, const PolicySubject *subject, PolicyAction action,
                  char object[static ADDRESS_TEXT_MAX])
{
        static const char not_in[] = ": not in policy ";
        char head[64], tail[ADDRESS_TEXT_MAX], more[32] = "";
        const PolicyRule *first;
        size_t count, room;

        snprintf(head, sizeof(head), "uid %u may not %s ", subject->uid,
                 policy_action_verb(action));
        room = ERROR_WIRE_MAX - strlen(head);
        count = list_rules(policy, subject, tail, sizeof(tail), &first);
        if (count == 0) {
                static const char none[] = ": no policy is for this user";

                cut(object, room - strlen(none));
                return error_set(EACCES, "%s%s%s", head, object, none);
        }
        room -= strlen(not_in);
        /* All of them if they fit, else the first and how many there are beside it. */
        if (strlen(object) + strlen(tail) > room) {
                if (count > 1)
                        snprintf(more, sizeof(more), " and %zu more", count - 1);
                room -= strlen(more);
                snprintf(tail, sizeof(tail), "%s", first->title);
                cut(tail, room - OBJECT_LEAST);
                cut(object, room - strlen(tail));
        }
        return error_set(EACCES, "%s%s%s%s%s", head, object, not_in, tail, more);
}

/* What is asked for as text. Names come from clients: what cannot be printed is not. */
static void format_object(PolicyAction action, const Address *address, const char *name,
                          char out[static ADDRESS_TEXT_MAX])
{
        if (!policy_action_is_by_name(action)) {
                address_format(address, out);
                return;
        }
        snprintf(out, ADDRESS_TEXT_MAX, "%s", name);
        for (; *out; out++) {
                if (*out < ' ' || *out > '~')
                        *out = '?';
        }
}

int policy_decide(const Policy *policy, const PolicySubject *subject, PolicyAction action,
                  const Address *address, const char *name, char rule[static POLICY_RULE_MAX])
{
        char object[ADDRESS_TEXT_MAX];
        bool is_named = action != POLICY_DELIVERY;

        for (size_t i = 0; i < policy->n_rules; i++) {
                const PolicyRule *theirs = policy->rules[i];
                const PolicyEntry *entry;

                if (!is_theirs(theirs, subject))
                        continue;
                is_named = is_named || theirs->allowed[action].count > 0;
                entry = find_entry(theirs, action, address, name);
                if (!entry)
                        continue;
                snprintf(rule, POLICY_RULE_MAX, "policy \"%s\", %s \"%s\"", theirs->title,
                         policy_action_name(action), entry->text);
                return 0;
        }
        if (!is_named) {
                snprintf(rule, POLICY_RULE_MAX, "no policy of theirs names a delivery");
                return 0;
        }
        *rule = '\0';
        format_object(action, address, name, object);
        return refuse(policy, subject, action, object);
}

uint32_t policy_directory(const Policy *policy, const PolicySubject *subject,
                          const Address *address)
{
        size_t most = 1;

        for (size_t i = 0; i < policy->n_rules; i++) {
                const PolicyRule *rule = policy->rules[i];

                for (size_t j = 0; j < rule->allowed[POLICY_LISTEN].count; j++) {
                        const AddressPattern *pattern =
                                &rule->allowed[POLICY_LISTEN].entries[j].pattern;

                        if (is_theirs(rule, subject) && address_pattern_matches(pattern, address) &&
                            address_pattern_directory(pattern) > most)
                                most = address_pattern_directory(pattern);
                }
        }
        return (uint32_t)most;
}

uint32_t policy_limit(const Policy *policy, const PolicySubject *subject, PolicyLimit limit)
{
        uint32_t largest = 0;
        bool is_named = false;

        for (size_t i = 0; i < policy->n_rules; i++) {
                const PolicyRule *rule = policy->rules[i];

                if (!rule->has_limit[limit] || !is_theirs(rule, subject))
                        continue;
                is_named = true;
                if (rule->limits[limit] > largest)
                        largest = rule->limits[limit];
        }
        return is_named ? largest : policy->default_limits[limit];
}

bool policy_is_audit(const Policy *policy)
{
        return policy->audit;
}

/* What the subject's own rule is called: "user:www". */
static void name_user(const Policy *policy, const PolicySubject *subject, char *out, size_t size)
{
        snprintf(out, size, "user:%u", subject->uid);
        for (size_t i = 0; i < policy->n_rules; i++) {
                const PolicyRule *rule = policy->rules[i];

                if (rule->who == POLICY_USER && rule->id == subject->uid)
                        snprintf(out, size, "%s", rule->title);
        }
}

void policy_suggest(const Policy *policy, const PolicySubject *subject, PolicyAction action,
                    const Address *address, const char *name, char *out, size_t size)
{
        char object[ADDRESS_TEXT_MAX], quoted[2 * ADDRESS_TEXT_MAX], user[ADDRESS_TEXT_MAX];
        char *end = quoted;

        name_user(policy, subject, user, sizeof(user));
        format_object(action, address, name, object);
        /* In the configuration's strings a backslash quotes, and ${NAME} is a variable. */
        for (const char *c = object; *c; c++) {
                if (strchr("\"\\$", *c))
                        *end++ = '\\';
                *end++ = *c;
        }
        *end = '\0';
        snprintf(out, size, "policy \"%s\" { %s = {\"%s\"} }", user, policy_action_name(action),
                 quoted);
}

/* ---- Reading it ---- */

static size_t count_lines(const PolicyRule *rule)
{
        size_t n = 0;

        for (int i = 0; i < POLICY_ACTION_COUNT; i++)
                n += rule->allowed[i].count;
        for (int i = 0; i < POLICY_LIMIT_COUNT; i++)
                n += rule->has_limit[i];
        return n;
}

/* number is below count_lines(). */
static void rule_line(const PolicyRule *rule, size_t number, PolicyLine *out)
{
        *out = (PolicyLine){.policy = rule->title, .unknown = rule->who == POLICY_UNKNOWN};
        for (int i = 0; i < POLICY_ACTION_COUNT; i++) {
                if (number < rule->allowed[i].count) {
                        out->key = policy_action_name((PolicyAction)i);
                        out->pattern = rule->allowed[i].entries[number].text;
                        return;
                }
                number -= rule->allowed[i].count;
        }
        for (int i = 0; i < POLICY_LIMIT_COUNT; i++) {
                if (rule->has_limit[i] && number-- == 0) {
                        out->key = policy_limit_name((PolicyLimit)i);
                        out->limit = rule->limits[i];
                        return;
                }
        }
}

bool policy_line(const Policy *policy, const PolicySubject *subject, size_t number, PolicyLine *out)
{
        if (number < POLICY_LIMIT_COUNT) {
                *out = (PolicyLine){
                        .key = policy_limit_name((PolicyLimit)number),
                        .limit = policy->default_limits[number],
                };
                return true;
        }
        number -= POLICY_LIMIT_COUNT;
        for (size_t i = 0; i < policy->n_rules; i++) {
                const PolicyRule *rule = policy->rules[i];
                size_t n = count_lines(rule);

                if (subject && !is_theirs(rule, subject))
                        continue;
                if (number < n) {
                        rule_line(rule, number, out);
                        return true;
                }
                number -= n;
        }
        return false;
}
