/* TimerState: whether a timerfd of another process has expired and was not read. */
#pragma once

#include <stdint.h>

typedef struct TimerState {
        int number;           /* its descriptor */
        uint64_t ticks;       /* 0: it has not expired since it was read or set */
        uint64_t interval_ms; /* 0: it expires once */
} TimerState;

/* Of the process of this directory in /proc. Does not hang. 0 or -errno. */
int timer_state_read(int borrow_directory, int number, TimerState *out);
