/*
 * Local driver: serves the handle's registrations in this process while there is no daemon, and
 * while it is direct (handle/handle_delivery.h).
 *
 * They are added to the handle's own Selector under the ids the daemon knew them by, edge-triggered
 * and armed once, as the daemon has them; and leave it when the next daemon has them. It may take
 * its time to read the packets that register them, as all its clients come at once; so they are
 * followed by a GetStatus, and its answer ends the handover. Until then both may report one event:
 * that wakes a waiter once more than needed, never once less, because adding reports what is ready
 * already.
 *
 * A PassedStream that another worker may have by now is not served before that is known.
 *
 * It also serves, at any time, the kinds of files that no daemon waits for: terminals and other
 * devices, signalfds, epoll sets, and what cannot be passed on to one. So it makes no difference to
 * a program who serves it.
 *
 * Every function here is called with the handle's lock held.
 */
#pragma once

#include "client/handle/io_driver_handle.h"
#include "client/readiness/async_registration.h"

/* Whether it is not known yet whose connection this is. */
bool local_driver_leaves_in_doubt(const KyronIoDriverHandle *handle,
                                  const KyronAsyncRegistration *registration);

/* Serves a registration with what it wants, if this process is to serve any. 0, or the errors of
 * selector_add() with error_text(). */
int local_driver_serve(KyronAsyncRegistration *registration);
/* Serves it here from now on, whoever serves the others. 0, or -errno with error_text(): this
 * process cannot wait for it either. */
int local_driver_take_over(KyronAsyncRegistration *registration);
/* Serves every registration that has been waited for, but for those in doubt. 0, or the last error:
 * those who wait find out by asking again. */
int local_driver_serve_all(KyronIoDriverHandle *handle);
/* The daemon has been sent it. */
void local_driver_hand_over(KyronAsyncRegistration *registration);
/* The daemon has answered the question with this sequence. If it was the last: it has read all it
 * was sent, and what it has is served here no more. */
void local_driver_end_handover(KyronIoDriverHandle *handle, uint32_t sequence);
/* Exchanges the registration's slot for another: there has to be one, or memory for one. In an
 * outage only, when no daemon knows it. */
void local_driver_renumber(KyronAsyncRegistration *registration);
/* Serves it no more. Before its descriptor is closed. */
void local_driver_leave(KyronAsyncRegistration *registration);

/* One event of the handle's Selector that is a registration's. */
void local_driver_wake(KyronIoDriverHandle *handle, const SelectorEvent *event);
