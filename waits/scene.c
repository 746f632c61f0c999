/* What diagnoses look at. See scene.h. */
#include "waits/scene.h"

#include <sys/epoll.h>

const Socket *scene_socket_of(const Sample *sample, const Process *process, const WaitEntry *entry)
{
        if (!descriptor_table_has(&process->descriptors, entry->number, entry->inode))
                return NULL;
        return socket_table_find(&sample->sockets, entry->inode);
}

const WaitSet *scene_set_of(const Process *process, uint64_t inode, uint32_t *events)
{
        for (size_t i = 0; i < process->set_count; i++) {
                const WaitSet *set = &process->sets[i];

                const WaitEntry *entry = wait_set_find(set, inode);

                for (; entry && entry < set->entries + set->count && entry->inode == inode;
                     entry++) {
                        if (entry->events & EPOLLIN &&
                            descriptor_table_has(&process->descriptors, entry->number, inode)) {
                                *events = entry->events;
                                return set;
                        }
                }
        }
        return NULL;
}

bool scene_nothing_read(const Socket *then, const Socket *now)
{
        return now->times.known && then->times.known && then->receive_queue > 0 &&
               now->receive_queue >= then->receive_queue && now->times.bytes_received > 0 &&
               now->times.bytes_received - then->times.bytes_received ==
                       now->receive_queue - then->receive_queue;
}

void scene_find_peer(Scene *scene, Diagnosis *diagnosis)
{
        const Sample *sample = scene->second;

        if (!diagnosis->socket || scene->peers++ >= SCENE_PEERS_MAX)
                return;
        diagnosis->peer_socket = socket_table_find_peer(&sample->sockets, diagnosis->socket);
        for (size_t i = 0; i < sample->count && diagnosis->peer_socket && !diagnosis->peer; i++) {
                if (descriptor_table_has_inode(&sample->processes[i].descriptors,
                                               diagnosis->peer_socket->inode))
                        diagnosis->peer = &sample->processes[i];
        }
}
