/* What diagnoses look at. See scene.h. */
#include "waits/scene.h"

#include "waits/other_end.h"

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
