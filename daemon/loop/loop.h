/*
 * daemon/loop/: when somebody is called, not who.
 *
 * Loop: the one libevent loop that everything runs in, and what wakes it.
 *
 * The events are made by loop_event.h. Another thread that has something for the loop writes
 * wake_fd, an eventfd; who runs the loop waits for it and looks. Single-threaded but for that.
 */
#pragma once

#include "daemon/loop/later.h"
#include "daemon/loop/turn.h"

struct event_base;

struct Loop {
        struct event_base *base;
        int wake_fd;
        Turn turn;
        Later later;
        WakerList unarmed; /* their timers could not be armed: timer.h */
};

/* Static initializer: closed. */
#define LOOP_INIT                                                                                  \
        {                                                                                          \
                .wake_fd = -1                                                                      \
        }

/* 0 or -errno with error_text(). */
int loop_open(Loop *loop);
/* All events are freed before. Does nothing if it is closed. */
void loop_close(Loop *loop);
