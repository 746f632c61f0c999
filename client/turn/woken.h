/*
 * Woken: whose wait has ended, and the requests that have. In
 * process_io they are called, or go on, one at a time and without the lock.
 */
#pragma once

#include "client/handle/io_driver_handle.h"

/* Whether there is something to run. Lock held. */
bool woken_is_any(const KyronIoDriverHandle *handle);

/* Calls the wakers and runs the operations whose turn it is, but none that come meanwhile; returns
 * how many. In process_io only. Lock held, but not while they run. */
int woken_run(KyronIoDriverHandle *handle);
