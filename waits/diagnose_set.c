/* Sets that are locked, or have entries of what was closed. See scene.h. */
#include "waits/scene.h"

enum { LOOKS_MAX = 1000 }; /* at entries that may be stale */

/* Whether what the entry waits for has no longer the number that it had when it was added. */
static bool is_stale(const Sample *sample, const Process *process, const WaitEntry *entry)
{
        const Descriptor *descriptor;

        if (descriptor_table_has(&process->descriptors, entry->number, entry->inode))
                return false;
        descriptor = descriptor_table_find(&process->descriptors, entry->number);
        if (!descriptor)
                return true;
        switch (descriptor->kind) {
        case DESCRIPTOR_SOCKET:
        case DESCRIPTOR_PIPE:
                return true;
        case DESCRIPTOR_OTHER:
                return false; /* its inode is not known */
        default:
                /* They share one inode, which is no socket's. */
                return socket_table_find(&sample->sockets, entry->inode) != NULL;
        }
}

static bool has_entry(const WaitSet *set, const WaitEntry *entry)
{
        const WaitEntry *each = wait_set_find(set, entry->inode);

        for (; each && each < set->entries + set->count && each->inode == entry->inode; each++) {
                if (each->number == entry->number)
                        return true;
        }
        return false;
}

/* Where the set is shared, another process may have what this one has not. */
static bool anybody_has(const Sample *sample, const WaitEntry *entry)
{
        for (size_t i = 0; i < sample->count; i++) {
                if (descriptor_table_has(&sample->processes[i].descriptors, entry->number,
                                         entry->inode))
                        return true;
        }
        return false;
}

static void look_for_stale(Scene *scene, const WaitSet *set, const WaitSet *before)
{
        const DescriptorTable *table = &scene->process->descriptors;
        Diagnosis diagnosis = {.kind = DIAGNOSIS_STALE, .set = set->number};

        for (size_t i = 0, looks = 0; i < set->count && looks < LOOKS_MAX; i++) {
                const WaitEntry *entry = &set->entries[i];

                if (descriptor_table_has(table, entry->number, entry->inode))
                        continue;
                looks++;
                if (!is_stale(scene->second, scene->process, entry) || !has_entry(before, entry) ||
                    !is_stale(scene->first, scene->before, entry) ||
                    anybody_has(scene->second, entry))
                        continue;
                if (diagnosis.amount++ > 0)
                        continue;
                diagnosis.number = entry->number;
                diagnosis.descriptor = descriptor_table_find(table, entry->number);
                diagnosis.socket = socket_table_find(&scene->second->sockets, entry->inode);
        }
        diagnosis.since_ms = scene->apart_ms;
        if (diagnosis.amount > 0)
                scene->visit(scene->data, &diagnosis);
}

void diagnose_set(Scene *scene, const WaitSet *set)
{
        const WaitSet *before = process_find_set(scene->before, set->number);
        const Diagnosis locked = {
                .kind = DIAGNOSIS_LOCKED,
                .set = set->number,
                .number = -1,
                .since_ms = SAMPLE_SET_MS,
        };
        LoopState state;

        if (!before || set->kind != WAIT_SET_EPOLL)
                return;
        if (set->status == WAIT_SET_HUNG && before->status == WAIT_SET_HUNG)
                scene->visit(scene->data, &locked);
        if (set->status != WAIT_SET_READ || before->status != WAIT_SET_READ)
                return;
        /* Who does not wait for it may just have inherited it. */
        state = loop_look(scene->before, scene->process, set).state;
        if (state == LOOP_ASLEEP || state == LOOP_WAITING)
                look_for_stale(scene, set, before);
}
