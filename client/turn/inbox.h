/*
 * Inbox: what comes from the daemon to the handle, packet by packet: readiness, refusals, answers,
 * connections, and the end of the session.
 *
 * Received descriptors are in the packet's FdList. Whoever they are for takes them out of it; what
 * nobody took is closed with it. A packet whose descriptors are not those that its frame speaks of
 * ends the session.
 *
 * Runs in process_io only.
 */
#pragma once

#include "client/handle/io_driver_handle.h"

/* Receives one packet and runs what it brought; returns how many wakers and operations that were.
 * No lock is held. */
int inbox_receive(KyronIoDriverHandle *handle);
