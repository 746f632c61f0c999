/* What is counted. See metrics.h. */
#include "daemon/requests/metrics.h"

#include "core/cleanup.h"
#include "daemon/daemon.h"
#include "daemon/process/log_queue.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- The process ----------------------------------------------------------------------------- */

static uint64_t nanoseconds(const struct timeval *time)
{
        return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_usec * 1000;
}

static uint64_t processor_ns(void)
{
        struct rusage used;

        if (getrusage(RUSAGE_SELF, &used) < 0)
                return 0;
        return nanoseconds(&used.ru_utime) + nanoseconds(&used.ru_stime);
}

/* Bytes that it has in memory; 0: there is no /proc. */
static uint64_t memory(void)
{
        CLEANUP(cleanup_close) int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
        uint64_t pages = 0;
        char text[128];
        ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

        if (n <= 0)
                return 0;
        text[n] = '\0';
        /* All that is mapped; and of it what is in memory. */
        if (sscanf(text, "%*u %" SCNu64, &pages) != 1)
                return 0;
        return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t descriptors_max(void)
{
        struct rlimit limit;

        return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

static void fill_process(Iod__Metrics *metrics)
{
        metrics->log_lines_left_out = log_queue_left_out();
        metrics->memory = memory();
        metrics->processor_ns = processor_ns();
        metrics->descriptors_max = descriptors_max();
}

/* ---- What it serves -------------------------------------------------------------------------- */

static Iod__Histogram *fill_histogram(const Histogram *from, Iod__Histogram *histogram)
{
        *histogram = (Iod__Histogram)IOD__HISTOGRAM__INIT;
        histogram->bound_ns = (uint64_t *)histogram_bounds_ns;
        histogram->n_bound_ns = HISTOGRAM_BOUNDS;
        histogram->count = (uint64_t *)from->counts;
        histogram->n_count = HISTOGRAM_COUNTS;
        histogram->sum_ns = from->sum_ns;
        return histogram;
}

static void add_program(MetricsReport *report, const ProgramCounts *program)
{
        Iod__ProgramMetrics *entry = &report->programs[report->metrics.n_program];

        *entry = (Iod__ProgramMetrics)IOD__PROGRAM_METRICS__INIT;
        entry->program = (char *)program->name;
        entry->sessions = program->sessions;
        entry->sessions_direct = program->direct;
        entry->registrations = program->registrations;
        entry->sessions_total = program->sessions_total;
        entry->events = program->events;
        entry->frames = program->frames;
        report->program_pointers[report->metrics.n_program++] = entry;
}

static void fill_programs(const Programs *programs, MetricsReport *report)
{
        report->metrics.program = report->program_pointers;
        for (size_t i = 0; i < PROGRAMS_MAX; i++) {
                if (*programs->places[i].name)
                        add_program(report, &programs->places[i]);
        }
        if (programs->others.sessions_total > 0)
                add_program(report, &programs->others);
}

static void add_listener(MetricsReport *report, const Listener *listener)
{
        size_t i = report->metrics.n_listener++;
        Iod__ListenerMetrics *entry = &report->listeners[i];

        *entry = (Iod__ListenerMetrics)IOD__LISTENER_METRICS__INIT;
        inspect_fill_listener(listener, &report->entries[i]);
        entry->listener = &report->entries[i];
        entry->not_taken = listener->group.not_taken;
        report->listener_pointers[i] = entry;
}

static void fill_listeners(const Listeners *listeners, const Session *viewer, MetricsReport *report)
{
        Iod__Metrics *metrics = &report->metrics;

        metrics->listener = report->listener_pointers;
        for (size_t i = 0; i < LISTENERS_NAMED_MAX; i++) {
                const Listener *listener = listeners->named[i];

                if (listener && (!viewer || viewer->sees_all ||
                                 (!listener->configured && listener->uid == viewer->peer.uid)))
                        add_listener(report, listener);
        }
        metrics->accepted = listeners->counts.accepted;
        metrics->passed = listeners->counts.passed;
        metrics->passed_again = listeners->counts.passed_again;
        metrics->timed_out = listeners->counts.timed_out;
        metrics->not_taken = listeners->not_taken;
}

/* How much it has of the limit that it has most of, in thousandths. */
static uint64_t fullness(const QuotaUser *user)
{
        uint64_t most = 0;

        for (int i = 0; i < QUOTA_RESOURCE_COUNT; i++) {
                uint64_t limit = user->limits[i] > 0 ? user->limits[i] : 1;
                uint64_t full = (uint64_t)user->used[i] * 1000 / limit;

                most = full > most ? full : most;
        }
        return most;
}

/* Among those found so far, the fullest first; the last makes room. */
static void rank(const QuotaUser *found[static METRICS_USERS_MAX], const QuotaUser *user)
{
        const uint64_t full = fullness(user);

        for (size_t i = 0; i < METRICS_USERS_MAX; i++) {
                if (found[i] && fullness(found[i]) >= full)
                        continue;
                memmove(&found[i + 1], &found[i],
                        (METRICS_USERS_MAX - 1 - i) * sizeof(const QuotaUser *));
                found[i] = user;
                return;
        }
}

static void fill_users(const Daemon *daemon, const Session *viewer, MetricsReport *report)
{
        const QuotaUser *found[METRICS_USERS_MAX] = {NULL}, *user;
        uid_t from = 0;

        if (viewer && !viewer->sees_all) {
                found[0] = viewer->user;
        } else {
                for (int i = 0;
                     i < METRICS_USER_LOOKS && (user = quota_user_from(&daemon->quota, from));
                     i++) {
                        rank(found, user);
                        from = user->uid + 1; /* nobody has the highest number */
                }
        }
        report->metrics.user = report->user_pointers;
        for (size_t i = 0; i < METRICS_USERS_MAX && found[i]; i++) {
                inspect_fill_user(daemon, found[i], &report->users[i]);
                report->user_pointers[i] = &report->users[i].entry;
                report->metrics.n_user++;
        }
}

void metrics_report(const Daemon *daemon, const Session *viewer, MetricsReport *out)
{
        Iod__Metrics *metrics = &out->metrics;

        *metrics = (Iod__Metrics)IOD__METRICS__INIT;
        inspect_fill_status(daemon, &out->status);
        metrics->status = &out->status;
        metrics->turns = fill_histogram(&daemon->loop.turn.times, &out->turns);
        metrics->takes = fill_histogram(&daemon->listeners.takes, &out->takes);
        if (!viewer || viewer->sees_all)
                fill_programs(&daemon->sessions.programs, out);
        fill_listeners(&daemon->listeners, viewer, out);
        fill_users(daemon, viewer, out);
        fill_process(metrics);
}

void metrics_tell(void *data, Exposition *exposition)
{
        MetricsReport report;

        metrics_report(data, NULL, &report);
        metrics_text_write(exposition, &report.metrics);
        exposition_end(exposition);
}

int metrics_serve(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        MetricsReport report;

        metrics_report(daemon, session, &report);
        frame.body_case = IOD__FRAME__BODY_METRICS;
        frame.metrics = &report.metrics;
        return session_reply(session, request->sequence, &frame);
}
