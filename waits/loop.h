/*
 * Loop: what the threads of a process do about one of its epoll sets, by two samples. Where several
 * threads could be the one that serves it, no more is said than that none waits for it.
 */
#pragma once

#include "waits/process.h"

typedef enum LoopState {
        LOOP_UNKNOWN, /* not for this user to see */
        LOOP_ASLEEP,  /* a thread has waited for it all the time */
        LOOP_WAITING, /* one waits for it now */
        LOOP_RUNNING, /* none waits for it now */
        /* None has waited for it, and the one thread that there is, or that did not sleep all the
         * time, has: */
        LOOP_BUSY,    /* run all the time, or wanted to, */
        LOOP_STARVED, /* and had less than a third of that; */
        LOOP_BLOCKED, /* or slept in a call that does not wait for several descriptors. */
        LOOP_STOPPED,
} LoopState;

typedef struct Loop {
        LoopState state;
        unsigned percent;        /* of a processor, of who is busy or starved, */
        unsigned kernel_percent; /* and of that in the kernel */
        int64_t call;            /* of who is blocked */
        int number;              /* and that call's descriptor; -1: none */
} Loop;

/* before: the process in the first sample; NULL: it was not there. */
Loop loop_look(const Process *before, const Process *process, const WaitSet *set);
