/*
 * The parts of the server that have files of their own, for server.c, which puts them together.
 */
#pragma once

#include "daemon/server/server.h"

/* server.c: looks up whose members see and steer everything, from now on. */
void server_find_admin_group(Server *server);

/* server_limits.c: sets the limit of open files so that what was promised can be had, or promises
 * less. 0 or -errno with error_text(). */
int server_reserve_descriptors(Server *server);

/* server_accept.c: new sessions, and those that wait for the closer. 0 or -1. */
int server_accept_make_events(Server *server);

/* Accepts again, if nothing else is about to see to it. */
void server_accept_look_again(Server *server);

/* server_delivery.c: sessions that are to be delivered to. 0 or -1. */
int server_delivery_make_events(Server *server);
/* Delivers to all for whom something waits. */
void server_deliver_due(Server *server);

/* server_timers.c: has everybody look again whose timer could not be armed. */
void server_look_again(Server *server);
