/* What processes do. See activity.h. */
#include "waits/activity.h"

#include "waits/system_call.h"

#include <stddef.h>

Activity activity_look(const Process *before, const Process *process)
{
        Activity activity = {.state = ACTIVITY_UNKNOWN, .call = -1};
        size_t asleep = 0;

        if (process_is_stopped(process))
                activity.state = ACTIVITY_STOPPED;
        if (process_is_stopped(process) || !before || process->thread_count == 0)
                return activity;
        for (size_t i = 0; i < process->thread_count; i++) {
                const ThreadState *now = &process->threads[i];
                const ThreadState *then = process_find_thread(before, now->tid);
                bool starved;

                if (then && thread_never_slept(then, now)) {
                        activity.percent = thread_share(then, now, &starved);
                        activity.state = starved ? ACTIVITY_STARVED : ACTIVITY_BUSY;
                        return activity;
                }
                if (then && thread_slept(then, now)) {
                        asleep++;
                        activity.waits |= system_call_waits_for_many(now->call);
                }
                if (i == 0)
                        activity.call = now->call;
        }
        if (asleep == process->thread_count)
                activity.state = ACTIVITY_ASLEEP;
        else if (process->threads[0].call_known)
                activity.state = ACTIVITY_MIXED;
        return activity;
}
