/* kyronctl sessions: the processes that are connected. */
#include "core/cleanup.h"
#include "ctl/output.h"
#include "ctl/query_list.h"
#include "ctl/session_state.h"
#include "ctl/user_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static const OutputColumn columns[] = {
        {"SESSION", OUTPUT_RIGHT},
        {"PID", OUTPUT_RIGHT},
        {"USER", OUTPUT_CUT | OUTPUT_SPARE},
        {"PROGRAM", OUTPUT_CUT},
        {"SINCE", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"REGS", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"EVENTS", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"UNREAD", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"DELIVERY", OUTPUT_SPARE},
        {"STATE", 0},
        {"LOOP", 0},
};

enum { SINCE_MAX = 16, LOOP_MAX = OUTPUT_DURATION_MAX + 8 };

typedef struct Sessions {
        OutputList list;
        const Query *query;
        uint64_t own; /* kyronctl's, which nobody asks for */
        const ListFilter *filter;
        uint64_t own_namespace;
        UserName user;
} Sessions;

static bool is_direct(const Iod__SessionEntry *entry)
{
        return entry->delivery == IOD__DELIVERY__DELIVERY_DIRECT;
}

static const char *delivery_text(const Iod__SessionEntry *entry)
{
        return is_direct(entry) ? "direct" : "relayed";
}

/* As ps does: the time today, else the day, else the year. */
static const char *since_text(uint64_t since, char buffer[static SINCE_MAX])
{
        const time_t then_seconds = (time_t)(since / 1000000000u), now_seconds = time(NULL);
        struct tm then, now;
        size_t n;

        if (!localtime_r(&then_seconds, &then) || !localtime_r(&now_seconds, &now))
                return "-";
        if (then.tm_year != now.tm_year)
                n = strftime(buffer, SINCE_MAX, "%Y", &then);
        else if (then.tm_yday != now.tm_yday)
                n = strftime(buffer, SINCE_MAX, "%b%d", &then);
        else
                n = strftime(buffer, SINCE_MAX, "%H:%M", &then);
        return n > 0 ? buffer : "-";
}

static const char *loop_word(const Iod__Pulse *pulse)
{
        return pulse->runs ? "runs" : "waits";
}

static const char *loop_text(const Iod__Pulse *pulse, char buffer[static LOOP_MAX])
{
        char duration[OUTPUT_DURATION_MAX];

        if (!pulse)
                return "-";
        snprintf(buffer, LOOP_MAX, "%s %s", loop_word(pulse),
                 output_duration(pulse->since_ms, duration));
        return buffer;
}

/* As its client tells it; or null. */
static json_t *pulse_object(const Iod__Pulse *pulse)
{
        json_t *object;

        if (!pulse)
                return json_null();
        object = json_object();
        output_add_number(&object, "turns", pulse->turns);
        output_add_number(&object, "events", pulse->events);
        output_add_number(&object, "registrations", pulse->registrations);
        output_add_text(&object, "loop", loop_word(pulse));
        output_add_number(&object, "since_ms", pulse->since_ms);
        output_add_number(&object, "set", pulse->set);
        return object;
}

static void append_object(Sessions *sessions, const Iod__SessionEntry *entry, SessionFrozen frozen)
{
        const char *why = session_state_why(frozen);
        json_t *object = json_object();

        output_add_number(&object, "session", entry->session);
        output_add(&object, "pid", json_integer(entry->pid));
        output_add_number(&object, "uid", entry->uid);
        output_add_number(&object, "gid", entry->gid);
        output_add_text(&object, "user", user_name_of(&sessions->user, entry->uid));
        output_add_text(&object, "program", entry->program);
        output_add_time(&object, "since", entry->since);
        output_add_number(&object, "registrations", entry->registrations);
        output_add_number(&object, "events", entry->events);
        output_add_number(&object, "frames", entry->frames);
        output_add_number(&object, "refusals", entry->refusals);
        output_add_number(&object, "failures", entry->failures);
        output_add_number(&object, "cancels", entry->cancels);
        output_add_number(&object, "unread_ms", entry->unread_ms);
        output_add_number(&object, "silent_ms", entry->silent_ms);
        output_add_text(&object, "delivery", delivery_text(entry));
        output_add_text(&object, "state", session_state_text(entry, frozen));
        output_add(&object, "frozen", why ? json_string(why) : json_null());
        output_add(&object, "pulse", pulse_object(entry->pulse));
        output_list_append(&sessions->list, object);
}

static const char *unread_text(uint64_t ms, char buffer[static OUTPUT_DURATION_MAX])
{
        return ms == 0 ? "-" : output_duration(ms, buffer);
}

static void append_row(Sessions *sessions, const Iod__SessionEntry *entry, SessionFrozen frozen)
{
        OutputList *list = &sessions->list;
        /* Of one that waits itself, the daemon does not know. */
        const Iod__Pulse *own = is_direct(entry) ? entry->pulse : NULL;
        char since[SINCE_MAX], loop[LOOP_MAX], unread[OUTPUT_DURATION_MAX];

        output_list_begin_row(list);
        output_list_cell(list, "%" PRIu64, entry->session);
        output_list_cell(list, "%" PRId32, entry->pid);
        output_list_cell(list, "%s", user_name_of(&sessions->user, entry->uid));
        output_list_cell(list, "%s", entry->program);
        output_list_cell(list, "%s", since_text(entry->since, since));
        output_list_rank(list, entry->since);
        output_list_cell(list, "%" PRIu32, own ? own->registrations : entry->registrations);
        output_list_cell(list, "%" PRIu64, own ? own->events : entry->events);
        output_list_cell(list, "%s", unread_text(entry->unread_ms, unread));
        output_list_rank(list, entry->unread_ms);
        output_list_cell(list, "%s", delivery_text(entry));
        output_list_cell(list, "%s", session_state_text(entry, frozen));
        output_list_cell(list, "%s", loop_text(entry->pulse, loop));
        if (entry->pulse)
                output_list_rank(list, entry->pulse->since_ms);
}

static void append(void *data, const Iod__SessionEntry *entry)
{
        Sessions *sessions = data;
        SessionFrozen frozen;

        if (entry->session == sessions->own ||
            !list_filter_takes(sessions->filter, entry->uid, entry->pid))
                return;
        frozen = session_state_frozen(
                entry, session_state_is_stopped(sessions->own_namespace,
                                                sessions->query->pid_namespace, entry->pid));
        if (sessions->list.array)
                append_object(sessions, entry, frozen);
        else
                append_row(sessions, entry, frozen);
}

ExitCode verb_sessions(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        Sessions sessions = {.filter = &command_line->filter, .query = &query};
        ExitCode code;

        code = query_open(&query, command_line->socket_path);
        if (code != EXIT_CODE_OK)
                return code;
        sessions.own = query.connection.session;
        sessions.own_namespace = session_state_own_namespace();
        code = output_list_open(&sessions.list, command_line, columns,
                                sizeof(columns) / sizeof(columns[0]));
        if (code == EXIT_CODE_OK)
                code = query_sessions(&query, 0, append, &sessions);
        if (code == EXIT_CODE_OK)
                code = output_list_print(&sessions.list, "sessions");
        output_list_close(&sessions.list);
        return code;
}
