/* Connections that nobody accepts. See scene.h. */
#include "waits/scene.h"

static uint64_t larger(uint64_t one, uint64_t other)
{
        return one > other ? one : other;
}

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
                if (process_find_waiting(&sample->processes[i], inode, &events))
                        return true;
        }
        return false;
}

void diagnose_listener(Scene *scene, Diagnosis *diagnosis, const Socket *then, const WaitSet *set)
{
        const Socket *now = diagnosis->socket;

        if (now->receive_queue == 0 || then->receive_queue == 0 ||
            scene->listeners++ >= SCENE_LISTENERS_MAX)
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
        diagnosis->amount_before = then->receive_queue;
        if (now->receive_queue > now->send_queue && then->receive_queue > then->send_queue)
                diagnosis->kind = DIAGNOSIS_BACKLOG_FULL;
        else if (now->receive_queue > then->receive_queue)
                diagnosis->kind = DIAGNOSIS_BACKLOG_GROWS;
        else
                diagnosis->kind = DIAGNOSIS_NOT_ACCEPTED;
        scene->visit(scene->data, diagnosis);
}
