/*
 * Timers that have to be armed. A timer that is not pending takes memory to arm, and one that is
 * not armed is waited for in vain; so who waits for one looks again instead, in the loop's next
 * turn.
 */
#pragma once

#include "daemon/loop/loop.h"

/* Arms a timer. Without the memory for it, again is woken in the loop's next turn: to do what the
 * timer was to do, or to arm it anew. */
void timer_arm(Loop *loop, LoopEvent *timer, const struct timeval *time, Waker *again);
/* Wakes those whose timers could not be armed: the loop was woken. */
void timer_look_again(Loop *loop);
