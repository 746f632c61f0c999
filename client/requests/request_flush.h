/*
 * Sending requests: those that are queued, in their order; as many in a packet as the daemon takes.
 *
 * Called with the handle's lock held.
 */
#pragma once

#include "client/requests/request.h"

/* Sends what is queued, or only what is urgent of it: 0, -EAGAIN or -EHOSTDOWN. */
int request_flush(KyronIoDriverHandle *handle, bool urgent_only);
