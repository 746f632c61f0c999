/*
 * Opening: descriptors that the daemon is asked for by an address or a name, as Connect, Bind and
 * TakeListener do. The object is made beforehand, with a slot whose id is offered in the request,
 * so the descriptor that comes is registered already.
 *
 * Each returns KYRON_PENDING or a negative errno, with error_text(). *out is NULL until the
 * operation has succeeded, and then the caller's.
 */
#pragma once

#include "client/net/new_socket.h"
#include "client/readiness/bridged_fd.h"

int opening_connect(KyronBridgedFd **out, KyronIoDriverHandle *handle, const char *address,
                    unsigned timeout_ms, KyronOperation *operation);
int opening_bind(KyronBridgedFd **out, KyronIoDriverHandle *handle, const char *address,
                 KyronOperation *operation);
/* kind: what the listener has to be. */
int opening_take(KyronBridgedFd **out, KyronIoDriverHandle *handle, const SocketKind *kind,
                 const char *name, const char *address, const KyronListenerOptions *options,
                 KyronOperation *operation);
