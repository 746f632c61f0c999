/*
 * The parts of the server that have files of their own, for server.c, which puts them together.
 */
#pragma once

#include "daemon/server/server.h"

/* server_limits.c: sets the limit of open files so that what was promised can be had, or promises
 * less. 0 or -errno with error_text(). */
int server_reserve_descriptors(Server *server);

/* server_accept.c: new sessions, and those that wait for the closer. 0 or -1. */
int server_accept_make_events(Server *server);
