/* Connections that are not read, not sent on, or not closed. See scene.h. */
#include "waits/scene.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>

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

/* Whether the peer was sent the same several times, in both, and has not been heard of. */
static bool is_silent(const Socket *then, const Socket *now)
{
        const bool connecting = now->state == TCP_SYN_SENT;
        const unsigned least = connecting ? DIAGNOSIS_CONNECTING_RESENT_MIN : DIAGNOSIS_RESENT_MIN;

        return now->resent >= least && then->resent > 0 && now->resent >= then->resent &&
               now->times.known && then->times.known &&
               now->times.bytes_acked == then->times.bytes_acked &&
               (connecting || (then->send_queue > 0 && now->send_queue > 0 &&
                               now->times.heard_ms >= DIAGNOSIS_SILENT_MS));
}

void diagnose_connection(Scene *scene, Diagnosis *diagnosis, const Socket *then, const WaitSet *set,
                         uint32_t events)
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
                scene_find_peer(scene, diagnosis);
                scene->visit(scene->data, diagnosis);
        }
        /* A listener here has no room, and is told of itself. */
        if (is_silent(then, now) &&
            !(now->state == TCP_SYN_SENT && socket_table_find_goal(&scene->second->sockets, now))) {
                diagnosis->kind = DIAGNOSIS_PEER_SILENT;
                diagnosis->since_ms =
                        now->state == TCP_SYN_SENT ? scene->apart_ms : now->times.heard_ms;
                diagnosis->amount = now->send_queue;
                scene->visit(scene->data, diagnosis);
        }
        if (set && events & EPOLLET && socket_lay_unread(then, now) &&
            now->times.received_ms >= DIAGNOSIS_UNREAD_MS && is_asleep(scene, set) &&
            !cannot_send(scene)) {
                diagnosis->kind = DIAGNOSIS_UNREAD;
                diagnosis->since_ms = now->times.received_ms;
                diagnosis->amount = now->receive_queue;
                scene->visit(scene->data, diagnosis);
        }
}
