/* Who waits for whom. See chain.h. */
#include "waits/chain.h"

#include "waits/other_end.h"
#include "waits/socket_ends.h"
#include "waits/system_call.h"

#include <errno.h>
#include <netinet/tcp.h>

enum { ANSWERS_MAX = 64 }; /* connections whose other end is looked for, for want of an answer */

typedef struct Walk {
        const Sample *first;
        const Sample *second;
        uint64_t apart_ms;
        SocketIndex index; /* of the second */
} Walk;

static uint64_t larger(uint64_t one, uint64_t other)
{
        return one > other ? one : other;
}

/* The socket in the first sample; NULL: it was not there. */
static const Socket *then_of(const Walk *walk, const Socket *socket)
{
        const Socket *then = socket->inode == 0
                                     ? socket_table_find_unaccepted(&walk->first->sockets, socket)
                                     : socket_table_find(&walk->first->sockets, socket->inode);

        return then && then->cookie == socket->cookie ? then : NULL;
}

/* ---- Reasons --------------------------------------------------------------------------------- */

/* Whether the other end of a connection says why nothing comes from there: the link's reason, and
 * since when. */
static bool look_at_peer(const Walk *walk, const Socket *peer, ChainLink *link)
{
        const Socket *then = then_of(walk, peer);

        if (!then || peer->kind != SOCKET_TCP)
                return false;
        if (peer->inode == 0) {
                link->reason = CHAIN_NOT_ACCEPTED;
                link->since_ms = larger(walk->apart_ms, peer->times.sent_ms);
                return true;
        }
        if (!socket_lay_unread(then, peer))
                return false;
        link->reason = CHAIN_NOT_READ;
        link->since_ms = larger(walk->apart_ms, peer->times.received_ms);
        link->amount = peer->receive_queue;
        return true;
}

static void fill_end(ChainLink *link, const OtherEnd *end)
{
        link->next = end->process;
        link->there = end->listener ? end->listener : end->socket;
        link->others = end->others;
}

/* A Unix socket that waits for the same listener in both. */
static bool waits_for_listener(const Walk *walk, const Socket *socket, const Socket *listener)
{
        const Socket *then = then_of(walk, listener);

        return then && then->local.oldest == socket->inode;
}

/* Whether a thread has slept in a call on a descriptor that somebody has the other end of. */
static bool look_at_call(const Walk *walk, const Process *before, const Process *process,
                         const ThreadState *now, ChainLink *out)
{
        const ThreadState *then = process_find_thread(before, now->tid);
        const Descriptor *descriptor;
        OtherEnd end;

        if (!then || !thread_slept(then, now) || !system_call_has_descriptor(now->call))
                return false;
        descriptor = descriptor_table_find(&process->descriptors, (int)now->argument);
        if (!descriptor ||
            (descriptor->inode != 0 &&
             !descriptor_table_has(&before->descriptors, descriptor->number, descriptor->inode)))
                return false;
        *out = (ChainLink){
                .reason = CHAIN_CALL,
                .process = process,
                .thread = now,
                .descriptor = descriptor,
                .socket = socket_table_find(&walk->second->sockets, descriptor->inode),
                .since_ms = walk->apart_ms,
        };
        if (out->socket && socket_is_listening(out->socket))
                return false;
        other_end_find(&end, walk->second, process, descriptor);
        fill_end(out, &end);
        if (end.socket)
                look_at_peer(walk, end.socket, out);
        else if (out->socket && end.listener && waits_for_listener(walk, out->socket, end.listener))
                out->reason = CHAIN_NOT_ACCEPTED;
        return true;
}

/* The listener that a connection is being made to, if its backlog was full in both. */
static const Socket *find_full(const Walk *walk, const Socket *socket, const Socket *then)
{
        const Socket *listener, *before;

        if (socket->state != TCP_SYN_SENT || then->state != TCP_SYN_SENT)
                return NULL;
        listener = socket_table_find_goal(&walk->second->sockets, socket);
        before = listener ? then_of(walk, listener) : NULL;
        return before && listener->receive_queue > listener->send_queue &&
                               before->receive_queue > before->send_queue
                       ? listener
                       : NULL;
}

/* Whether the other end of a connection holds it up, and since when; without who that is. */
static bool look_at_connection(const Walk *walk, const Process *process,
                               const Descriptor *descriptor, ChainLink *out)
{
        const Socket *socket = socket_table_find(&walk->second->sockets, descriptor->inode);
        const Socket *then = socket ? then_of(walk, socket) : NULL, *peer;

        if (!then || socket->kind != SOCKET_TCP || socket_is_listening(socket))
                return false;
        *out = (ChainLink){
                .process = process,
                .descriptor = descriptor,
                .socket = socket,
                .reason = CHAIN_NO_ROOM,
                .since_ms = walk->apart_ms,
        };
        out->there = find_full(walk, socket, then);
        if (out->there)
                return true;
        peer = socket_index_find_peer(&walk->index, socket);
        return peer && look_at_peer(walk, peer, out);
}

/* Of all connections that their other ends hold up, the one that has been so longest. */
static bool look_at_connections(const Walk *walk, const Process *process, ChainLink *out)
{
        const DescriptorTable *table = &process->descriptors;
        ChainLink link;
        OtherEnd end;

        out->since_ms = 0;
        for (size_t i = 0; i < table->count; i++) {
                if (table->entries[i].kind == DESCRIPTOR_SOCKET &&
                    look_at_connection(walk, process, &table->entries[i], &link) &&
                    link.since_ms > out->since_ms)
                        *out = link;
        }
        if (out->since_ms == 0)
                return false;
        if (out->reason == CHAIN_NO_ROOM)
                other_end_find_listener(&end, walk->second, process, out->there);
        else
                other_end_find(&end, walk->second, process, out->descriptor);
        fill_end(out, &end);
        return true;
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* Whether it has sent something since it last was sent anything, and all of that has arrived. Of
 * what it was acknowledged, one is the connection itself. */
static bool has_asked(const Walk *walk, const Socket *socket)
{
        const SocketTimes *times = &socket->times;

        return socket->kind == SOCKET_TCP && socket->state == TCP_ESTABLISHED && times->known &&
               socket->receive_queue == 0 && socket->send_queue == 0 && times->bytes_acked > 1 &&
               times->sent_ms >= walk->apart_ms &&
               (times->bytes_received == 0 || times->received_ms > times->sent_ms) &&
               then_of(walk, socket);
}

/* Whether it asked, by a connection that it made, and the other end has read that and is silent. */
static bool wants_answer(const Walk *walk, const Socket *socket)
{
        const Socket *peer =
                has_asked(walk, socket) ? socket_index_find_peer(&walk->index, socket) : NULL;

        return peer && peer->inode != 0 && peer->receive_queue == 0 &&
               socket_table_find_listener(&walk->second->sockets, peer);
}

/* Whether it does what it could not be asked in. */
static bool is_occupied(const Walk *walk, const Process *process)
{
        const Activity activity = activity_look(sample_find(walk->first, process), process);

        return activity.state == ACTIVITY_STOPPED || activity.state == ACTIVITY_BUSY ||
               activity.state == ACTIVITY_STARVED ||
               (activity.state == ACTIVITY_ASLEEP && !activity.waits);
}

static bool look_for_answers(const Walk *walk, const Process *process, ChainLink *out)
{
        const DescriptorTable *table = &process->descriptors;
        OtherEnd end;

        out->since_ms = 0;
        for (size_t i = 0, looks = 0; i < table->count && looks < ANSWERS_MAX; i++) {
                const Descriptor *descriptor = &table->entries[i];
                const Socket *socket = socket_table_find(&walk->second->sockets, descriptor->inode);

                if (!socket || socket->times.sent_ms <= out->since_ms ||
                    !wants_answer(walk, socket))
                        continue;
                looks++;
                other_end_find(&end, walk->second, process, descriptor);
                if (!end.process || !is_occupied(walk, end.process))
                        continue;
                *out = (ChainLink){
                        .reason = CHAIN_NO_ANSWER,
                        .process = process,
                        .descriptor = descriptor,
                        .socket = socket,
                        .since_ms = socket->times.sent_ms,
                };
                fill_end(out, &end);
        }
        return out->since_ms > 0;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static bool find_link(const Walk *walk, const Process *process, ChainLink *out)
{
        const Process *before = sample_find(walk->first, process);
        Activity activity = activity_look(before, process);

        if (!before || activity.state == ACTIVITY_STOPPED)
                return false;
        if (process->thread_count > 0 &&
            look_at_call(walk, before, process, &process->threads[0], out))
                return true;
        if (activity.state == ACTIVITY_BUSY || activity.state == ACTIVITY_STARVED)
                return false;
        if (look_at_connections(walk, process, out))
                return true;
        for (size_t i = 1; i < process->thread_count; i++) {
                if (look_at_call(walk, before, process, &process->threads[i], out) && out->next &&
                    out->next != process)
                        return true;
        }
        return look_for_answers(walk, process, out);
}

static bool is_in(const Chain *chain, const Process *process)
{
        for (size_t i = 0; i < chain->count; i++) {
                if (chain->links[i].process == process)
                        return true;
        }
        return false;
}

int chain_follow(Chain *out, const Sample *first, const Sample *second, const Process *process)
{
        Walk walk = {
                .first = first,
                .second = second,
                .apart_ms = samples_apart_ms(first, second),
        };
        ChainLink link;
        int r = socket_index_make(&walk.index, &second->sockets);

        *out = (Chain){.count = 0};
        while (r == 0 && process && !out->is_circle && find_link(&walk, process, &link)) {
                out->is_cut = out->count == CHAIN_LINKS_MAX;
                if (out->is_cut)
                        break;
                out->links[out->count++] = link;
                process = link.next;
                out->is_circle = process && is_in(out, process);
        }
        socket_index_free(&walk.index);
        return r;
}
