/* What diagnoses look at. See scene.h. */
#include "waits/scene.h"

#include "waits/activity.h"
#include "waits/other_end.h"

bool scene_all_slept(const Scene *scene)
{
        return activity_look(scene->before, scene->process).state == ACTIVITY_ASLEEP;
}

static bool is_shared(const Scene *scene, uint64_t inode)
{
        for (size_t i = 0; i < scene->second->count; i++) {
                const Process *each = &scene->second->processes[i];

                if (each->pid != scene->process->pid &&
                    descriptor_table_find_inode(&each->descriptors, inode))
                        return true;
        }
        return false;
}

bool scene_datagrams_lay(const Scene *scene, const Socket *then, const Socket *now)
{
        return now->kind == SOCKET_UDP && now->cookie == then->cookie && then->receive_queue > 0 &&
               now->receive_queue >= then->receive_queue && scene_all_slept(scene) &&
               !is_shared(scene, now->inode);
}

static bool waits_for_set(const Process *process, int number)
{
        for (size_t i = 0; process && i < process->thread_count; i++) {
                if (thread_waits_for_set(&process->threads[i], number))
                        return true;
        }
        return false;
}

/* Whether a set of another process with the same number has an entry of this one's: so it is the
 * same set. What has no inode of its own proves nothing. */
static bool is_same_set(const Scene *scene, const WaitSet *set, const WaitSet *other)
{
        for (size_t i = 0; other && i < set->count; i++) {
                const WaitEntry *entry = &set->entries[i], *theirs;

                if (!socket_table_find(&scene->second->sockets, entry->inode))
                        continue;
                theirs = wait_set_find(other, entry->inode);
                return theirs && theirs->number == entry->number;
        }
        return false;
}

bool scene_set_is_inherited(const Scene *scene, const WaitSet *set)
{
        const Process *process = scene->process;

        if (waits_for_set(process, set->number) || waits_for_set(scene->before, set->number))
                return false;
        for (size_t i = 0; i < scene->second->count; i++) {
                const Process *each = &scene->second->processes[i];

                if (each->pid != process->pid &&
                    (each->stat.start_time < process->stat.start_time ||
                     waits_for_set(each, set->number)) &&
                    is_same_set(scene, set, process_find_set(each, set->number)))
                        return true;
        }
        return false;
}

const Socket *scene_socket_of(const Sample *sample, const Process *process, const WaitEntry *entry)
{
        if (!descriptor_table_has(&process->descriptors, entry->number, entry->inode))
                return NULL;
        return socket_table_find(&sample->sockets, entry->inode);
}

void scene_find_peer(Scene *scene, Diagnosis *diagnosis)
{
        OtherEnd end;

        if (!diagnosis->descriptor || scene->peers++ >= SCENE_PEERS_MAX)
                return;
        other_end_find(&end, scene->second, scene->process, diagnosis->descriptor);
        diagnosis->peer_socket = end.socket;
        diagnosis->peer = end.process;
}
