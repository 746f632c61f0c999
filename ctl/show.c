/*
 * kyronctl show: all there is of one session: what the lists have of it, and of its user what is
 * used of each limit.
 */
#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/argument.h"
#include "ctl/output.h"
#include "ctl/query_list.h"
#include "ctl/session_state.h"
#include "ctl/user_limit.h"
#include "ctl/user_name.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct Show {
        uint64_t session;
        uint32_t uid;
        const Query *query;
        UserName user;
        json_t *object; /* all of it */
        json_t *groups; /* arrays of what there may be many of */
        json_t *holds;
        json_t *limits;
} Show;

/* ---- Asking ---------------------------------------------------------------------------------- */

static json_t *last_refusal_object(const Iod__LastRefusal *last)
{
        json_t *object;

        if (!last)
                return json_null();
        object = json_object();
        output_add(&object, "error", json_integer(last->error));
        output_add_text(&object, "text", last->text);
        output_add(&object, "failed", json_boolean(last->failed));
        output_add_number(&object, "ago_ms", last->ago_ms);
        return object;
}

static json_t *loop_object(const Iod__Pulse *pulse)
{
        json_t *object;

        if (!pulse)
                return json_null();
        object = json_object();
        output_add(&object, "runs", json_boolean(pulse->runs));
        output_add_number(&object, "since_ms", pulse->since_ms);
        output_add_number(&object, "turns", pulse->turns);
        output_add_number(&object, "events", pulse->events);
        output_add_number(&object, "registrations", pulse->registrations);
        return object;
}

static void take_session(void *data, const Iod__SessionEntry *entry)
{
        Show *show = data;
        const bool is_direct = entry->delivery == IOD__DELIVERY__DELIVERY_DIRECT;
        const SessionFrozen frozen = session_state_frozen(
                entry, session_state_is_stopped(session_state_own_namespace(),
                                                show->query->pid_namespace, entry->pid));
        const char *why = session_state_why(frozen);
        json_t **object = &show->object;

        show->uid = entry->uid;
        output_add_number(object, "session", entry->session);
        output_add_text(object, "program", entry->program);
        output_add(object, "pid", json_integer(entry->pid));
        output_add_number(object, "uid", entry->uid);
        output_add_text(object, "user", user_name_of(&show->user, entry->uid));
        output_add_time(object, "since", entry->since);
        output_add_text(object, "delivery", is_direct ? "direct" : "relayed");
        output_add_text(object, "state", session_state_text(entry, frozen));
        output_add(object, "frozen", why ? json_string(why) : json_null());
        output_add_number(object, "unread_ms", entry->unread_ms);
        output_add_number(object, "silent_ms", entry->silent_ms);
        output_add(object, "loop", loop_object(entry->pulse));
        output_add_number(object, "registrations", entry->registrations);
        output_add_number(object, "events", entry->events);
        output_add_number(object, "frames", entry->frames);
        output_add_number(object, "refusals", entry->refusals);
        output_add_number(object, "failures", entry->failures);
        output_add_number(object, "cancels", entry->cancels);
        output_add(object, "last_refusal", last_refusal_object(entry->last_refusal));
}

static void append(json_t **array, json_t *take_value)
{
        if (!*array || json_array_append_new(*array, take_value) < 0) {
                json_decref(*array);
                *array = NULL;
        }
}

static void take_group(void *data, const Iod__GroupEntry *entry)
{
        Show *show = data;
        json_t *object;

        if (entry->session != show->session)
                return;
        object = json_object();
        output_add_number(&object, "listener", entry->listener);
        output_add_text(&object, "name", entry->name);
        output_add_number(&object, "endpoint", entry->endpoint);
        output_add_number(&object, "weight", entry->weight);
        output_add_number(&object, "credits", entry->credits);
        output_add_number(&object, "in_hand", entry->in_hand);
        output_add_number(&object, "oldest_ms", entry->oldest_ms);
        output_add_number(&object, "not_taken", entry->not_taken);
        output_add_number(&object, "not_taken_ms", entry->not_taken_ms);
        output_add_number(&object, "spent_ms", entry->spent_ms);
        output_add_number(&object, "passed", entry->passed);
        output_add(&object, "draining", json_boolean(entry->draining));
        output_add(&object, "keep_on_death", json_boolean(entry->keep_on_death));
        append(&show->groups, object);
}

static void take_hold(void *data, const Iod__HoldEntry *entry)
{
        Show *show = data;
        json_t *object;

        if (entry->session != show->session)
                return;
        object = json_object();
        output_add_text(&object, "name", entry->name);
        output_add_text(&object, "kind", entry->kind);
        output_add_number(&object, "time_left_ms", entry->time_left_ms);
        append(&show->holds, object);
}

static void take_user(void *data, const Iod__UserEntry *entry)
{
        Show *show = data;

        if (entry->uid != show->uid)
                return;
        json_decref(show->limits);
        show->limits = user_limit_array(entry);
}

static ExitCode ask(Show *show, Query *query)
{
        ExitCode code = query_sessions(query, show->session, take_session, show);

        if (code == EXIT_CODE_NOT_FOUND)
                error_set(ENOENT,
                          "there is no session %" PRIu64
                          ": kyronctl sessions shows those there are",
                          show->session);
        if (code == EXIT_CODE_OK)
                code = query_groups(query, take_group, show);
        if (code == EXIT_CODE_OK)
                code = query_holds(query, take_hold, show);
        if (code == EXIT_CODE_OK)
                code = query_users(query, take_user, show);
        return code;
}

/* ---- Printing -------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "-";
}

static uint64_t number_of(const json_t *object, const char *key)
{
        return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* "-" where nothing has lasted. */
static const char *duration_of(const json_t *object, const char *key,
                               char buffer[static OUTPUT_DURATION_MAX])
{
        uint64_t ms = number_of(object, key);

        return ms == 0 ? "-" : output_duration(ms, buffer);
}

static void print_state(const json_t *object)
{
        static const struct {
                const char *why;
                const char *sentence;
        } sentences[] = {
                {"stopped", "its process is stopped"},
                {"unread", "it has not read what it was sent"},
                {"runs", "its loop has not waited"},
        };
        const char *why = text_of(object, "frozen");

        printf("state          %s", text_of(object, "state"));
        for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
                if (strcmp(why, sentences[i].why) == 0)
                        printf(": %s", sentences[i].sentence);
        }
        putchar('\n');
}

static void print_loop(const json_t *loop)
{
        char duration[OUTPUT_DURATION_MAX];

        if (!json_is_object(loop)) {
                puts("loop           - (it does not say)");
                return;
        }
        printf("loop           %s %s, %" PRIu64 " turns, %" PRIu64 " events\n",
               json_is_true(json_object_get(loop, "runs")) ? "runs" : "waits",
               output_duration(number_of(loop, "since_ms"), duration), number_of(loop, "turns"),
               number_of(loop, "events"));
}

static void print_last_refusal(const json_t *last)
{
        char duration[OUTPUT_DURATION_MAX];

        if (json_is_object(last))
                printf("last %s   %s ago: %s\n",
                       json_is_true(json_object_get(last, "failed")) ? "failure" : "refusal",
                       output_duration(number_of(last, "ago_ms"), duration), text_of(last, "text"));
}

static void print_groups(json_t *groups)
{
        char oldest[OUTPUT_DURATION_MAX], spent[OUTPUT_DURATION_MAX];
        const json_t *group;
        size_t i;

        json_array_foreach(groups, i, group)
        {
                printf("serves         %s: %" PRIu64 " in hand, the oldest %s; %" PRIu64
                       " not taken; %" PRIu64 " credits",
                       text_of(group, "name"), number_of(group, "in_hand"),
                       duration_of(group, "oldest_ms", oldest), number_of(group, "not_taken"),
                       number_of(group, "credits"));
                if (number_of(group, "spent_ms") > 0)
                        printf(" since %s", duration_of(group, "spent_ms", spent));
                puts(json_is_true(json_object_get(group, "draining")) ? "; drained" : "");
        }
}

static void print_holds(json_t *holds)
{
        char duration[OUTPUT_DURATION_MAX];
        const json_t *hold;
        size_t i;

        json_array_foreach(holds, i, hold)
                printf("holds          %s (%s), %s left\n", text_of(hold, "name"),
                       text_of(hold, "kind"), duration_of(hold, "time_left_ms", duration));
}

static void print_limits(json_t *limits)
{
        const json_t *limit;
        size_t i;

        json_array_foreach(limits, i, limit)
        {
                const bool is_out = json_is_true(json_object_get(limit, "out"));

                if (number_of(limit, "used") == 0 && !is_out)
                        continue;
                printf("its user       %s: %" PRIu64, text_of(limit, "name"),
                       number_of(limit, "used"));
                if (json_is_integer(json_object_get(limit, "max")))
                        printf(" of %" PRIu64, number_of(limit, "max"));
                puts(is_out ? ": out" : "");
        }
}

static ExitCode print_text(const Show *show)
{
        const json_t *object = show->object;
        char unread[OUTPUT_DURATION_MAX], silent[OUTPUT_DURATION_MAX];

        printf("session        %" PRIu64 ", since %s\n", number_of(object, "session"),
               text_of(object, "since"));
        printf("process        %s, %" PRIu64 ", of user %s\n", text_of(object, "program"),
               number_of(object, "pid"), text_of(object, "user"));
        print_state(object);
        printf("delivery       %s\n", text_of(object, "delivery"));
        printf("unread         %s\n", duration_of(object, "unread_ms", unread));
        printf("silent         %s\n", duration_of(object, "silent_ms", silent));
        print_loop(json_object_get(object, "loop"));
        printf("registrations  %" PRIu64 "\n", number_of(object, "registrations"));
        printf("events         %" PRIu64 " in %" PRIu64 " frames\n", number_of(object, "events"),
               number_of(object, "frames"));
        printf("refusals       %" PRIu64 ", %" PRIu64 " failures, %" PRIu64 " cancels\n",
               number_of(object, "refusals"), number_of(object, "failures"),
               number_of(object, "cancels"));
        print_last_refusal(json_object_get(object, "last_refusal"));
        print_groups(show->groups);
        print_holds(show->holds);
        print_limits(show->limits);
        return EXIT_CODE_OK;
}

static ExitCode print(Show *show, bool json)
{
        if (!show->object || !show->groups || !show->holds || !show->limits) {
                error_set(ENOMEM, "no memory for the answer");
                return EXIT_CODE_FAILED;
        }
        if (!json)
                return print_text(show);
        output_add(&show->object, "groups", json_incref(show->groups));
        output_add(&show->object, "holds", json_incref(show->holds));
        output_add(&show->object, "limits", json_incref(show->limits));
        return output_json(json_incref(show->object));
}

ExitCode verb_show(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query = {.connection = {.fd = -1}};
        const char *argument = command_line->arguments[0];
        Show show = {.query = &query};
        ExitCode code;

        if (!argument_number(argument, UINT64_MAX, &show.session) || show.session == 0) {
                error_set(EINVAL,
                          "show takes a session's number, as kyronctl sessions shows, not \"%s\"",
                          argument);
                return EXIT_CODE_USAGE;
        }
        code = query_open(&query, command_line->socket_path);
        if (code != EXIT_CODE_OK)
                return code;
        show.object = json_object();
        show.groups = json_array();
        show.holds = json_array();
        show.limits = json_array();
        code = ask(&show, &query);
        if (code == EXIT_CODE_OK)
                code = print(&show, command_line->json);
        json_decref(show.object);
        json_decref(show.groups);
        json_decref(show.holds);
        json_decref(show.limits);
        return code;
}
