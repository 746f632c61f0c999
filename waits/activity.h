/*
 * Activity: what the threads of a process have done from one sample to the other, whomever they
 * serve.
 */
#pragma once

#include "waits/process.h"

typedef enum ActivityState {
        ACTIVITY_UNKNOWN, /* not for this user to see, or there were others before */
        ACTIVITY_STOPPED,
        ACTIVITY_BUSY,    /* one has run all the time, or wanted to, */
        ACTIVITY_STARVED, /* and had less than a third of that */
        ACTIVITY_ASLEEP,  /* all have slept all the time */
        ACTIVITY_MIXED,   /* they have run, and slept */
} ActivityState;

typedef struct Activity {
        ActivityState state;
        unsigned percent; /* of a processor, of who is busy or starved */
        bool waits;       /* asleep: one of them in a call that waits for several descriptors */
        int64_t call;     /* asleep: in which the first thread sleeps */
} Activity;

/* before: the process in the first sample; NULL: it was not there. */
Activity activity_look(const Process *before, const Process *process);
