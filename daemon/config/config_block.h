/*
 * What a block of the configuration says: a listener, a policy. All return 0, or -errno with
 * error_text() that does not have the place yet.
 */
#pragma once

#include "daemon/config/config.h"

#include <confuse.h>

int config_block_listener(cfg_t *block, ListenerConfig *out);
/* Adds its rule. 1 with error_text(): nobody knows the user or group now, and it is for nobody. */
int config_block_policy(cfg_t *block, Policy *policy);
/* Whom a policy of this title is for: 0; 1 with error_text(): nobody knows the user or group now;
 * or -EINVAL. Asks the name service. */
int config_block_find_whom(const char *title, PolicyWho *who, uint32_t *id);
/* Adds the rule of a private instance without any: its user may do everything. */
int config_block_allow_own_user(Policy *policy);
