/*
 * What processes /proc does not list to this user at all, so that nobody could count them.
 */
#pragma once

#include <stdbool.h>

/* Whether it is mounted with hidepid: of other users' processes it lists none then, but to root, a
 * group and who may trace them. */
bool process_list_hides(void);
/* Whether this is a PID namespace inside the machine's: nobody outside of it is listed. */
bool process_list_is_inner(void);
