/* Threads that serve nobody. See scene.h. */
#include "waits/scene.h"

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

void diagnose_loop(Scene *scene, size_t place)
{
        const WaitSet *set = &scene->process->sets[place];
        Diagnosis diagnosis = {.set = set->number, .number = -1, .since_ms = scene->apart_ms};
        const Descriptor *descriptor;

        diagnosis.amount = count_unserved(scene->first, scene->second, scene->process, set,
                                          &diagnosis.oldest_ms) +
                           scene->stalled[place];
        if (diagnosis.amount == 0)
                return;
        diagnosis.loop = loop_look(scene->before, scene->process, set);
        if (diagnosis.loop.state == LOOP_BUSY)
                diagnosis.kind = DIAGNOSIS_BUSY;
        else if (diagnosis.loop.state == LOOP_STARVED)
                diagnosis.kind = DIAGNOSIS_STARVED;
        else if (diagnosis.loop.state == LOOP_BLOCKED)
                diagnosis.kind = DIAGNOSIS_BLOCKED;
        else
                return;
        descriptor = descriptor_table_find(&scene->process->descriptors, diagnosis.loop.number);
        if (descriptor) {
                diagnosis.number = descriptor->number;
                diagnosis.descriptor = descriptor;
                diagnosis.socket = socket_table_find(&scene->second->sockets, descriptor->inode);
                scene_find_peer(scene, &diagnosis);
        }
        scene->visit(scene->data, &diagnosis);
}
