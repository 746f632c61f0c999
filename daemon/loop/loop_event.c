/* An event of the loop. See loop_event.h. */
#include "daemon/loop/loop_event.h"

#include "daemon/loop/loop.h"

#include <stdlib.h>

static void on_event(evutil_socket_t fd, short what, void *data)
{
        LoopEvent *event = data;
        Loop *loop = event->loop; /* the event may be freed by its callback */

        turn_begin(&loop->turn);
        event->call(fd, what, event->data);
        later_returned(&loop->later);
}

LoopEvent *loop_event_new(Loop *loop, int borrow_fd, short what, event_callback_fn call, void *data)
{
        LoopEvent *event = malloc(sizeof(*event));

        if (!event)
                return NULL;
        event->loop = loop;
        event->call = call;
        event->data = data;
        if (event_assign(&event->event, loop->base, borrow_fd, what, on_event, event) < 0) {
                free(event);
                return NULL;
        }
        return event;
}

LoopEvent *loop_timer_new(Loop *loop, event_callback_fn call, void *data)
{
        return loop_event_new(loop, -1, 0, call, data);
}

LoopEvent *loop_event_free(LoopEvent *event)
{
        if (!event)
                return NULL;
        event_del(&event->event);
        free(event);
        return NULL;
}

int loop_event_add(LoopEvent *event, const struct timeval *time)
{
        return event_add(&event->event, time);
}

int loop_event_del(LoopEvent *event)
{
        return event_del(&event->event);
}

void loop_event_del_time(LoopEvent *event)
{
        event_remove_timer(&event->event);
}

bool loop_event_is_added(const LoopEvent *event)
{
        return event &&
               event_pending(&event->event, EV_READ | EV_WRITE | EV_SIGNAL | EV_TIMEOUT, NULL);
}

void loop_event_activate(LoopEvent *event)
{
        event_active(&event->event, EV_TIMEOUT, 1);
}
