/* Who has the other end. See other_end.h. */
#include "waits/other_end.h"

/* What is looked for. */
typedef struct Wanted {
        uint64_t inode;
        bool reads; /* of a pipe: only this end of it */
        bool writes;
} Wanted;

static const Descriptor *find_descriptor(const DescriptorTable *table, const Wanted *wanted)
{
        const Descriptor *each = descriptor_table_find_inode(table, wanted->inode);

        for (; each && each < table->entries + table->count && each->inode == wanted->inode;
             each++) {
                if ((!wanted->reads || each->reads) && (!wanted->writes || each->writes))
                        return each;
        }
        return NULL;
}

static void find_owner(OtherEnd *out, const Sample *sample, const Process *process,
                       const Wanted *wanted)
{
        const Descriptor *own = find_descriptor(&process->descriptors, wanted);
        bool found_waits = false;
        size_t count = own != NULL;
        uint32_t events;

        for (size_t i = 0; i < sample->count; i++) {
                const Process *each = &sample->processes[i];
                const Descriptor *descriptor =
                        each->pid == process->pid ? NULL
                                                  : find_descriptor(&each->descriptors, wanted);

                if (!descriptor)
                        continue;
                count++;
                if (out->process &&
                    (found_waits || !process_find_waiting(each, wanted->inode, &events)))
                        continue;
                found_waits = process_find_waiting(each, wanted->inode, &events) != NULL;
                out->process = each;
                out->descriptor = descriptor;
        }
        if (!out->process && own) {
                out->process = process;
                out->descriptor = own;
        }
        out->others = count > 0 ? count - 1 : 0;
}

static void find_socket(OtherEnd *out, const Sample *sample, const Process *process,
                        const Descriptor *descriptor)
{
        const SocketTable *table = &sample->sockets;
        const Socket *socket = socket_table_find(table, descriptor->inode);
        Wanted wanted = {.inode = 0};

        if (!socket || socket_is_listening(socket))
                return;
        out->socket = socket_table_find_peer(table, socket);
        if (out->socket && out->socket->inode != 0)
                wanted.inode = out->socket->inode;
        else if (out->socket)
                out->listener = socket_table_find_listener(table, out->socket);
        else if (socket->kind == SOCKET_UNIX)
                out->listener = socket_table_find_listener(table, socket);
        if (out->listener)
                wanted.inode = out->listener->inode;
        if (wanted.inode != 0)
                find_owner(out, sample, process, &wanted);
}

void other_end_find(OtherEnd *out, const Sample *sample, const Process *process,
                    const Descriptor *descriptor)
{
        *out = (OtherEnd){.process = NULL};
        if (descriptor->kind == DESCRIPTOR_SOCKET) {
                find_socket(out, sample, process, descriptor);
        } else if (descriptor->kind == DESCRIPTOR_PIPE) {
                const Wanted wanted = {
                        .inode = descriptor->inode,
                        .reads = descriptor->writes && !descriptor->reads,
                        .writes = descriptor->reads && !descriptor->writes,
                };

                find_owner(out, sample, process, &wanted);
        }
}

void other_end_find_listener(OtherEnd *out, const Sample *sample, const Process *process,
                             const Socket *listener)
{
        const Wanted wanted = {.inode = listener->inode};

        *out = (OtherEnd){.listener = listener};
        find_owner(out, sample, process, &wanted);
}
