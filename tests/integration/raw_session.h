/*
 * A session spoken frame by frame, without the library: what the daemon shows of it is what is
 * said here. These end the test when something goes wrong.
 */
#pragma once

#include "client/handle/daemon_connection.h"
#include "core/readiness.h"
#include "tests/support/daemon.h"

#include <stdint.h>

/* program may be NULL. The connection's fd is the caller's. */
DaemonConnection raw_session_open(const TestDaemon *daemon, const char *program);

/* Registers borrow_fd under the first generation of a slot. */
void raw_session_add_source(const DaemonConnection *connection, uint32_t slot, int borrow_fd,
                            Readiness interest);

/* It is when the session has settled. */
void raw_session_become_direct(const DaemonConnection *connection);

/* Asks for Status and reads until it comes: the daemon has done, and told, all that was asked for
 * before, and refused nothing. */
void raw_session_settle(const DaemonConnection *connection);

/* Asks for Status: 0 or -errno. */
int raw_session_get_status(const DaemonConnection *connection);
