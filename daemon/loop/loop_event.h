/*
 * LoopEvent: an event of the loop. A thin wrapper of libevent's, so that every callback begins the
 * turn (turn.h), and that it costs one allocation.
 *
 * The callback and its arguments are libevent's: the descriptor or signal, EV_READ, EV_WRITE,
 * EV_TIMEOUT or EV_SIGNAL, and data. All is the loop's thread's.
 */
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>

typedef struct Loop Loop;

typedef struct LoopEvent {
        struct event event;
        Loop *loop;
        event_callback_fn call;
        void *data;
} LoopEvent;

/* what: EV_READ, EV_WRITE, EV_SIGNAL and EV_PERSIST. Not waited for yet. NULL: no memory. */
LoopEvent *loop_event_new(Loop *loop, int borrow_fd, short what, event_callback_fn call,
                          void *data);
/* One that only time or loop_event_activate() brings. */
LoopEvent *loop_timer_new(Loop *loop, event_callback_fn call, void *data);
/* Waited for no more; event may be NULL. Returns NULL. */
LoopEvent *loop_event_free(LoopEvent *event);

/* Waits for it, for so long; time may be NULL. 0, or -1: no memory, or no room in the kernel. */
int loop_event_add(LoopEvent *event, const struct timeval *time);
/* Does not wait for it any more. 0 or -1. */
int loop_event_del(LoopEvent *event);
/* Waits on, however long it takes. */
void loop_event_del_time(LoopEvent *event);
/* Whether it is waited for; of NULL, not. */
bool loop_event_is_added(const LoopEvent *event);
/* Calls it once the present callback is over. Takes no memory. */
void loop_event_activate(LoopEvent *event);
