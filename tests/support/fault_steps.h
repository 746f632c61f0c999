/*
 * The steps of fault_scene in which a client asks for something. Each has sessions of its own, so
 * that one that ends costs no other step.
 */
#pragma once

#include "client/kyron.h"

/* Waiting for descriptors, and for one that cannot be waited for. */
void fault_register(void);
void fault_register_file(void);
/* The same while the session goes direct and comes back. */
void fault_move(void);

/* Sockets that the daemon opens, and connections it makes. */
void fault_bind(void);
void fault_connect(const char *host, const char *step);
void fault_cancel_connect(void);
void fault_take_listeners(void);

/* Holds, one of a socket whose last close(), the daemon's, lingers. */
void fault_hold(void);
void fault_hold_lingering(void);

/* Serving a listener; as a worker that dies; having one and leaving. */
void fault_share(const char *name, const char *address, const KyronListenerOptions *options,
                 const char *step);
void fault_share_local(void);
void fault_lose_worker(void);
KyronEndpoint *fault_join(KyronIoDriverHandle *handle, const char *name, const char *address,
                          const KyronListenerOptions *listener);
