/* kyronctl status: the daemon at a glance. */
#include "client/handle/handle_delivery.h"
#include "core/cleanup.h"
#include "ctl/output.h"
#include "ctl/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { STARTED_MAX = 32, UPTIME_MAX = 32 };

static const char *started_text(const Iod__Status *status, char buffer[static STARTED_MAX])
{
        const time_t seconds = (time_t)(status->started / 1000000000u);
        struct tm started;

        if (!localtime_r(&seconds, &started) ||
            strftime(buffer, STARTED_MAX, "%Y-%m-%d %H:%M:%S", &started) == 0)
                return "-";
        return buffer;
}

static uint64_t uptime_seconds(const Iod__Status *status)
{
        struct timespec now;
        uint64_t nanoseconds;

        clock_gettime(CLOCK_REALTIME, &now);
        nanoseconds = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        /* The clock may have been set back since. */
        return nanoseconds > status->started ? (nanoseconds - status->started) / 1000000000u : 0;
}

/* The two largest units: "3 d 4 h", "2 h 5 min", "12 s". */
static const char *uptime_text(uint64_t seconds, char buffer[static UPTIME_MAX])
{
        uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

        if (days > 0)
                snprintf(buffer, UPTIME_MAX, "%" PRIu64 " d %" PRIu64 " h", days, hours % 24);
        else if (hours > 0)
                snprintf(buffer, UPTIME_MAX, "%" PRIu64 " h %" PRIu64 " min", hours, minutes % 60);
        else if (minutes > 0)
                snprintf(buffer, UPTIME_MAX, "%" PRIu64 " min %" PRIu64 " s", minutes,
                         seconds % 60);
        else
                snprintf(buffer, UPTIME_MAX, "%" PRIu64 " s", seconds);
        return buffer;
}

/* Sessions but for the one that asks. */
static uint32_t other_sessions(const Iod__Status *status)
{
        return status->sessions > 0 ? status->sessions - 1 : 0;
}

/* Of these, the direct ones. Who may be relayed begins so. */
static uint32_t other_direct_sessions(const Iod__Status *status, const Query *query)
{
        const uint32_t allowed = query->connection.deliveries;
        const uint32_t own = allowed != 0 && !(allowed & DELIVERY_ALLOWS_RELAYED);

        return status->sessions_direct > own ? status->sessions_direct - own : 0;
}

static ExitCode print_text(const Iod__Status *status, const Query *query, const char *socket_path)
{
        char started[STARTED_MAX], uptime[UPTIME_MAX];

        printf("state          running since %s (%s)\n", started_text(status, started),
               uptime_text(uptime_seconds(status), uptime));
        printf("release        %s\n", status->release);
        printf("process        %" PRId32 ", with %" PRIu32 " open descriptors\n", status->pid,
               status->descriptors);
        printf("socket         %s\n", socket_path);
        printf("sessions       %" PRIu32 " of %" PRIu32 " (%" PRIu32 " a user), %" PRIu32
               " direct, %" PRIu32 " waiting, %" PRIu64 " ever\n",
               other_sessions(status), status->sessions_max, status->sessions_per_user_max,
               other_direct_sessions(status, query), status->sessions_waiting,
               status->sessions_total);
        printf("registrations  %" PRIu64 " (at most %" PRIu32 " a session, %" PRIu32
               " a user), %" PRIu64 " ever\n",
               status->registrations, status->registrations_per_session_max,
               status->registrations_per_user_max, status->registrations_total);
        printf("listeners      %" PRIu32 ", with %" PRIu32 " workers", status->listeners,
               status->workers);
        if (status->listeners_waiting > 0)
                printf("; %" PRIu32 " waiting for an address", status->listeners_waiting);
        putchar('\n');
        if (status->policies_waiting > 0)
                printf("policies       %" PRIu32 " for users or groups that nobody knows\n",
                       status->policies_waiting);
        printf("connects       %" PRIu32 " under way\n", status->connects);
        printf("holds          %" PRIu32 "; %" PRIu32 " of %" PRIu32 " descriptors kept\n",
               status->holds, status->descriptors_kept, status->descriptors_kept_max);
        printf("unread         %" PRIu64 " of %" PRIu64 " descriptors passed on", status->in_flight,
               status->in_flight_max);
        if (status->in_flight_others > 0)
                printf(", %" PRIu64 " not by this daemon", status->in_flight_others);
        printf("; %" PRIu32 " sessions that have ended\n", status->sessions_left);
        printf("events         %" PRIu64 " in %" PRIu64 " frames", status->events, status->frames);
        if (status->frames > 0)
                printf(", %.1f a frame", (double)status->events / (double)status->frames);
        printf("\nrefusals       %" PRIu64 ", %" PRIu64 " failures, %" PRIu64 " cancels\n",
               status->refusals, status->failures, status->cancels);
        printf("loop           %" PRIu64 " turns, the longest %" PRIu64 " us\n", status->turns,
               status->longest_turn_us);
        return EXIT_CODE_OK;
}

static ExitCode print_json(const Iod__Status *status, const Query *query, const char *socket_path)
{
        char epoch[2 * sizeof(status->epoch) + 1];
        json_t *object = json_object();

        /* A random number, too long for those who read JSON's numbers as doubles. */
        snprintf(epoch, sizeof(epoch), "%016" PRIx64, status->epoch);
        output_add_text(&object, "state", "running");
        output_add_time(&object, "started", status->started);
        output_add_number(&object, "uptime_seconds", uptime_seconds(status));
        output_add_text(&object, "release", status->release);
        output_add_text(&object, "epoch", epoch);
        output_add(&object, "pid", json_integer(status->pid));
        output_add_number(&object, "descriptors", status->descriptors);
        output_add_text(&object, "socket", socket_path);
        output_add_number(&object, "sessions", other_sessions(status));
        output_add_number(&object, "sessions_max", status->sessions_max);
        output_add_number(&object, "sessions_per_user_max", status->sessions_per_user_max);
        output_add_number(&object, "sessions_direct", other_direct_sessions(status, query));
        output_add_number(&object, "sessions_waiting", status->sessions_waiting);
        output_add_number(&object, "sessions_total", status->sessions_total);
        output_add_number(&object, "registrations", status->registrations);
        output_add_number(&object, "registrations_per_session_max",
                          status->registrations_per_session_max);
        output_add_number(&object, "registrations_per_user_max",
                          status->registrations_per_user_max);
        output_add_number(&object, "registrations_total", status->registrations_total);
        output_add_number(&object, "listeners", status->listeners);
        output_add_number(&object, "listeners_waiting", status->listeners_waiting);
        output_add_number(&object, "workers", status->workers);
        output_add_number(&object, "policies_waiting", status->policies_waiting);
        output_add_number(&object, "connects", status->connects);
        output_add_number(&object, "holds", status->holds);
        output_add_number(&object, "descriptors_kept", status->descriptors_kept);
        output_add_number(&object, "descriptors_kept_max", status->descriptors_kept_max);
        output_add_number(&object, "in_flight", status->in_flight);
        output_add_number(&object, "in_flight_max", status->in_flight_max);
        output_add_number(&object, "in_flight_others", status->in_flight_others);
        output_add_number(&object, "sessions_left", status->sessions_left);
        output_add_number(&object, "events", status->events);
        output_add_number(&object, "frames", status->frames);
        output_add_number(&object, "refusals", status->refusals);
        output_add_number(&object, "failures", status->failures);
        output_add_number(&object, "cancels", status->cancels);
        output_add_number(&object, "turns", status->turns);
        output_add_number(&object, "longest_turn_us", status->longest_turn_us);
        return output_json(object);
}

ExitCode verb_status(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        const Iod__Status *status;
        ExitCode code;

        code = query_open(&query, command_line->socket_path);
        if (code == EXIT_CODE_OK)
                code = query_status(&query, &status);
        if (code != EXIT_CODE_OK)
                return code;
        return command_line->json ? print_json(status, &query, command_line->socket_path)
                                  : print_text(status, &query, command_line->socket_path);
}
