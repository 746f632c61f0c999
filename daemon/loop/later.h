/*
 * Later: who is called once the present callback is over, so that nothing ends or changes while
 * somebody else's event is served; or after a moment, since the kernel was short of something.
 */
#pragma once

#include "daemon/loop/loop_event.h"
#include "daemon/loop/waker.h"

enum {
        /* How long to wait when the kernel is short of something. */
        LATER_MOMENT_MS = 20,
};

typedef struct Later {
        Loop *loop;
        WakerList on_return;
        WakerList now;
        WakerList moment;
        LoopEvent *over;   /* the present callback is */
        LoopEvent *passed; /* the moment has */
        Waker again;       /* that could not be armed */
} Later;

/* 0 or -ENOMEM. */
int later_open(Later *later, Loop *loop);
void later_close(Later *later);

/* Wakes it when the present callback has returned, before anything else. */
void later_wake_on_return(Later *later, Waker *waker);
/* Wakes it once the present callback is over, and others that are due: once, however often this is
 * said. */
void later_wake(Later *later, Waker *waker);
/* Wakes it after a moment, unless it is woken before. */
void later_wake_in_a_moment(Later *later, Waker *waker);

/* For loop_event.c: a callback has returned. */
void later_returned(Later *later);
/* Wakes now those who wait for the end of a callback: at the end of one that is about none of
 * them. Whoever comes to the list meanwhile is woken, too. */
void later_run(Later *later);
