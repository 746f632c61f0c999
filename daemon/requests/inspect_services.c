/* What kyronctl shows of listeners, groups and holds. See inspect.h. */
#include "daemon/requests/inspect.h"

#include "core/clock.h"
#include "daemon/daemon.h"
#include "daemon/listen/balancer.h"
#include "daemon/listen/in_hand.h"
#include "daemon/listen/listener_socket.h"
#include "daemon/session/session_unread.h"

enum {
        /* Entries of one page: with their addresses and names at their longest they fit in a
         * packet.
         */
        PAGE_MAX = 48,
        /* Listeners, workers or holds looked at for one. */
        LOOKS_MAX = 512,
};

void inspect_fill_listener(const Listener *listener, Iod__ListenerEntry *entry)
{
        *entry = (Iod__ListenerEntry)IOD__LISTENER_ENTRY__INIT;
        entry->listener = listener->group.number;
        entry->name = (char *)listener->config.name;
        entry->address = (char *)listener->address;
        entry->uid = listener->uid;
        entry->configured = listener->configured;
        entry->shared = listener->config.shared;
        entry->paused = listener->paused;
        entry->least_loaded = listener->config.least_loaded;
        entry->when_readable = listener->config.when_readable;
        entry->workers = listener->group.serving;
        entry->credits = balancer_credit(&listener->group);
        entry->silent = listener->group.silent_count;
        entry->queued = listener->group.queued_count;
        entry->accepted = listener->accepted;
        entry->passed = listener->group.passed;
        entry->passed_again = listener->group.passed_again;
        entry->timed_out = listener->group.timed_out;
        entry->lacks_socket = !listener->acceptable;
        if (entry->lacks_socket)
                entry->lack = (char *)listener->lacks;
        entry->inode = listener->inode;
        listener_socket_backlog(listener, &entry->backlog, &entry->backlog_max);
}

int inspect_list_listeners(Daemon *daemon, Session *viewer, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Listeners page = IOD__LISTENERS__INIT;
        Iod__ListenerEntry entries[PAGE_MAX];
        Iod__ListenerEntry *pointers[PAGE_MAX];
        const Listener *listener;
        unsigned looks = 0;

        page.entry = pointers;
        page.next = request->list_listeners->after;
        while ((listener = listener_after(&daemon->listeners, page.next))) {
                bool is_theirs = !listener->configured && listener->uid == viewer->peer.uid;

                if (page.n_entry == PAGE_MAX || looks++ == LOOKS_MAX) {
                        page.more = true;
                        break;
                }
                page.next = listener->group.number;
                if (!viewer->sees_all && !is_theirs)
                        continue;
                inspect_fill_listener(listener, &entries[page.n_entry]);
                pointers[page.n_entry] = &entries[page.n_entry];
                page.n_entry++;
        }
        if (!page.more)
                page.next = 0;
        frame.body_case = IOD__FRAME__BODY_LISTENERS;
        frame.listeners = &page;
        return session_reply(viewer, request->sequence, &frame);
}

/* Less than one counts as one. */
static uint64_t ms_since(uint64_t then_ms)
{
        const uint64_t now_ms = clock_coarse_ms();

        return now_ms > then_ms ? now_ms - then_ms : 1;
}

static void fill_group_entry(const Worker *worker, Iod__GroupEntry *entry)
{
        const Session *session = worker->session;

        *entry = (Iod__GroupEntry)IOD__GROUP_ENTRY__INIT;
        entry->listener = worker->group->number;
        entry->name = (char *)worker->group->config->name;
        entry->session = session->id;
        entry->endpoint = worker->endpoint;
        entry->pid = session->peer.pid;
        entry->uid = session->peer.uid;
        entry->program = (char *)session->peer.program;
        entry->weight = worker->weight;
        entry->credits = worker->credit;
        entry->in_hand = worker->in_hand_count;
        entry->not_taken = worker->not_taken;
        entry->passed = worker->passed;
        entry->draining = worker->draining || worker->left;
        entry->keep_on_death = worker->keep_on_death;
        entry->oldest_ms = in_hand_oldest_ms(worker);
        entry->not_taken_ms = in_hand_not_taken_ms(worker);
        if (worker->credit == 0)
                entry->spent_ms = ms_since(worker->spent_ms);
        entry->silent_ms = session_silent_ms(session);
        entry->unread_ms = session_unread_ms(session);
}

/* Adds those of the listener's from worker on; false when the page is full, or took long enough. */
static bool fill_from_listener(const Session *viewer, const Worker *worker, unsigned *looks,
                               Iod__Groups *page, Iod__GroupEntry entries[static PAGE_MAX])
{
        for (; worker; worker = TAILQ_NEXT(worker, link)) {
                if (page->n_entry == PAGE_MAX || ++*looks > LOOKS_MAX)
                        return false;
                page->next_session = worker->session_id;
                page->next_endpoint = worker->endpoint;
                if (worker->is_taker ||
                    !(viewer->sees_all || worker->session->peer.uid == viewer->peer.uid))
                        continue;
                fill_group_entry(worker, &entries[page->n_entry]);
                page->entry[page->n_entry] = &entries[page->n_entry];
                page->n_entry++;
        }
        return true;
}

int inspect_list_groups(Daemon *daemon, Session *viewer, const Iod__Frame *request)
{
        const Iod__ListGroups *list = request->list_groups;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Groups page = IOD__GROUPS__INIT;
        Iod__GroupEntry entries[PAGE_MAX];
        Iod__GroupEntry *pointers[PAGE_MAX];
        uint64_t before = list->after_listener > 0 ? list->after_listener - 1 : 0;
        const Listener *listener;
        unsigned looks = 0;

        page.entry = pointers;
        page.pid_namespace = daemon->pid_namespace;
        page.next_session = list->after_session;
        page.next_endpoint = list->after_endpoint;
        while ((listener = listener_after(&daemon->listeners, before)) && !page.more) {
                if (listener->group.number != list->after_listener)
                        page.next_session = page.next_endpoint = 0;
                page.next_listener = before = listener->group.number;
                page.more = ++looks > LOOKS_MAX ||
                            !fill_from_listener(viewer,
                                                worker_after(&listener->group, page.next_session,
                                                             page.next_endpoint),
                                                &looks, &page, entries);
        }
        if (!page.more)
                page.next_listener = page.next_session = page.next_endpoint = 0;
        frame.body_case = IOD__FRAME__BODY_GROUPS;
        frame.groups = &page;
        return session_reply(viewer, request->sequence, &frame);
}

static void fill_hold_entry(const Hold *hold, Iod__HoldEntry *entry)
{
        *entry = (Iod__HoldEntry)IOD__HOLD_ENTRY__INIT;
        entry->hold = hold->number;
        entry->name = (char *)hold->name;
        entry->uid = hold->user->uid;
        entry->session = hold->session;
        entry->pid = hold->pid;
        entry->program = (char *)hold->program;
        entry->kind = (char *)descriptor_kind_name(hold->kind);
        entry->inode = hold->inode;
        entry->note_size = hold->note_size;
        entry->since = hold->since;
        entry->time_left_ms = hold_time_left_ms(hold);
}

int inspect_list_holds(Daemon *daemon, Session *viewer, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Holds page = IOD__HOLDS__INIT;
        Iod__HoldEntry entries[PAGE_MAX];
        Iod__HoldEntry *pointers[PAGE_MAX];
        const Hold *hold;
        unsigned looks = 0;

        page.entry = pointers;
        page.next = request->list_holds->after;
        while ((hold = hold_set_next(&daemon->holds, page.next))) {
                if (page.n_entry == PAGE_MAX || looks++ == LOOKS_MAX) {
                        page.more = true;
                        break;
                }
                page.next = hold->number;
                if (!viewer->sees_all && hold->user->uid != viewer->peer.uid)
                        continue;
                fill_hold_entry(hold, &entries[page.n_entry]);
                pointers[page.n_entry] = &entries[page.n_entry];
                page.n_entry++;
        }
        if (!page.more)
                page.next = 0;
        frame.body_case = IOD__FRAME__BODY_HOLDS;
        frame.holds = &page;
        return session_reply(viewer, request->sequence, &frame);
}
