/*
 * A listener by its name and its user, where several users have one of that name.
 */
#pragma once

#include "ctl/query.h"

/* The number of the one that owner, a name or a number, has; EXIT_CODE_OK, or another exit code
 * with error_text(). */
ExitCode owned_listener_find(Query *query, const char *name, const char *owner, uint64_t *number);
