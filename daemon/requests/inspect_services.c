/* What kyronctl shows of listeners, groups and holds. See inspect.h. */
#include "daemon/requests/inspect.h"

#include "daemon/daemon.h"
#include "daemon/listen/balancer.h"

/* Entries of one page: with their addresses and names at their longest they fit in a packet. */
enum { PAGE_MAX = 48 };

static void fill_listener_entry(const Listener *listener, Iod__ListenerEntry *entry)
{
        const Worker *worker;

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
        TAILQ_FOREACH(worker, &listener->group.workers, link)
        entry->workers += !worker->left;
        entry->credits = balancer_credit(&listener->group);
        entry->silent = listener->group.silent_count;
        entry->queued = listener->group.queued_count;
        entry->accepted = listener->accepted;
        entry->passed = listener->group.passed;
        entry->passed_again = listener->group.passed_again;
        entry->timed_out = listener->group.timed_out;
        entry->lacks_socket = !listener->acceptable;
}

int inspect_list_listeners(Daemon *daemon, Session *viewer, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Listeners page = IOD__LISTENERS__INIT;
        Iod__ListenerEntry entries[PAGE_MAX];
        Iod__ListenerEntry *pointers[PAGE_MAX];
        const Listener *listener;

        page.entry = pointers;
        TAILQ_FOREACH(listener, &daemon->listeners.list, link)
        {
                bool is_theirs = !listener->configured && listener->uid == viewer->peer.uid;

                if (listener->group.number <= request->list_listeners->after ||
                    !(viewer->sees_all || is_theirs))
                        continue;
                if (page.n_entry == PAGE_MAX) {
                        page.more = true;
                        break;
                }
                fill_listener_entry(listener, &entries[page.n_entry]);
                pointers[page.n_entry] = &entries[page.n_entry];
                page.n_entry++;
        }
        frame.body_case = IOD__FRAME__BODY_LISTENERS;
        frame.listeners = &page;
        return session_reply(viewer, request->sequence, &frame);
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
}

/* Whether the worker comes after where the page before ended. */
static bool is_after(const Worker *worker, const Iod__ListGroups *list)
{
        uint64_t listener = worker->group->number;

        if (listener != list->after_listener)
                return listener > list->after_listener;
        if (worker->session->id != list->after_session)
                return worker->session->id > list->after_session;
        return worker->endpoint > list->after_endpoint;
}

/* false when the page is full. */
static bool fill_from_listener(const Session *viewer, const Listener *listener,
                               const Iod__ListGroups *list, Iod__Groups *page,
                               Iod__GroupEntry entries[static PAGE_MAX])
{
        const Worker *worker;

        TAILQ_FOREACH(worker, &listener->group.workers, link)
        {
                if (worker->is_taker || !is_after(worker, list) ||
                    !(viewer->sees_all || worker->session->peer.uid == viewer->peer.uid))
                        continue;
                if (page->n_entry == PAGE_MAX)
                        return false;
                fill_group_entry(worker, &entries[page->n_entry]);
                page->entry[page->n_entry] = &entries[page->n_entry];
                page->n_entry++;
        }
        return true;
}

int inspect_list_groups(Daemon *daemon, Session *viewer, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Groups page = IOD__GROUPS__INIT;
        Iod__GroupEntry entries[PAGE_MAX];
        Iod__GroupEntry *pointers[PAGE_MAX];
        const Listener *listener;

        page.entry = pointers;
        TAILQ_FOREACH(listener, &daemon->listeners.list, link)
        {
                if (!fill_from_listener(viewer, listener, request->list_groups, &page, entries)) {
                        page.more = true;
                        break;
                }
        }
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
        uint64_t after = request->list_holds->after;
        const Hold *hold;

        page.entry = pointers;
        while ((hold = hold_set_next(&daemon->holds, after))) {
                after = hold->number;
                if (!viewer->sees_all && hold->user->uid != viewer->peer.uid)
                        continue;
                if (page.n_entry == PAGE_MAX) {
                        page.more = true;
                        break;
                }
                fill_hold_entry(hold, &entries[page.n_entry]);
                pointers[page.n_entry] = &entries[page.n_entry];
                page.n_entry++;
        }
        frame.body_case = IOD__FRAME__BODY_HOLDS;
        frame.holds = &page;
        return session_reply(viewer, request->sequence, &frame);
}
