/*
 * A user's limits, as users and show tell them.
 */
#pragma once

#include "proto/iod.pb-c.h"

#include <jansson.h>
#include <stdbool.h>

/* Whether there is as much of it as can be counted. */
bool user_limit_is_none(const Iod__UserLimit *limit);
/* An array of objects; NULL: there was no memory. */
json_t *user_limit_array(const Iod__UserEntry *entry);
