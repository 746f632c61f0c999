/* What is wrong with sessions. See session_diagnosis.h. */
#include "ctl/session_diagnosis.h"

#include <string.h>

typedef struct Look {
        const SessionMoments *moments;
        uint64_t apart_ms;
        DiagnosisVisit visit;
        void *data;
} Look;

static void look_at_session(const Look *look, const KnownSession *now)
{
        const KnownSession *then = session_view_find(look->moments->first, now->session);
        const uint32_t most = look->moments->second->registrations_max;
        Diagnosis diagnosis = {
                .set = -1,
                .number = -1,
                .since_ms = look->apart_ms,
                .session = now->session,
        };

        if (!then || then->pid != now->pid)
                return;
        if (then->waiting && now->waiting && then->frames == now->frames) {
                diagnosis.kind = DIAGNOSIS_SESSION_UNREAD;
                look->visit(look->data, &diagnosis);
        }
        if (most > 0 && then->registrations >= most && now->registrations >= most &&
            now->refusals > then->refusals) {
                diagnosis.kind = DIAGNOSIS_NO_BUDGET;
                diagnosis.amount = now->registrations;
                look->visit(look->data, &diagnosis);
        }
}

/* What its listener has can be for others of the group, if they have credit. */
static bool has_credit(const SessionView *view, uint64_t listener)
{
        for (size_t i = 0; i < view->worker_count; i++) {
                const KnownWorker *each = &view->workers[i];

                if (each->listener == listener && each->credits > 0 && !each->draining)
                        return true;
        }
        return false;
}

/* Whether connections wait for workers: with the daemon, or still in the kernel. */
static bool do_wait(const SocketTable *table, const KnownWorker *worker)
{
        const char *address = strchr(worker->address, ':');
        char text[SOCKET_ADDRESS_TEXT_MAX];

        for (size_t i = table->unaccepted; address && i < table->count; i++) {
                const Socket *socket = &table->sockets[i];

                if (!socket_is_listening(socket) || socket->receive_queue == 0)
                        continue;
                socket_local_text(socket, text);
                if (strcmp(text, address + 1) == 0)
                        return true;
        }
        return worker->queued > 0;
}

static void look_at_worker(const Look *look, const KnownWorker *now)
{
        const KnownWorker *then = session_view_find_worker(look->moments->first, now);
        const Diagnosis diagnosis = {
                .kind = DIAGNOSIS_NO_CREDIT,
                .set = -1,
                .number = -1,
                .since_ms = look->apart_ms,
                .session = now->session,
                .name = now->name,
                .amount = now->in_hand,
        };

        if (then && then->credits == 0 && now->credits == 0 && !now->draining && now->in_hand > 0 &&
            then->passed == now->passed && do_wait(look->moments->first_sockets, then) &&
            do_wait(look->moments->second_sockets, now) &&
            !has_credit(look->moments->second, now->listener))
                look->visit(look->data, &diagnosis);
}

void session_diagnose(const SessionMoments *moments, pid_t pid, DiagnosisVisit visit, void *data)
{
        const SessionView *first = moments->first, *second = moments->second;
        const Look look = {
                .moments = moments,
                .apart_ms =
                        second->began_ms > first->ended_ms ? second->began_ms - first->ended_ms : 0,
                .visit = visit,
                .data = data,
        };

        for (size_t i = 0; i < second->session_count; i++) {
                if (second->sessions[i].pid == pid)
                        look_at_session(&look, &second->sessions[i]);
        }
        for (size_t i = 0; i < second->worker_count; i++) {
                if (second->workers[i].pid == pid)
                        look_at_worker(&look, &second->workers[i]);
        }
}
