/* What is wrong. See diagnosis.h. */
#include "waits/diagnosis.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>

/* What the functions below look at. */
typedef struct Scene {
        const Sample *first;
        const Sample *second;
        const Process *before; /* the process in the first sample */
        const Process *process;
        uint64_t apart_ms;
        DiagnosisVisit visit;
        void *data;
        size_t listeners;   /* that have been looked at */
        size_t peers;       /* that have been looked for */
        int sends;          /* whether it can send all it wants to: 1, 0; -1: not looked yet */
        const WaitSet *set; /* the one last looked at, */
        Loop loop;          /* and who serves it */
        /* Connections that have not been accepted all the time, by set. */
        uint64_t stalled[PROCESS_SETS_MAX];
} Scene;

/* Looking at a listener, and for a peer, takes the longer the more sockets there are. */
enum { LISTENERS_MAX = 1024, PEERS_MAX = 256 };

static uint64_t larger(uint64_t one, uint64_t other)
{
        return one > other ? one : other;
}

/* ---- Sets ------------------------------------------------------------------------------------ */

/* The socket of an entry; NULL: it is none, or of another network namespace. */
static const Socket *socket_of(const Sample *sample, const Process *process, const WaitEntry *entry)
{
        if (!descriptor_table_has(&process->descriptors, entry->number, entry->inode))
                return NULL;
        return socket_table_find(&sample->sockets, entry->inode);
}

/* The first of a process's sets that waits for the socket to become readable; NULL: none does. */
static const WaitSet *set_of(const Process *process, uint64_t inode, uint32_t *events)
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

/* ---- Connections that nobody accepts --------------------------------------------------------- */

/* Another listener at the same address may have what waits there (SO_REUSEPORT). */
static bool shares_its_address(const SocketTable *table, const Socket *listener)
{
        for (size_t i = table->unaccepted; i < table->count; i++) {
                const Socket *other = &table->sockets[i];

                if (other->kind == SOCKET_TCP && other != listener && socket_is_listening(other) &&
                    other->receive_queue > 0 && other->space == listener->space &&
                    other->family == listener->family &&
                    other->inet.local_port == listener->inet.local_port)
                        return true;
        }
        return false;
}

/* For how long the oldest has waited at least; 0: it has come since the first sample, or may have.
 */
static uint64_t oldest_unaccepted_ms(const Scene *scene, const Socket *listener)
{
        const SocketTable *table = &scene->second->sockets;
        uint64_t oldest = 0;
        bool any_new = false;

        for (size_t i = 0; i < table->unaccepted; i++) {
                const Socket *connection = &table->sockets[i];

                if (!socket_waits_for(connection, listener))
                        continue;
                if (socket_table_find_unaccepted(&scene->first->sockets, connection))
                        oldest = larger(oldest, larger(scene->apart_ms, connection->times.sent_ms));
                else
                        any_new = true;
        }
        return any_new && oldest > 0 && shares_its_address(table, listener) ? 0 : oldest;
}

/* Whether any process waits for the socket. Then those that just have it open, as whoever opened it
 * for them, are not meant. */
static bool anybody_waits(const Sample *sample, uint64_t inode)
{
        uint32_t events;

        for (size_t i = 0; i < sample->count; i++) {
                if (set_of(&sample->processes[i], inode, &events))
                        return true;
        }
        return false;
}

static void look_at_listener(Scene *scene, Diagnosis *diagnosis, const Socket *then,
                             const WaitSet *set)
{
        const Socket *now = diagnosis->socket;

        if (now->receive_queue == 0 || then->receive_queue == 0 ||
            scene->listeners++ >= LISTENERS_MAX)
                return;
        if (now->kind == SOCKET_UNIX)
                diagnosis->since_ms =
                        now->local.oldest != 0 && now->local.oldest == then->local.oldest
                                ? scene->apart_ms
                                : 0;
        else
                diagnosis->since_ms = oldest_unaccepted_ms(scene, now);
        if (diagnosis->since_ms == 0 ||
            (diagnosis->set < 0 && anybody_waits(scene->second, now->inode)))
                return;
        diagnosis->amount = now->receive_queue;
        if (set)
                scene->stalled[set - scene->process->sets] += now->receive_queue;
        diagnosis->kind =
                now->receive_queue > now->send_queue && then->receive_queue > then->send_queue
                        ? DIAGNOSIS_BACKLOG_FULL
                        : DIAGNOSIS_NOT_ACCEPTED;
        scene->visit(scene->data, diagnosis);
}

/* ---- Connections ----------------------------------------------------------------------------- */

/* Whether bytes lay there in both samples, and none was read in between. */
static bool nothing_read(const Socket *then, const Socket *now)
{
        return now->times.known && then->times.known && then->receive_queue > 0 &&
               now->receive_queue >= then->receive_queue && now->times.bytes_received > 0 &&
               now->times.bytes_received - then->times.bytes_received ==
                       now->receive_queue - then->receive_queue;
}

/* A program that cannot send may rightly read no more. */
static bool look_for_unsent(const Scene *scene)
{
        const DescriptorTable *table = &scene->process->descriptors;

        for (size_t i = 0; i < table->count; i++) {
                const Socket *socket =
                        socket_table_find(&scene->second->sockets, table->entries[i].inode);

                if (socket && !socket_is_listening(socket) && socket->send_queue > 0)
                        return true;
        }
        return false;
}

static bool cannot_send(Scene *scene)
{
        if (scene->sends < 0)
                scene->sends = !look_for_unsent(scene);
        return !scene->sends;
}

static bool is_asleep(Scene *scene, const WaitSet *set)
{
        if (scene->set != set)
                scene->loop = loop_look(scene->before, scene->process, set);
        scene->set = set;
        return scene->loop.state == LOOP_ASLEEP;
}

static bool takes_nothing(const Socket *then, const Socket *now)
{
        return then->probing && now->probing && then->send_queue > 0 && now->send_queue > 0 &&
               then->times.known && now->times.known &&
               now->times.bytes_acked == then->times.bytes_acked &&
               now->times.sent_ms >= DIAGNOSIS_NOT_READING_MS;
}

/* Who has the other end, if that is a process here that this user may look into. */
static void find_peer(Scene *scene, Diagnosis *diagnosis)
{
        const Sample *sample = scene->second;

        if (!diagnosis->socket || scene->peers++ >= PEERS_MAX)
                return;
        diagnosis->peer_socket = socket_table_find_peer(&sample->sockets, diagnosis->socket);
        for (size_t i = 0; i < sample->count && diagnosis->peer_socket && !diagnosis->peer; i++) {
                if (descriptor_table_has_inode(&sample->processes[i].descriptors,
                                               diagnosis->peer_socket->inode))
                        diagnosis->peer = &sample->processes[i];
        }
}

static void look_at_connection(Scene *scene, Diagnosis *diagnosis, const Socket *then,
                               const WaitSet *set, uint32_t events)
{
        const Socket *now = diagnosis->socket;

        if (now->state == TCP_CLOSE_WAIT && then->state == TCP_CLOSE_WAIT && now->times.known &&
            now->receive_queue == 0 && now->send_queue == 0 &&
            now->times.heard_ms >= DIAGNOSIS_NOT_CLOSED_MS && then->times.known &&
            now->times.bytes_acked == then->times.bytes_acked) {
                diagnosis->kind = DIAGNOSIS_NOT_CLOSED;
                diagnosis->since_ms = now->times.heard_ms;
                scene->visit(scene->data, diagnosis);
        }
        if (takes_nothing(then, now)) {
                diagnosis->kind = DIAGNOSIS_PEER_NOT_READING;
                diagnosis->since_ms = now->times.sent_ms;
                diagnosis->amount = now->send_queue;
                find_peer(scene, diagnosis);
                scene->visit(scene->data, diagnosis);
        }
        if (set && events & EPOLLET && nothing_read(then, now) &&
            now->times.received_ms >= DIAGNOSIS_UNREAD_MS && is_asleep(scene, set) &&
            !cannot_send(scene)) {
                diagnosis->kind = DIAGNOSIS_UNREAD;
                diagnosis->since_ms = now->times.received_ms;
                diagnosis->amount = now->receive_queue;
                scene->visit(scene->data, diagnosis);
        }
}

static void look_at_socket(Scene *scene, const Descriptor *descriptor)
{
        const Socket *now = socket_table_find(&scene->second->sockets, descriptor->inode);
        const Socket *then = socket_table_find(&scene->first->sockets, descriptor->inode);
        Diagnosis diagnosis = {.set = -1, .number = descriptor->number, .socket = now};
        uint32_t events = 0;
        const WaitSet *set;

        if (!now || !then || now->cookie != then->cookie || now->state != then->state)
                return;
        /* Most have nothing that could be said of them, and this takes its time. */
        if (now->receive_queue == 0 && now->state != TCP_CLOSE_WAIT && !now->probing)
                return;
        set = set_of(scene->process, descriptor->inode, &events);
        diagnosis.set = set ? set->number : -1;
        if (socket_is_listening(now))
                look_at_listener(scene, &diagnosis, then, set);
        else if (now->kind == SOCKET_TCP)
                look_at_connection(scene, &diagnosis, then, set, events);
}

/* ---- Sets that nobody serves ----------------------------------------------------------------- */

static void look_at_set(Scene *scene, size_t place)
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
                diagnosis.socket = socket_table_find(&scene->second->sockets, descriptor->inode);
                find_peer(scene, &diagnosis);
        }
        scene->visit(scene->data, &diagnosis);
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
        if (process_is_stopped(process) && scene.before->stat.state == process->stat.state) {
                const Diagnosis stopped = {
                        .kind = process->stat.state == 't' ? DIAGNOSIS_TRACED : DIAGNOSIS_STOPPED,
                        .set = -1,
                        .number = -1,
                        .since_ms = scene.apart_ms,
                };

                visit(data, &stopped);
        }
        for (size_t i = 0; i < table->count; i++) {
                const Descriptor *descriptor = &table->entries[i];

                /* Those of one socket are neighbours: it is told once. */
                if (!descriptor->is_set && !(last && *last == descriptor->inode))
                        look_at_socket(&scene, descriptor);
                last = &descriptor->inode;
        }
        for (size_t i = 0; i < process->set_count; i++)
                look_at_set(&scene, i);
}

/* ---- Counts ---------------------------------------------------------------------------------- */

size_t count_unserved(const Sample *first, const Sample *second, const Process *process,
                      const WaitSet *set, uint64_t *oldest_ms)
{
        size_t count = 0;

        *oldest_ms = 0;
        for (size_t i = 0; i < set->count; i++) {
                const Socket *now = socket_of(second, process, &set->entries[i]);
                const Socket *then = now ? socket_table_find(&first->sockets, now->inode) : NULL;

                if (!(set->entries[i].events & EPOLLIN) || !then || then->cookie != now->cookie ||
                    socket_is_listening(now) || !nothing_read(then, now))
                        continue;
                *oldest_ms = larger(*oldest_ms, now->times.received_ms);
                count++;
        }
        return count;
}

uint64_t count_backlog(const Sample *second, const Process *process, const WaitSet *set)
{
        uint64_t count = 0;

        for (size_t i = 0; i < set->count; i++) {
                const Socket *socket = socket_of(second, process, &set->entries[i]);

                if (socket && socket_is_listening(socket))
                        count += socket->receive_queue;
        }
        return count;
}
