/* Timers that nobody reads. See scene.h. */
#include "waits/scene.h"

#include <sys/epoll.h>

static const TimerState *find_timer(const Process *process, int number)
{
        for (size_t i = 0; i < process->timer_count; i++) {
                if (process->timers[i].number == number)
                        return &process->timers[i];
        }
        return NULL;
}

/* The entry of a timer; NULL: the set does not wait for it. */
static const WaitEntry *find_entry(const Scene *scene, const WaitSet *set, int number)
{
        for (size_t i = 0; i < set->count; i++) {
                const WaitEntry *entry = &set->entries[i];

                if (entry->number == number && entry->events & EPOLLIN &&
                    !socket_table_find(&scene->second->sockets, entry->inode))
                        return entry;
        }
        return NULL;
}

/* Of a timer that expires once, one that is never read has done its work. */
static bool is_late(const Scene *scene, const TimerState *then, const TimerState *now,
                    const WaitEntry *entry, LoopState state)
{
        if (now->ticks == 0 || then->ticks == 0 || now->interval_ms == 0 ||
            now->interval_ms != then->interval_ms)
                return false;
        if (state == LOOP_ASLEEP)
                return entry->events & EPOLLET;
        return state == LOOP_BLOCKED && now->interval_ms < scene->apart_ms;
}

static void look_at_timer(Scene *scene, const TimerState *now)
{
        const TimerState *then = find_timer(scene->before, now->number);
        const Process *process = scene->process;
        Diagnosis diagnosis = {
                .kind = DIAGNOSIS_LATE_TIMER,
                .number = now->number,
                .descriptor = descriptor_table_find(&process->descriptors, now->number),
                .since_ms = scene->apart_ms,
                .amount = now->interval_ms,
        };

        for (size_t i = 0; then && i < process->set_count; i++) {
                const WaitSet *set = &process->sets[i];
                const WaitEntry *entry = find_entry(scene, set, now->number);

                diagnosis.set = set->number;
                if (entry)
                        diagnosis.loop = loop_look(scene->before, process, set);
                if (entry && is_late(scene, then, now, entry, diagnosis.loop.state) &&
                    !scene_set_is_inherited(scene, set)) {
                        scene->visit(scene->data, &diagnosis);
                        return;
                }
        }
}

void diagnose_timers(Scene *scene)
{
        for (size_t i = 0; i < scene->process->timer_count; i++) {
                if (scene->process->timers[i].ticks > 0)
                        look_at_timer(scene, &scene->process->timers[i]);
        }
}
