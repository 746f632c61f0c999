/*
 * Arrival: a shared listener's connection on its way from the daemon to the program.
 *
 * It comes with a Connections frame, for an id that the endpoint offered, in any turn of
 * process_io; and waits in the endpoint until the program accepts it. Only then is the daemon told
 * that it was taken: what is given back before goes to another worker.
 *
 * Guarded by the handle's lock.
 */
#pragma once

#include "client/requests/endpoint.h"

/* Puts what has come with a frame where it belongs, and wakes who accepts. Lock held. */
void arrival_receive(KyronIoDriverHandle *handle, const Iod__Connections *connections, FdList *fds);

/* What has arrived and was not accepted is closed, and its ids are offered again. Lock held. */
void arrival_give_back(KyronEndpoint *endpoint);
/* The daemon lives, and has given what was not accepted to others. Lock held. */
void arrival_give_back_all(KyronIoDriverHandle *handle);
