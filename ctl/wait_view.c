/* Two samples and the sessions. See wait_view.h. */
#include "ctl/wait_view.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "ctl/output.h"
#include "ctl/query_list.h"
#include "ctl/session_diagnosis.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- The daemon's sessions ------------------------------------------------------------------- */

typedef struct Sessions {
        WaitView *view;
        uint64_t own;
        size_t capacity;
} Sessions;

static void add_session(void *data, const Iod__SessionEntry *entry)
{
        Sessions *sessions = data;
        WaitView *view = sessions->view;
        WaitSession *session;

        if (entry->session == sessions->own)
                return;
        if (view->session_count == sessions->capacity) {
                size_t more = sessions->capacity ? sessions->capacity * 2 : 64;
                WaitSession *grown = reallocarray(view->sessions, more, sizeof(*grown));

                /* What is missing here is said to be no session: it has none of the rest. */
                if (!grown)
                        return;
                view->sessions = grown;
                sessions->capacity = more;
        }
        session = &view->sessions[view->session_count++];
        *session = (WaitSession){
                .session = entry->session,
                .pid = entry->pid,
                .uid = entry->uid,
                .events = entry->events,
                .direct = entry->delivery == IOD__DELIVERY__DELIVERY_DIRECT,
                .waiting = entry->waiting,
        };
        if (session->direct && entry->pulse)
                session->events = entry->pulse->events;
        snprintf(session->program, sizeof(session->program), "%s", entry->program);
}

/* Without a daemon there are none, which is no failure. */
static void read_sessions(WaitView *view, Query *query)
{
        Sessions sessions = {.view = view, .own = query->connection.session};

        view->sessions_ms = clock_now_ms();
        view->served = query_sessions(query, 0, add_session, &sessions) == EXIT_CODE_OK;
}

static void forget_sessions(WaitView *view)
{
        free(view->sessions);
        view->sessions = NULL;
        view->session_count = 0;
        view->served = false;
}

const char *wait_view_delivery(const WaitView *view, pid_t pid)
{
        bool relayed = false, direct = false;

        for (size_t i = 0; i < view->session_count; i++) {
                if (view->sessions[i].pid == pid && view->sessions[i].direct)
                        direct = true;
                else if (view->sessions[i].pid == pid)
                        relayed = true;
        }
        if (relayed && direct)
                return "both";
        if (relayed)
                return "relayed";
        return direct ? "direct" : NULL;
}

/* ---- Samples --------------------------------------------------------------------------------- */

static void wait_until(uint64_t then_ms)
{
        uint64_t now = clock_now_ms();

        while (now < then_ms) {
                const struct timespec rest = {
                        .tv_sec = (time_t)((then_ms - now) / 1000),
                        .tv_nsec = (long)((then_ms - now) % 1000 * 1000000),
                };

                nanosleep(&rest, NULL);
                now = clock_now_ms();
        }
}

ExitCode wait_view_begin(WaitView *out, const SampleOptions *options)
{
        *out = (WaitView){.served = false};
        return sample_take(&out->first, options) < 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

ExitCode wait_view_go_on(WaitView *view, const SampleOptions *options, Query *query)
{
        SampleOptions after = *options;

        if (view->second.count > 0) {
                sample_free(&view->first);
                view->first = view->second;
                view->second = (Sample){.count = 0};
        }
        after.before = &view->first;
        forget_sessions(view);
        session_view_release(&view->then);
        view->then = view->now;
        view->now = (SessionView){.served = false};
        if (query)
                read_sessions(view, query);
        if (sample_take(&view->second, &after) < 0)
                return EXIT_CODE_FAILED;
        session_view_read(&view->now, view->served ? query : NULL);
        return EXIT_CODE_OK;
}

ExitCode wait_view_take(WaitView *out, const CommandLine *command_line,
                        bool (*wants)(void *data, const Process *process), void *data)
{
        const SampleOptions options = {
                .large = command_line->large,
                .wants = wants,
                .data = data,
        };
        CLEANUP(query_close) Query query = {.connection = {.fd = -1}};
        ExitCode code = wait_view_begin(out, &options);
        bool served;

        if (code != EXIT_CODE_OK)
                return code;
        served = query_open(&query, command_line->socket_path) == EXIT_CODE_OK;
        session_view_read(&out->now, served ? &query : NULL);
        wait_until(out->first.ended_ms + WAIT_VIEW_APART_MS);
        return wait_view_go_on(out, &options, served ? &query : NULL);
}

void wait_view_release(WaitView *view)
{
        sample_free(&view->first);
        sample_free(&view->second);
        forget_sessions(view);
        session_view_release(&view->then);
        session_view_release(&view->now);
}

static void keep(void *data, const Diagnosis *diagnosis)
{
        WaitFindings *findings = data;

        if (findings->count < WAIT_VIEW_DIAGNOSES_MAX)
                findings->found[findings->count++] = *diagnosis;
        else
                findings->more++;
}

void wait_view_find(const WaitView *view, const Process *process, WaitFindings *out)
{
        const SessionMoments moments = {
                .first = &view->then,
                .first_sockets = &view->first.sockets,
                .second = &view->now,
                .second_sockets = &view->second.sockets,
        };

        out->count = out->more = 0;
        diagnose(&view->first, &view->second, process, keep, out);
        session_diagnose(&moments, process->pid, keep, out);
}

/* ---- What was not seen ----------------------------------------------------------------------- */

static size_t count_large(const WaitView *view)
{
        size_t count = 0;

        for (size_t i = 0; i < view->second.count; i++) {
                const Process *process = &view->second.processes[i];
                bool large = process->status == PROCESS_LARGE;

                for (size_t j = 0; j < process->set_count && !large; j++)
                        large = process->sets[j].status == WAIT_SET_LARGE;
                count += large;
        }
        return count;
}

static unsigned abandoned(const WaitView *view)
{
        return view->first.errands.abandoned + view->second.errands.abandoned;
}

void wait_view_say_unseen(const WaitView *view)
{
        const Sample *second = &view->second;
        const size_t large = count_large(view);

        if (second->shut > 0)
                fprintf(stderr, "not seen: what %zu processes of other users have open\n",
                        second->shut);
        if (second->hidden)
                fprintf(stderr, "not seen: other users' processes, which /proc does not list to "
                                "this user (hidepid)\n");
        if (second->inner)
                fprintf(stderr, "not seen: processes outside of this PID namespace\n");
        if (large > 0)
                fprintf(stderr,
                        "not read: %zu processes with more than %d descriptors, or as many in a "
                        "set; --large does, and holds them up\n",
                        large, SAMPLE_DESCRIPTORS_MAX);
        if (second->left_out > 0)
                fprintf(stderr, "not read: %zu processes, for want of time\n", second->left_out);
        if (second->sets_hung > 0)
                fprintf(stderr, "not read: %zu epoll sets; one that was tried did not answer\n",
                        second->sets_hung);
        if (second->sockets.without_times)
                fprintf(stderr, "not read: how long connections have waited; the kernel did not "
                                "answer in time\n");
        if (second->sockets.shut > 0)
                fprintf(stderr, "not seen: the connections of %zu other network namespaces\n",
                        second->sockets.shut);
        if (second->sockets.incomplete)
                fprintf(stderr, "not read: the machine's sockets, or some of them\n");
        if (abandoned(view) > 0)
                fprintf(stderr,
                        "left behind: %u processes of kyronctl, which end once what they read "
                        "answers\n",
                        abandoned(view));
}

json_t *wait_view_object(const WaitView *view)
{
        const Sample *second = &view->second;
        json_t *object = json_object();

        output_add_number(&object, "apart_ms", samples_apart_ms(&view->first, second));
        output_add(&object, "served", json_boolean(view->served));
        output_add_number(&object, "processes", second->count);
        output_add_number(&object, "sets", second->sets);
        output_add_number(&object, "not_seen", second->shut);
        output_add(&object, "hidden", json_boolean(second->hidden));
        output_add(&object, "inner", json_boolean(second->inner));
        output_add_number(&object, "large", count_large(view));
        output_add_number(&object, "left_out", second->left_out);
        output_add_number(&object, "sets_hung", second->sets_hung);
        output_add(&object, "socket_times", json_boolean(!second->sockets.without_times));
        output_add_number(&object, "networks", second->spaces.count);
        output_add_number(&object, "networks_not_seen", second->sockets.shut);
        output_add_number(&object, "left_behind", abandoned(view));
        return object;
}
