/*
 * One connection of a load: sends a message, awaits it back, compares, and so on.
 *
 * Both directions are used at once, each by an operation of its own, so that a message larger than
 * the sockets hold does not block itself. A datagram that gets lost is sent again.
 *
 * Under chaos it pauses for a random time before some messages, and at random times takes back the
 * operations that wait and starts them again: each has to complete all the same.
 */
#pragma once

#include "load_process.h"

/* NULL: no memory. */
LoadConnection *load_connection_new(LoadProcess *process, const LoadTarget *target,
                                    uint32_t number);
void load_connection_free(LoadConnection *connection);

void load_connection_open(LoadConnection *connection);

/* To be called at every tick of the process. */
void load_connection_tick(LoadConnection *connection);

/* Says what an unfinished connection was waiting for, and counts it as failed. */
void load_connection_give_up(LoadConnection *connection);
