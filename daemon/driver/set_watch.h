/*
 * SetWatch: the loop's wait for a session's epoll set, which is taken up and laid down again as the
 * session may be served or not.
 *
 * To add a set to the loop's own, the kernel looks at every entry in it, a quarter of a millisecond
 * for a thousand. So it is added once, while it is empty, and an event that never comes (a set is
 * never writable) keeps it there: laying the other one down and taking it up is a change of the
 * entry, whatever is in the set.
 *
 * A change has to have the set's lock, which the kernel holds while it lists the entries. So before
 * that it is taken out (set_watch_leave), and added anew with the next set_watch_arm().
 */
#pragma once

#include "daemon/loop/loop_event.h"

#include <event2/event.h>
#include <stdbool.h>

typedef struct SetWatch {
        Loop *loop;
        event_callback_fn on_ready;
        void *data;
        LoopEvent *ready;  /* NULL until it is opened */
        LoopEvent *anchor; /* keeps the set in the loop's */
} SetWatch;

/* on_ready is called with data when something in the set is ready; loop has to outlive it. */
void set_watch_init(SetWatch *watch, Loop *loop, event_callback_fn on_ready, void *data);
/* Starts waiting. 0, or -ENOMEM: it is not open, and may be tried again. */
int set_watch_open(SetWatch *watch, int borrow_epoll_fd);
/* Before the set is closed. Does nothing if it is not open. */
void set_watch_close(SetWatch *watch);

/* Waits, or does not for now; nothing if it is not open. 0 or -1. */
int set_watch_arm(SetWatch *watch, bool waits);
/* The kernel is about to be asked what is in the set. */
void set_watch_leave(SetWatch *watch);
