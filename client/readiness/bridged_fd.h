/*
 * BridgedFd: a descriptor the library owns, with its AsyncRegistration. The net types are
 * BridgedFds under names of their own: `struct KyronTcpStream { KyronBridgedFd bridged_fd; }`, so
 * each can be had from the other by its address.
 */
#pragma once

#include "client/readiness/async_registration.h"

struct KyronBridgedFd {
        KyronAsyncRegistration registration;
};

/*
 * Makes one of take_fd, which is non-blocking already. arm: interest to register along with
 * whatever is waited for first, for kinds where it costs no extra events. 0, or with error_text():
 * -ENOMEM, -EOWNERDEAD; take_fd is then closed.
 */
int bridged_fd_new(KyronBridgedFd **out, KyronIoDriverHandle *handle, int take_fd, Readiness arm);

/* kyron_bridged_fd_close() for connected streams. One that was registered is ended first: the
 * daemon may have a copy of the descriptor for a moment yet, and the peer shall see the end now;
 * and as close() would have ended it, also where that breaks the connection off. */
void bridged_fd_close_stream(KyronBridgedFd *bridged_fd);

/* As kyron_bridged_fd_async_call(), for an operation that has to wait before its first try. */
int bridged_fd_async_call_after_wait(KyronBridgedFd *bridged_fd, KyronOperation *operation,
                                     Readiness interest, KyronIoFunction function);
