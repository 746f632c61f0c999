/* Timers that have to be armed. See timer.h. */
#include "daemon/loop/timer.h"

#include "daemon/process/log.h"

#include <sys/eventfd.h>

void timer_arm(Loop *loop, LoopEvent *timer, const struct timeval *time, Waker *again)
{
        if (loop_event_add(timer, time) == 0)
                return;
        log_daemon(LOG_WARNING, "no memory for a timer: looking again at once");
        waker_wait(again, &loop->unarmed);
        eventfd_write(loop->wake_fd, 1);
}

void timer_look_again(Loop *loop)
{
        waker_list_wake_all(&loop->unarmed);
}
