/* What kyronctl shows. See inspect.h. */
#include "daemon/requests/inspect.h"

#include "core/clock.h"
#include "core/error.h"
#include "daemon/daemon.h"
#include "daemon/requests/opening.h"
#include "daemon/session/session_unread.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        /* Sessions looked at for one page, so that a page with little on it costs little too; */
        SESSION_LOOKS = 1024,
        /* and of those, looked into. */
        SESSIONS_PER_PAGE = 16,
        /* Descriptors counted, where the kernel does not say how many there are. */
        DESCRIPTORS_COUNTED_MAX = 4096,
};

static bool may_see(const Session *viewer, const Session *session)
{
        return viewer->sees_all || viewer->peer.uid == session->peer.uid;
}

static uint32_t open_descriptors(void)
{
        struct stat directory;
        uint32_t count = 0;
        DIR *entries;

        /* Linux 6.2 and later say it outright. */
        if (stat("/proc/self/fd", &directory) == 0 && directory.st_size > 0)
                return (uint32_t)directory.st_size;
        entries = opendir("/proc/self/fd");
        if (!entries)
                return 0;
        while (count < DESCRIPTORS_COUNTED_MAX && readdir(entries))
                count++;
        closedir(entries);
        return count - 3; /* ".", ".." and the directory itself */
}

void inspect_fill_status(const Daemon *daemon, Iod__Status *status)
{
        const Options *options = daemon->options;

        *status = (Iod__Status)IOD__STATUS__INIT;
        status->sessions_waiting = daemon->sessions.waiting;
        status->connects = daemon->connects;
        status->workers = daemon->listeners.workers;
        status->listeners = daemon->listeners.count;
        status->listeners_waiting = daemon->listeners.waiting_count;
        status->policies_waiting = (uint32_t)policy_count_unknown(daemon->config->policy);
        status->holds = (uint32_t)daemon->holds.count;
        status->descriptors_kept = daemon->kept.count + (uint32_t)daemon->holds.descriptors;
        status->descriptors_kept_max = daemon->kept.max;
        status->release = (char *)PACKAGE_VERSION;
        status->epoch = daemon->epoch;
        status->pid = getpid();
        status->pid_namespace = daemon->pid_namespace;
        status->started = daemon->started;
        status->sessions = daemon->sessions.count;
        status->sessions_direct = daemon->sessions.direct;
        status->sessions_max = daemon->sessions.max;
        status->sessions_per_user_max = options->sessions_per_user_max;
        status->registrations = daemon->sessions.registration_count;
        status->registrations_per_session_max = options->registrations_per_session_max;
        status->registrations_per_user_max = options->registrations_per_user_max;
        status->events = daemon->driver.events;
        status->frames = daemon->driver.frames;
        status->registrations_total = daemon->driver.registrations;
        status->sessions_total = daemon->sessions.total;
        status->refusals = daemon->sessions.not_done[NOT_DONE_REFUSED];
        status->failures = daemon->sessions.not_done[NOT_DONE_FAILED];
        status->cancels = daemon->sessions.not_done[NOT_DONE_CANCELLED];
        status->turns = daemon->loop.turn.count;
        status->longest_turn_us = daemon->loop.turn.longest_ns / 1000;
        status->descriptors = open_descriptors();
        status->sessions_left = daemon->sessions.remains_count;
        status->in_flight = daemon->in_flight.share.used;
        status->in_flight_max = daemon->in_flight.share.max;
        status->in_flight_others = daemon->in_flight.others;
}

int inspect_get_status(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Status status;

        inspect_fill_status(daemon, &status);
        frame.body_case = IOD__FRAME__BODY_STATUS;
        frame.status = &status;
        return session_reply(session, request->sequence, &frame);
}

/* The session of that number: 0 with *out, or a positive errno with error_text(). */
static int find_session(const Daemon *daemon, const Session *viewer, uint64_t id, Session **out)
{
        Session *session = sessions_find(&daemon->sessions, id);

        if (!session)
                return -error_set(ENOENT, "there is no session %llu", (unsigned long long)id);
        if (!may_see(viewer, session))
                return -error_set(EACCES, "session %llu is another user's", (unsigned long long)id);
        *out = session;
        return 0;
}

/* pulse: a place for what is told of it. */
static void fill_session_entry(const Session *session, Iod__SessionEntry *entry, Iod__Pulse *pulse)
{
        *entry = (Iod__SessionEntry)IOD__SESSION_ENTRY__INIT;
        entry->session = session->id;
        entry->pid = session->peer.pid;
        entry->uid = session->peer.uid;
        entry->gid = session->peer.gid;
        entry->program = (char *)session->peer.program;
        entry->since = session->since;
        entry->registrations = session->registrations.count;
        entry->events = session->events;
        entry->frames = session->frames;
        entry->refusals = session->not_done.counts[NOT_DONE_REFUSED];
        entry->failures = session->not_done.counts[NOT_DONE_FAILED];
        entry->cancels = session->not_done.counts[NOT_DONE_CANCELLED];
        entry->unread_ms = session_unread_ms(session);
        entry->silent_ms = session_silent_ms(session);
        entry->waiting = notifier_is_waiting(&session->notifier);
        entry->delivery = session->is_direct ? IOD__DELIVERY__DELIVERY_DIRECT
                                             : IOD__DELIVERY__DELIVERY_RELAYED;
        if (session_pulse_read(&session->pulse, session->registrations.limit, pulse))
                entry->pulse = pulse;
}

/* What is told of one alone: told of each, they would not fit in a packet. */
static void add_last_refusal(const Session *session, Iod__SessionEntry *entry,
                             Iod__LastRefusal *last)
{
        const NotDone *not_done = &session->not_done;

        if (not_done->error == 0)
                return;
        *last = (Iod__LastRefusal)IOD__LAST_REFUSAL__INIT;
        last->error = not_done->error;
        last->text = (char *)not_done->text;
        last->failed = not_done->failed;
        last->ago_ms = clock_now_ms() - not_done->at_ms;
        entry->last_refusal = last;
}

int inspect_list_sessions(Daemon *daemon, Session *viewer, const Iod__Frame *request)
{
        const Iod__ListSessions *list = request->list_sessions;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Sessions page = IOD__SESSIONS__INIT;
        Iod__SessionEntry entries[FRAME_PAGE_MAX];
        Iod__SessionEntry *pointers[FRAME_PAGE_MAX];
        Iod__Pulse pulses[FRAME_PAGE_MAX];
        Iod__LastRefusal last;
        Session *session;
        unsigned looks = 0;
        int r;

        page.entry = pointers;
        page.pid_namespace = daemon->pid_namespace;
        frame.body_case = IOD__FRAME__BODY_SESSIONS;
        frame.sessions = &page;
        if (list->session != 0) {
                r = find_session(daemon, viewer, list->session, &session);
                if (r > 0)
                        return r;
                fill_session_entry(session, &entries[0], &pulses[0]);
                add_last_refusal(session, &entries[0], &last);
                pointers[page.n_entry++] = &entries[0];
                return session_reply(viewer, request->sequence, &frame);
        }
        for (session = sessions_after(&daemon->sessions, list->after); session;
             session = TAILQ_NEXT(session, link)) {
                if (page.n_entry == FRAME_PAGE_MAX || looks++ == SESSION_LOOKS) {
                        page.more = true;
                        break;
                }
                page.next = session->id;
                if (!session->open || !may_see(viewer, session))
                        continue;
                fill_session_entry(session, &entries[page.n_entry], &pulses[page.n_entry]);
                pointers[page.n_entry] = &entries[page.n_entry];
                page.n_entry++;
        }
        if (!page.more)
                page.next = 0;
        return session_reply(viewer, request->sequence, &frame);
}

/* Of a time that is noted in tenths of a second. */
static uint64_t ms_since(uint32_t then)
{
        const uint32_t now = registration_info_now();

        return now > then ? (uint64_t)(now - then) * 100 : 0;
}

static void fill_registration_entry(const Session *session, uint32_t slot,
                                    const RegistrationInfo *info, Iod__RegistrationEntry *entry)
{
        *entry = (Iod__RegistrationEntry)IOD__REGISTRATION_ENTRY__INIT;
        entry->session = session->id;
        entry->pid = session->peer.pid;
        entry->uid = session->peer.uid;
        entry->program = (char *)session->peer.program;
        entry->slot = slot;
        entry->generation = info->generation;
        entry->kind = (char *)descriptor_kind_name(info->kind);
        entry->inode = info->inode;
        entry->interest = info->interest;
        entry->readiness = info->readiness;
        entry->tick = info->tick;
        entry->age_ms = ms_since(info->made);
        entry->idle_ms = ms_since(info->told);
}

/* Fills the page from one session, from *slot on; false when the page is full. */
static bool fill_from_session(const Session *session, uint32_t *slot, Iod__Registrations *page,
                              Iod__RegistrationEntry entries[static FRAME_PAGE_MAX])
{
        const RegistrationInfo *info;

        while ((info = registration_set_next(&session->registrations, slot))) {
                if (page->n_entry == FRAME_PAGE_MAX)
                        return false;
                fill_registration_entry(session, *slot, info, &entries[page->n_entry]);
                page->entry[page->n_entry] = &entries[page->n_entry];
                page->n_entry++;
                (*slot)++;
        }
        return true;
}

static Session *first_from(const Daemon *daemon, uint64_t id)
{
        return sessions_after(&daemon->sessions, id > 0 ? id - 1 : 0);
}

int inspect_list_registrations(Daemon *daemon, Session *viewer, const Iod__Frame *request)
{
        const Iod__ListRegistrations *list = request->list_registrations;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Registrations page = IOD__REGISTRATIONS__INIT;
        Iod__RegistrationEntry entries[FRAME_PAGE_MAX];
        Iod__RegistrationEntry *pointers[FRAME_PAGE_MAX];
        Session *session = NULL;
        unsigned looks = 0, scanned = 0;
        int r;

        page.entry = pointers;
        frame.body_case = IOD__FRAME__BODY_REGISTRATIONS;
        frame.registrations = &page;
        if (list->session != 0) {
                r = find_session(daemon, viewer, list->session, &session);
                if (r > 0)
                        return r;
        }
        for (Session *next = session ? session : first_from(daemon, list->from_session); next;
             next = session ? NULL : TAILQ_NEXT(next, link)) {
                uint32_t slot = next->id == list->from_session ? list->from_slot : 0;
                bool is_shown = next->registrations.count > 0 && may_see(viewer, next) &&
                                next->id >= list->from_session;

                if (looks++ == SESSION_LOOKS ||
                    (is_shown && (scanned++ == SESSIONS_PER_PAGE ||
                                  !fill_from_session(next, &slot, &page, entries)))) {
                        page.next_session = next->id;
                        page.next_slot = slot;
                        break;
                }
        }
        return session_reply(viewer, request->sequence, &frame);
}
