/*
 * daemon/restart/: what goes on over a reload, a restart or a handover.
 *
 * Restore: takes over what an earlier run of the daemon owned. Each thing is checked like anything
 * from outside. What cannot be used is closed, with a line in the log, and the rest goes on.
 *
 * The configuration has the last word on listeners: the socket of one that is configured is taken
 * instead of a new one, whoever it was opened for; one that was configured and is no more is
 * closed. A client's stays as long as if its last worker had just left.
 */
#pragma once

#include "daemon/restart/owned.h"

/* Each takes what it is about from the list. After the configuration and before anything new is
 * opened; the first opens what is configured and did not come back: 0, or -errno with
 * error_text(). */
int restore_listeners(Daemon *daemon, OwnedList *list);
void restore_holds(Daemon *daemon, OwnedList *list);
/* After the listeners. */
void restore_connections(Daemon *daemon, OwnedList *list);
