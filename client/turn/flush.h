/*
 * Flush: what is to be sent to the daemon leaves in one order: requests that have to be there
 * before it hears what was taken; who waits from now on; the registrations, and the ends of some;
 * the question whether it has them; claims; the other requests; and the endpoints' offers.
 */
#pragma once

#include "client/handle/io_driver_handle.h"

/* Sends all that is to be sent, as far as the daemon reads. Lock held. */
void flush_all(KyronIoDriverHandle *handle);
