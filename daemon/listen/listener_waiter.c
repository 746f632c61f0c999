/* Who waits for a listener. See listener_waiter.h. */
#include "daemon/listen/listener_waiter.h"

#include <stdio.h>

static void tell(void *data)
{
        ListenerWaiter *waiter = data;

        if (waiter->result < 0)
                error_set(-waiter->result, "%s", waiter->why);
        waiter->opened(waiter, waiter->result);
}

void listener_waiter_wait(ListenerWaiter *waiter, Listener *listener,
                          void (*opened)(ListenerWaiter *waiter, int r))
{
        waiter->listener = listener;
        waiter->opened = opened;
        waker_init(&waiter->told, tell, waiter);
        TAILQ_INSERT_TAIL(&listener->waiters, waiter, link);
}

void listener_waiter_cancel(ListenerWaiter *waiter)
{
        if (waiter->listener)
                TAILQ_REMOVE(&waiter->listener->waiters, waiter, link);
        waiter->listener = NULL;
        waker_cancel(&waiter->told);
}

void listener_waiters_tell(Listener *listener, int r)
{
        ListenerWaiter *waiter;

        while ((waiter = TAILQ_FIRST(&listener->waiters))) {
                TAILQ_REMOVE(&listener->waiters, waiter, link);
                waiter->listener = NULL;
                waiter->result = r;
                snprintf(waiter->why, sizeof(waiter->why), "%s", r < 0 ? error_text() : "");
                later_wake(&listener->group.listeners->loop->later, &waiter->told);
        }
}
