/*
 * ListenerWaiter: who waits until it is known what has come of opening a listener's socket. Part of
 * its owner.
 */
#pragma once

#include "core/error.h"
#include "daemon/listen/listener.h"

typedef struct ListenerWaiter ListenerWaiter;
struct ListenerWaiter {
        TAILQ_ENTRY(ListenerWaiter) link;
        Listener *listener; /* NULL: it is told next */
        Waker told;
        int result;
        char why[ERROR_TEXT_MAX];
        /* Once, when the callback in which it was known is over: 0 it has its socket; -errno with
         * error_text(), and a client's new one is gone. */
        void (*opened)(ListenerWaiter *waiter, int r);
};

/* Begins to wait; the listener is being opened. */
void listener_waiter_wait(ListenerWaiter *waiter, Listener *listener,
                          void (*opened)(ListenerWaiter *waiter, int r));
/* It waits no more, if it did. */
void listener_waiter_cancel(ListenerWaiter *waiter);

/* For listener_socket.c: tells all of them, with error_text() if r is negative, which stays. */
void listener_waiters_tell(Listener *listener, int r);
