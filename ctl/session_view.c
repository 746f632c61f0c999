/* What the daemon knows of sessions. See session_view.h. */
#include "ctl/session_view.h"

#include "core/clock.h"
#include "ctl/query_list.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct Reading {
        SessionView *view;
        uint64_t own; /* kyronctl's session */
        size_t session_capacity;
        size_t worker_capacity;
} Reading;

/* Room for one more; NULL: none, and what is missing is said to be no session. */
static void *make_room(void *array, size_t count, size_t *capacity, size_t size)
{
        size_t more = *capacity ? *capacity * 2 : 64;
        void *grown;

        if (count < *capacity)
                return array;
        grown = reallocarray(array, more, size);
        if (grown)
                *capacity = more;
        return grown;
}

static void add_session(void *data, const Iod__SessionEntry *entry)
{
        Reading *reading = data;
        SessionView *view = reading->view;
        KnownSession *sessions = entry->session == reading->own
                                         ? NULL
                                         : make_room(view->sessions, view->session_count,
                                                     &reading->session_capacity, sizeof(*sessions));

        if (!sessions)
                return;
        view->sessions = sessions;
        sessions[view->session_count++] = (KnownSession){
                .session = entry->session,
                .pid = entry->pid,
                .waiting = entry->waiting,
                .frames = entry->frames,
                .refusals = entry->refusals,
                .registrations = entry->registrations,
        };
}

static void add_worker(void *data, const Iod__GroupEntry *entry)
{
        Reading *reading = data;
        SessionView *view = reading->view;
        KnownWorker *workers = make_room(view->workers, view->worker_count,
                                         &reading->worker_capacity, sizeof(*workers));

        if (!workers)
                return;
        view->workers = workers;
        workers += view->worker_count++;
        *workers = (KnownWorker){
                .listener = entry->listener,
                .session = entry->session,
                .endpoint = entry->endpoint,
                .pid = entry->pid,
                .draining = entry->draining,
                .credits = entry->credits,
                .in_hand = entry->in_hand,
                .passed = entry->passed,
        };
        snprintf(workers->name, sizeof(workers->name), "%s", entry->name);
}

static void add_queue(void *data, const Iod__ListenerEntry *entry)
{
        SessionView *view = ((Reading *)data)->view;

        for (size_t i = 0; i < view->worker_count; i++) {
                KnownWorker *worker = &view->workers[i];

                if (worker->listener != entry->listener)
                        continue;
                worker->queued = entry->queued;
                snprintf(worker->address, sizeof(worker->address), "%s", entry->address);
        }
}

void session_view_read(SessionView *out, Query *query)
{
        Reading reading = {.view = out, .own = query ? query->connection.session : 0};
        const Iod__Status *status;

        *out = (SessionView){.began_ms = clock_now_ms()};
        out->served = query && query_sessions(query, 0, add_session, &reading) == EXIT_CODE_OK;
        if (out->served && query_groups(query, add_worker, &reading) == EXIT_CODE_OK &&
            out->worker_count > 0)
                query_listeners(query, add_queue, &reading);
        if (out->served && query_status(query, &status) == EXIT_CODE_OK)
                out->registrations_max = status->registrations_per_session_max;
        out->ended_ms = clock_now_ms();
}

void session_view_release(SessionView *view)
{
        free(view->sessions);
        free(view->workers);
        *view = (SessionView){.served = false};
}

const KnownSession *session_view_find(const SessionView *view, uint64_t session)
{
        for (size_t i = 0; i < view->session_count; i++) {
                if (view->sessions[i].session == session)
                        return &view->sessions[i];
        }
        return NULL;
}

const KnownWorker *session_view_find_worker(const SessionView *view, const KnownWorker *worker)
{
        for (size_t i = 0; i < view->worker_count; i++) {
                const KnownWorker *each = &view->workers[i];

                if (each->listener == worker->listener && each->session == worker->session &&
                    each->endpoint == worker->endpoint)
                        return each;
        }
        return NULL;
}
