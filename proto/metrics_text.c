/* The daemon's metrics. See metrics_text.h. */
#include "proto/metrics_text.h"

#include <inttypes.h>
#include <stdio.h>

/* What programs and listeners without a place of their own are called together. */
static const char other[] = "other";

enum { UID_MAX = 16 };

/* ---- Without labels -------------------------------------------------------------------------- */

static void write_one(Exposition *exposition, const char *name, ExpositionType type,
                      const char *help, uint64_t value)
{
        exposition_begin(exposition, name, type, NULL, help);
        exposition_add(exposition, NULL, value);
}

#define GAUGE(name, value, help)   write_one(exposition, name, EXPOSITION_GAUGE, help, value)
#define COUNTER(name, value, help) write_one(exposition, name, EXPOSITION_COUNTER, help, value)

static void write_time(Exposition *exposition, const char *name, ExpositionType type,
                       const char *help, uint64_t ns)
{
        exposition_begin(exposition, name, type, "seconds", help);
        exposition_add_time(exposition, NULL, ns);
}

static void write_process(Exposition *exposition, const Iod__Metrics *metrics)
{
        const Iod__Status *status = metrics->status;
        const ExpositionLabel release[EXPOSITION_LABELS_MAX] = {{"release", status->release}};

        GAUGE("kyron_iod_up", 1, "Whether the daemon answers");
        exposition_begin(exposition, "kyron_iod_build_info", EXPOSITION_GAUGE, NULL,
                         "The daemon's release");
        exposition_add(exposition, release, 1);
        write_time(exposition, "kyron_iod_start_time_seconds", EXPOSITION_GAUGE,
                   "When the daemon started, since 1970", status->started);
        write_time(exposition, "kyron_iod_processor_seconds", EXPOSITION_COUNTER,
                   "Processor time of the daemon", metrics->processor_ns);
        exposition_begin(exposition, "kyron_iod_memory_resident_bytes", EXPOSITION_GAUGE, "bytes",
                         "Memory of the daemon");
        exposition_add(exposition, NULL, metrics->memory);
        GAUGE("kyron_iod_descriptors_open", status->descriptors, "Descriptors the daemon has open");
        GAUGE("kyron_iod_descriptors_open_limit", metrics->descriptors_max,
              "Descriptors the daemon may have open");
        COUNTER("kyron_iod_log_lines_left_out", metrics->log_lines_left_out,
                "Lines that the log had no room for");
        GAUGE("kyron_iod_policies_waiting", status->policies_waiting,
              "Policies for users or groups that nobody knows");
}

static void write_sessions(Exposition *exposition, const Iod__Status *status)
{
        GAUGE("kyron_iod_sessions", status->sessions, "Sessions now, those that watch included");
        GAUGE("kyron_iod_sessions_limit", status->sessions_max, "Sessions there may be");
        GAUGE("kyron_iod_sessions_direct", status->sessions_direct,
              "Sessions whose clients wait themselves");
        GAUGE("kyron_iod_sessions_waiting", status->sessions_waiting,
              "Sessions that have not read what they were sent, and are told nothing until then");
        GAUGE("kyron_iod_sessions_left", status->sessions_left,
              "Sessions that have ended and whose clients have not read everything");
        COUNTER("kyron_iod_sessions_opened", status->sessions_total, "Sessions opened");
        GAUGE("kyron_iod_registrations", status->registrations, "Registrations now");
        COUNTER("kyron_iod_registrations_made", status->registrations_total, "Registrations made");
        COUNTER("kyron_iod_events", status->events, "Readiness events passed on");
        COUNTER("kyron_iod_frames", status->frames, "Frames that the events went in");
        COUNTER("kyron_iod_refusals", status->refusals,
                "Requests and registrations that the daemon would not do");
        COUNTER("kyron_iod_failures", status->failures, "Requests that the daemon could not do");
        COUNTER("kyron_iod_cancels", status->cancels, "Requests that clients cancelled");
}

static void write_services(Exposition *exposition, const Iod__Metrics *metrics)
{
        const Iod__Status *status = metrics->status;

        GAUGE("kyron_iod_listeners", status->listeners, "Listeners now");
        GAUGE("kyron_iod_listeners_waiting", status->listeners_waiting,
              "Listeners without a socket, which are tried again");
        GAUGE("kyron_iod_workers", status->workers, "Workers in the listeners' groups");
        GAUGE("kyron_iod_connects", status->connects,
              "Connections that were asked for and are being made");
        GAUGE("kyron_iod_holds", status->holds, "Descriptors held under a name");
        GAUGE("kyron_iod_descriptors_kept", status->descriptors_kept,
              "Descriptors the daemon keeps for clients");
        GAUGE("kyron_iod_descriptors_kept_limit", status->descriptors_kept_max,
              "Descriptors the daemon may keep for clients");
        GAUGE("kyron_iod_descriptors_unread", status->in_flight,
              "Descriptors sent to clients that may not have been read");
        GAUGE("kyron_iod_descriptors_unread_limit", status->in_flight_max,
              "How many of these may be");
        COUNTER("kyron_iod_connections_accepted", metrics->accepted, "Connections accepted");
        COUNTER("kyron_iod_connections_passed", metrics->passed, "Connections passed to workers");
        COUNTER("kyron_iod_connections_passed_again", metrics->passed_again,
                "Connections passed to another worker when one had ended");
        COUNTER("kyron_iod_connections_timed_out", metrics->timed_out,
                "Connections closed since their first bytes did not come in time");
        GAUGE("kyron_iod_connections_not_taken", metrics->not_taken,
              "Connections passed to workers that these have not taken yet");
}

/* ---- Histograms ------------------------------------------------------------------------------ */

static void write_histogram(Exposition *exposition, const char *name, const char *help,
                            const Iod__Histogram *histogram)
{
        exposition_begin(exposition, name, EXPOSITION_HISTOGRAM, "seconds", help);
        exposition_add_histogram(exposition, histogram->bound_ns, histogram->count,
                                 histogram->n_bound_ns, histogram->sum_ns);
}

static void write_times(Exposition *exposition, const Iod__Metrics *metrics)
{
        write_histogram(exposition, "kyron_iod_turn_seconds",
                        "Turns of the daemon's loop: so long others wait", metrics->turns);
        write_time(exposition, "kyron_iod_turn_longest_seconds", EXPOSITION_GAUGE,
                   "The longest turn since the daemon started",
                   metrics->status->longest_turn_us * 1000);
        write_histogram(exposition, "kyron_iod_take_seconds",
                        "Connections, from when a worker was looked for to when it took them",
                        metrics->takes);
}

/* ---- By program ------------------------------------------------------------------------------ */

static const char *program_name(const Iod__ProgramMetrics *program)
{
        return *program->program ? program->program : other;
}

static void add_delivery(Exposition *exposition, const Iod__ProgramMetrics *program,
                         const char *delivery, uint32_t sessions)
{
        const ExpositionLabel labels[EXPOSITION_LABELS_MAX] = {
                {"program", program_name(program)},
                {"delivery", delivery},
        };

        exposition_add(exposition, labels, sessions);
}

typedef struct ProgramFamily {
        const char *name, *help;
        ExpositionType type;
        uint64_t (*of)(const Iod__ProgramMetrics *program);
} ProgramFamily;

static uint64_t registrations_of(const Iod__ProgramMetrics *program)
{
        return program->registrations;
}

static uint64_t sessions_opened_of(const Iod__ProgramMetrics *program)
{
        return program->sessions_total;
}

static uint64_t events_of(const Iod__ProgramMetrics *program)
{
        return program->events;
}

static uint64_t frames_of(const Iod__ProgramMetrics *program)
{
        return program->frames;
}

static const ProgramFamily program_families[] = {
        {"kyron_iod_program_registrations", "Registrations now, by program", EXPOSITION_GAUGE,
         registrations_of},
        {"kyron_iod_program_sessions_opened", "Sessions opened, by program", EXPOSITION_COUNTER,
         sessions_opened_of},
        {"kyron_iod_program_events", "Readiness events passed on, by program", EXPOSITION_COUNTER,
         events_of},
        {"kyron_iod_program_frames", "Frames that the events went in, by program",
         EXPOSITION_COUNTER, frames_of},
};

static void write_programs(Exposition *exposition, const Iod__Metrics *metrics)
{
        if (metrics->n_program == 0)
                return;
        exposition_begin(exposition, "kyron_iod_program_sessions", EXPOSITION_GAUGE, NULL,
                         "Open sessions now, by program and by who waits for them");
        for (size_t i = 0; i < metrics->n_program; i++) {
                const Iod__ProgramMetrics *program = metrics->program[i];

                add_delivery(exposition, program, "relayed",
                             program->sessions - program->sessions_direct);
                add_delivery(exposition, program, "direct", program->sessions_direct);
        }
        for (size_t f = 0; f < sizeof(program_families) / sizeof(program_families[0]); f++) {
                const ProgramFamily *family = &program_families[f];

                exposition_begin(exposition, family->name, family->type, NULL, family->help);
                for (size_t i = 0; i < metrics->n_program; i++) {
                        const ExpositionLabel labels[EXPOSITION_LABELS_MAX] = {
                                {"program", program_name(metrics->program[i])},
                        };

                        exposition_add(exposition, labels, family->of(metrics->program[i]));
                }
        }
}

/* ---- By listener ----------------------------------------------------------------------------- */

typedef struct ListenerFamily {
        const char *name, *help;
        ExpositionType type;
        uint64_t (*of)(const Iod__ListenerMetrics *listener);
} ListenerFamily;

/* What is the same of the entry as of what is told. */
#define LISTENER_VALUE(field, value)                                                               \
        static uint64_t field##_of_listener(const Iod__ListenerMetrics *listener)                  \
        {                                                                                          \
                return listener->value;                                                            \
        }
LISTENER_VALUE(up, listener->lacks_socket ? 0 : 1)
LISTENER_VALUE(paused, listener->paused)
LISTENER_VALUE(workers, listener->workers)
LISTENER_VALUE(credits, listener->credits)
LISTENER_VALUE(backlog, listener->backlog)
LISTENER_VALUE(backlog_max, listener->backlog_max)
LISTENER_VALUE(silent, listener->silent)
LISTENER_VALUE(queued, listener->queued)
LISTENER_VALUE(not_taken, not_taken)
LISTENER_VALUE(accepted, listener->accepted)
LISTENER_VALUE(passed, listener->passed)
LISTENER_VALUE(passed_again, listener->passed_again)
LISTENER_VALUE(timed_out, listener->timed_out)

static const ListenerFamily listener_families[] = {
        {"kyron_iod_listener_up", "Whether it has its socket", EXPOSITION_GAUGE, up_of_listener},
        {"kyron_iod_listener_paused", "Whether it is paused", EXPOSITION_GAUGE, paused_of_listener},
        {"kyron_iod_listener_workers", "Workers and takers of it", EXPOSITION_GAUGE,
         workers_of_listener},
        {"kyron_iod_listener_credits", "Connections its workers may be given yet", EXPOSITION_GAUGE,
         credits_of_listener},
        {"kyron_iod_listener_backlog", "Connections in the kernel's backlog", EXPOSITION_GAUGE,
         backlog_of_listener},
        {"kyron_iod_listener_backlog_limit", "How many of these may be; 0: not known",
         EXPOSITION_GAUGE, backlog_max_of_listener},
        {"kyron_iod_listener_silent", "Connections whose first bytes are waited for",
         EXPOSITION_GAUGE, silent_of_listener},
        {"kyron_iod_listener_queued", "Connections accepted that wait for a worker",
         EXPOSITION_GAUGE, queued_of_listener},
        {"kyron_iod_listener_not_taken", "Connections that its workers have not taken yet",
         EXPOSITION_GAUGE, not_taken_of_listener},
        {"kyron_iod_listener_accepted", "Connections accepted", EXPOSITION_COUNTER,
         accepted_of_listener},
        {"kyron_iod_listener_passed", "Connections passed to its workers", EXPOSITION_COUNTER,
         passed_of_listener},
        {"kyron_iod_listener_passed_again",
         "Connections passed to another worker when one had ended", EXPOSITION_COUNTER,
         passed_again_of_listener},
        {"kyron_iod_listener_timed_out",
         "Connections closed since their first bytes did not come in time", EXPOSITION_COUNTER,
         timed_out_of_listener},
};

/* A client's has a user, too: each has names of their own. */
static void add_listener(Exposition *exposition, const Iod__ListenerMetrics *listener,
                         uint64_t value)
{
        char uid[UID_MAX] = "";
        const ExpositionLabel labels[EXPOSITION_LABELS_MAX] = {
                {"listener", listener->listener->name},
                {"uid", uid},
        };

        if (!listener->listener->configured)
                snprintf(uid, sizeof(uid), "%" PRIu32, listener->listener->uid);
        exposition_add(exposition, labels, value);
}

static void write_listeners(Exposition *exposition, const Iod__Metrics *metrics)
{
        if (metrics->n_listener == 0)
                return;
        for (size_t f = 0; f < sizeof(listener_families) / sizeof(listener_families[0]); f++) {
                const ListenerFamily *family = &listener_families[f];

                exposition_begin(exposition, family->name, family->type, NULL, family->help);
                for (size_t i = 0; i < metrics->n_listener; i++)
                        add_listener(exposition, metrics->listener[i],
                                     family->of(metrics->listener[i]));
        }
}

/* ---- By user --------------------------------------------------------------------------------- */

static void write_limits(Exposition *exposition, const Iod__Metrics *metrics, bool used)
{
        for (size_t i = 0; i < metrics->n_user; i++) {
                const Iod__UserEntry *user = metrics->user[i];
                char uid[UID_MAX];

                snprintf(uid, sizeof(uid), "%" PRIu32, user->uid);
                for (size_t j = 0; j < user->n_limit; j++) {
                        const ExpositionLabel labels[EXPOSITION_LABELS_MAX] = {
                                {"uid", uid},
                                {"limit", user->limit[j]->name},
                        };

                        exposition_add(exposition, labels,
                                       used ? user->limit[j]->used : user->limit[j]->max);
                }
        }
}

static void write_users(Exposition *exposition, const Iod__Metrics *metrics)
{
        if (metrics->n_user == 0)
                return;
        exposition_begin(exposition, "kyron_iod_user_used", EXPOSITION_GAUGE, NULL,
                         "What the users that have used most have of each limit");
        write_limits(exposition, metrics, true);
        exposition_begin(exposition, "kyron_iod_user_limit", EXPOSITION_GAUGE, NULL,
                         "How much of that they may have now");
        write_limits(exposition, metrics, false);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static bool is_whole(const Iod__Histogram *histogram)
{
        return histogram && histogram->n_count == histogram->n_bound_ns + 1;
}

bool metrics_text_is_whole(const Iod__Metrics *metrics)
{
        for (size_t i = 0; i < metrics->n_listener; i++) {
                if (!metrics->listener[i]->listener)
                        return false;
        }
        for (size_t i = 0; i < metrics->n_program; i++) {
                if (metrics->program[i]->sessions_direct > metrics->program[i]->sessions)
                        return false;
        }
        return metrics->status && is_whole(metrics->turns) && is_whole(metrics->takes);
}

void metrics_text_write(Exposition *exposition, const Iod__Metrics *metrics)
{
        write_process(exposition, metrics);
        write_sessions(exposition, metrics->status);
        write_programs(exposition, metrics);
        write_services(exposition, metrics);
        write_listeners(exposition, metrics);
        write_users(exposition, metrics);
        write_times(exposition, metrics);
}
