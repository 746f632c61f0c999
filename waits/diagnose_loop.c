/* Threads that serve nobody. See scene.h. */
#include "waits/scene.h"

#include "waits/poll_set.h"
#include "waits/system_call.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>

enum { DEPTH_MAX = 6 }; /* of sets in each other; the kernel allows fewer */

void diagnose_stop(const Scene *scene)
{
        const Process *process = scene->process;
        const Diagnosis stopped = {
                .kind = process->stat.state == 't' ? DIAGNOSIS_TRACED : DIAGNOSIS_STOPPED,
                .set = -1,
                .number = -1,
                .since_ms = scene->apart_ms,
        };

        if (process_is_stopped(process) && scene->before->stat.state == process->stat.state)
                scene->visit(scene->data, &stopped);
}

/* Whether both samples show the entry ready to be read, and the set tells so again and again. */
static bool is_ready_again(const Scene *scene, const WaitEntry *entry, const Socket *now)
{
        const Socket *then = now ? socket_table_find(&scene->first->sockets, now->inode) : NULL;

        if (!then || then->cookie != now->cookie || now->kind != SOCKET_TCP ||
            socket_is_listening(now) || !(entry->events & EPOLLIN) || entry->events & EPOLLET)
                return false;
        return socket_lay_unread(then, now) ||
               (now->state == TCP_CLOSE_WAIT && then->state == TCP_CLOSE_WAIT &&
                now->receive_queue == 0 && now->times.known &&
                now->times.heard_ms >= DIAGNOSIS_UNREAD_MS);
}

/* NULL: there is none. */
static const WaitEntry *find_ready_again(const Scene *scene, const WaitSet *set)
{
        for (size_t i = 0; i < set->count; i++) {
                const Socket *now =
                        scene_socket_of(scene->second, scene->process, &set->entries[i]);

                if (is_ready_again(scene, &set->entries[i], now))
                        return &set->entries[i];
        }
        return NULL;
}

static void name_descriptor(Scene *scene, Diagnosis *diagnosis, int number)
{
        const DescriptorTable *table = &scene->process->descriptors;

        diagnosis->descriptor = number >= 0 ? descriptor_table_find(table, number) : NULL;
        if (!diagnosis->descriptor)
                return;
        diagnosis->number = number;
        diagnosis->socket =
                socket_table_find(&scene->second->sockets, diagnosis->descriptor->inode);
        scene_find_peer(scene, diagnosis);
}

static size_t count_datagrams(const Scene *scene, const WaitSet *set)
{
        size_t count = 0;

        for (size_t i = 0; i < set->count; i++) {
                const Socket *now =
                        scene_socket_of(scene->second, scene->process, &set->entries[i]);
                const Socket *then =
                        now ? socket_table_find(&scene->first->sockets, now->inode) : NULL;

                count += then && set->entries[i].events & EPOLLIN &&
                         scene_datagrams_lay(scene, then, now);
        }
        return count;
}

/* Whether the set is the outer one, or in it, or that is not known. */
static bool may_have(const Process *process, const WaitSet *outer, const WaitSet *set, int depth)
{
        if (!outer || outer == set || outer->status != WAIT_SET_READ || depth == 0)
                return true;
        for (size_t i = 0; i < outer->count; i++) {
                const WaitSet *inner = process_find_set(process, outer->entries[i].number);

                if (inner && may_have(process, inner, set, depth - 1))
                        return true;
        }
        return false;
}

/* Whether a thread sleeps in a call that may have to do with the set. */
static bool may_be_waited_for(const Process *process, const WaitSet *set)
{
        for (size_t i = 0; i < process->thread_count; i++) {
                const ThreadState *thread = &process->threads[i];
                WaitSet poll;
                int outer;

                if (!system_call_waits_for_many(thread->call))
                        continue;
                if (system_call_is_epoll_wait(thread->call))
                        outer = (int)thread->argument;
                else if (poll_set_find(thread, &poll))
                        outer = poll.number;
                else
                        return true;
                if (may_have(process, process_find_set(process, outer), set, DEPTH_MAX))
                        return true;
        }
        return false;
}

/* The kind, by what the threads do; false: it is none. */
static bool find_kind(Scene *scene, const WaitSet *set, Diagnosis *diagnosis)
{
        const WaitEntry *ready;

        switch (diagnosis->loop.state) {
        case LOOP_BUSY:
                ready = diagnosis->loop.kernel_percent >= DIAGNOSIS_SPINNING_PERCENT
                                ? find_ready_again(scene, set)
                                : NULL;
                diagnosis->kind = ready ? DIAGNOSIS_SPINNING : DIAGNOSIS_BUSY;
                if (ready)
                        name_descriptor(scene, diagnosis, ready->number);
                return ready || diagnosis->amount > 0;
        case LOOP_STARVED:
                diagnosis->kind = DIAGNOSIS_STARVED;
                return diagnosis->amount > 0;
        case LOOP_BLOCKED:
                diagnosis->kind = DIAGNOSIS_BLOCKED;
                diagnosis->amount += count_datagrams(scene, set);
                if (diagnosis->amount == 0)
                        return false;
                name_descriptor(scene, diagnosis, diagnosis->loop.number);
                return true;
        case LOOP_RUNNING:
        case LOOP_WAITING:
                diagnosis->kind = DIAGNOSIS_NOBODY_WAITS;
                return diagnosis->amount > 0 && diagnosis->oldest_ms >= DIAGNOSIS_NOBODY_MS &&
                       scene_all_slept(scene) && !may_be_waited_for(scene->process, set);
        default:
                return false;
        }
}

void diagnose_loop(Scene *scene, size_t place)
{
        const WaitSet *set = &scene->process->sets[place];
        Diagnosis diagnosis = {.set = set->number, .number = -1, .since_ms = scene->apart_ms};

        /* Who serves what a thread polls is that thread, and it waits. */
        if (set->kind != WAIT_SET_EPOLL)
                return;
        diagnosis.amount = count_unserved(scene->first, scene->second, scene->process, set,
                                          &diagnosis.oldest_ms) +
                           scene->stalled[place];
        diagnosis.loop = loop_look(scene->before, scene->process, set);
        if (find_kind(scene, set, &diagnosis) && !scene_set_is_inherited(scene, set))
                scene->visit(scene->data, &diagnosis);
}
