/*
 * Moving: the registrations from the daemon to this process and back, as handle_delivery.h says,
 * while events, registrations, closes and outages go on.
 *
 * To direct: everything that is waited for is added to the handle's own Selector, and then the
 * daemon is told with SetDelivery; it forgets what it had. To relayed: the daemon is told, and sent
 * everything, as after an outage; the answer to a GetStatus that follows ends the local serving
 * (local_driver.h). So at any time one of the two has each of them, and adding to a set reports
 * what is ready: no event is lost, nobody waits for the move, and what both report wakes a waiter
 * once more than needed.
 *
 * One SetDelivery at a time: what the program wants meanwhile is done after the answer. One that is
 * refused is as if the daemon had never been told, and is not tried again in that session.
 *
 * In an outage nothing moves. Who is direct goes on being served here, and tells the next daemon,
 * unless that allows relayed alone.
 *
 * Every function here is called in process_io, with the handle's lock held.
 */
#pragma once

#include "client/handle/io_driver_handle.h"

/* Begins a move, if one is due. There is a session. */
void moving_settle(KyronIoDriverHandle *handle);
/* Tells the daemon, before it is sent any registration: 0, -EAGAIN or -EHOSTDOWN. */
int moving_flush(KyronIoDriverHandle *handle);
/* The daemon's answer: it is done, or refused. */
void moving_on_answer(KyronIoDriverHandle *handle, bool is_done);
/* There is a session again, after an outage. */
void moving_on_session(KyronIoDriverHandle *handle);
/* It is time to look whether auto is to come back. */
void moving_on_timer(KyronIoDriverHandle *handle);
