/* What is wrong. See diagnosis.h. */
#include "waits/scene.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>

static void look_at_socket(Scene *scene, const Descriptor *descriptor)
{
        const Socket *now = socket_table_find(&scene->second->sockets, descriptor->inode);
        const Socket *then = socket_table_find(&scene->first->sockets, descriptor->inode);
        Diagnosis diagnosis = {
                .set = -1, .number = descriptor->number, .descriptor = descriptor, .socket = now};
        uint32_t events = 0;
        const WaitSet *set;

        if (!now || !then || now->cookie != then->cookie || now->state != then->state)
                return;
        /* Most have nothing that could be said of them, and this takes its time. */
        if (now->receive_queue == 0 && now->state != TCP_CLOSE_WAIT && !now->probing &&
            now->resent == 0)
                return;
        set = process_find_waiting(scene->process, descriptor->inode, &events);
        diagnosis.set = set ? set->number : -1;
        if (socket_is_listening(now))
                diagnose_listener(scene, &diagnosis, then, set);
        else if (now->kind == SOCKET_TCP)
                diagnose_connection(scene, &diagnosis, then, set, events);
        else if (now->kind == SOCKET_UDP && set && events & EPOLLET)
                diagnose_datagrams(scene, &diagnosis, then);
}

void diagnose(const Sample *first, const Sample *second, const Process *process,
              DiagnosisVisit visit, void *data)
{
        Scene scene = {
                .first = first,
                .second = second,
                .before = sample_find(first, process),
                .process = process,
                .apart_ms = samples_apart_ms(first, second),
                .visit = visit,
                .data = data,
                .sends = -1,
        };
        const DescriptorTable *table = &process->descriptors;
        const uint64_t *last = NULL;

        if (!scene.before)
                return;
        diagnose_stop(&scene);
        for (size_t i = 0; i < table->count; i++) {
                const Descriptor *descriptor = &table->entries[i];

                /* Those of one socket are neighbours: it is told once. */
                if (descriptor->kind == DESCRIPTOR_SOCKET && !(last && *last == descriptor->inode))
                        look_at_socket(&scene, descriptor);
                last = &descriptor->inode;
        }
        for (size_t i = 0; i < process->set_count; i++) {
                diagnose_loop(&scene, i);
                diagnose_set(&scene, &process->sets[i]);
        }
        diagnose_timers(&scene);
}

/* ---- Counts ---------------------------------------------------------------------------------- */

size_t count_unserved(const Sample *first, const Sample *second, const Process *process,
                      const WaitSet *set, uint64_t *oldest_ms)
{
        size_t count = 0;

        *oldest_ms = 0;
        for (size_t i = 0; i < set->count; i++) {
                const Socket *now = scene_socket_of(second, process, &set->entries[i]);
                const Socket *then = now ? socket_table_find(&first->sockets, now->inode) : NULL;

                if (!(set->entries[i].events & EPOLLIN) || !then || then->cookie != now->cookie ||
                    socket_is_listening(now) || !socket_lay_unread(then, now))
                        continue;
                if (now->times.received_ms > *oldest_ms)
                        *oldest_ms = now->times.received_ms;
                count++;
        }
        return count;
}

uint64_t count_backlog(const Sample *second, const Process *process, const WaitSet *set)
{
        uint64_t count = 0;

        for (size_t i = 0; i < set->count; i++) {
                const Socket *socket = scene_socket_of(second, process, &set->entries[i]);

                if (socket && socket_is_listening(socket))
                        count += socket->receive_queue;
        }
        return count;
}
