/* Who serves a set. See loop.h. */
#include "waits/loop.h"

#include "waits/system_call.h"

#include <stddef.h>

/* Whether any waits for the set, and whether one has all the time; and whether that is for this
 * user to see. */
static LoopState look_for_waiters(const Process *before, const Process *process, int set)
{
        LoopState state = process->thread_count > 0 ? LOOP_RUNNING : LOOP_UNKNOWN;

        for (size_t i = 0; i < process->thread_count; i++) {
                const ThreadState *now = &process->threads[i];
                const ThreadState *then = before ? process_find_thread(before, now->tid) : NULL;

                if (!now->call_known)
                        return LOOP_UNKNOWN;
                if (!thread_waits_for_set(now, set))
                        continue;
                if (then && thread_slept(then, now))
                        return LOOP_ASLEEP;
                state = LOOP_WAITING;
        }
        return state;
}

/* The one thread that has not slept all the time, or the only one there is; NULL: it is not clear
 * which that is, or it waited for the set before. */
static const ThreadState *find_server(const Process *before, const Process *process, int set,
                                      const ThreadState **out_then)
{
        const ThreadState *server = process->thread_count == 1 ? process->threads : NULL;

        if (before->thread_count != process->thread_count)
                return NULL;
        for (size_t i = 0; i < process->thread_count; i++) {
                const ThreadState *now = &process->threads[i];
                const ThreadState *then = process_find_thread(before, now->tid);

                if (!then || !then->call_known || thread_waits_for_set(then, set))
                        return NULL;
                if (!thread_slept(then, now) && server && server != now)
                        return NULL;
                if (!thread_slept(then, now))
                        server = now;
        }
        *out_then = server ? process_find_thread(before, server->tid) : NULL;
        return server;
}

/* Of a poll, which there is only while its thread waits in it. */
static LoopState look_at_poll(const Process *before, const Process *process, pid_t tid)
{
        const ThreadState *now = process_find_thread(process, tid);
        const ThreadState *then = before ? process_find_thread(before, tid) : NULL;

        return now && then && thread_slept(then, now) ? LOOP_ASLEEP : LOOP_WAITING;
}

Loop loop_look(const Process *before, const Process *process, const WaitSet *set)
{
        Loop loop = {.state = LOOP_STOPPED, .call = -1, .number = -1};
        const ThreadState *server = NULL, *then = NULL;

        if (process_is_stopped(process))
                return loop;
        if (set->kind != WAIT_SET_EPOLL) {
                loop.state = look_at_poll(before, process, set->tid);
                return loop;
        }
        loop.state = look_for_waiters(before, process, set->number);
        if (loop.state == LOOP_RUNNING && before)
                server = find_server(before, process, set->number, &then);
        if (!server || !then)
                return loop;
        if (thread_slept(then, server) && system_call_waits_for_many(server->call)) {
                /* For that set, too, perhaps. */
                loop.state = LOOP_WAITING;
        } else if (thread_slept(then, server)) {
                loop.state = LOOP_BLOCKED;
                loop.call = server->call;
                if (system_call_has_descriptor(server->call))
                        loop.number = (int)server->argument;
        } else if (thread_never_slept(then, server)) {
                bool starved;

                loop.percent = thread_share(then, server, &starved);
                loop.state = starved ? LOOP_STARVED : LOOP_BUSY;
                loop.kernel_percent = thread_kernel_share(then, server);
        }
        return loop;
}
