/*
 * What a policy is made of, for policy.c, which asks it, and policy_rule.c, which makes and
 * compares it.
 */
#pragma once

#include "core/address_pattern.h"
#include "daemon/config/policy.h"

/* Something that a rule allows. */
typedef struct PolicyEntry {
        char *text;             /* as the configuration has it */
        AddressPattern pattern; /* where the object is an address */
} PolicyEntry;

struct PolicyRule {
        PolicyWho who;
        uint32_t id;
        char *title;
        struct {
                PolicyEntry *entries;
                size_t count;
        } allowed[POLICY_ACTION_COUNT];
        uint32_t limits[POLICY_LIMIT_COUNT];
        bool has_limit[POLICY_LIMIT_COUNT];
};

struct Policy {
        PolicyRule **rules;
        size_t n_rules;
        size_t n_unknown; /* of them, for nobody */
        uint32_t default_limits[POLICY_LIMIT_COUNT];
        bool audit;
};
