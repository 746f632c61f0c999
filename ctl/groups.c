/* kyronctl groups: the workers that serve shared listeners. */
#include "core/cleanup.h"
#include "ctl/output.h"
#include "ctl/query_list.h"
#include "ctl/session_state.h"
#include "ctl/user_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const OutputColumn columns[] = {
        {"LISTENER", OUTPUT_CUT},
        {"SESSION", OUTPUT_RIGHT},
        {"PID", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"PROGRAM", OUTPUT_CUT},
        {"WEIGHT", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"CREDITS", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"HAND", OUTPUT_RIGHT},
        {"OLDEST", OUTPUT_RIGHT},
        {"NEW", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"PASSED", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"STATE", 0},
};

enum { STATE_MAX = OUTPUT_DURATION_MAX + 16 };

typedef struct Groups {
        OutputList list;
        const ListFilter *filter;
        const Query *query;
        uint64_t own_namespace;
        UserName user;
} Groups;

static bool is_frozen(const Groups *groups, const Iod__GroupEntry *entry)
{
        return entry->unread_ms >= SESSION_STATE_FROZEN_MS ||
               entry->not_taken_ms >= SESSION_STATE_FROZEN_MS ||
               session_state_is_stopped(groups->own_namespace, groups->query->pid_namespace,
                                        entry->pid);
}

static const char *state_word(const Groups *groups, const Iod__GroupEntry *entry)
{
        if (is_frozen(groups, entry))
                return "frozen";
        if (entry->draining)
                return entry->in_hand > 0 || entry->not_taken > 0 ? "draining" : "drained";
        return entry->spent_ms > 0 ? "spent" : "serving";
}

/* With how long it has lasted, where that is known. */
static const char *state_text(const Groups *groups, const Iod__GroupEntry *entry,
                              char buffer[static STATE_MAX])
{
        const char *word = state_word(groups, entry);
        char duration[OUTPUT_DURATION_MAX];
        uint64_t ms = 0;

        if (strcmp(word, "spent") == 0)
                ms = entry->spent_ms;
        else if (strcmp(word, "frozen") == 0)
                ms = entry->unread_ms > entry->not_taken_ms ? entry->unread_ms
                                                            : entry->not_taken_ms;
        if (ms == 0)
                return word;
        snprintf(buffer, STATE_MAX, "%s %s", word, output_duration(ms, duration));
        return buffer;
}

static void append_object(Groups *groups, const Iod__GroupEntry *entry)
{
        json_t *object = json_object();

        output_add_number(&object, "listener", entry->listener);
        output_add_text(&object, "name", entry->name);
        output_add_number(&object, "session", entry->session);
        output_add_number(&object, "endpoint", entry->endpoint);
        output_add(&object, "pid", json_integer(entry->pid));
        output_add_number(&object, "uid", entry->uid);
        output_add_text(&object, "user", user_name_of(&groups->user, entry->uid));
        output_add_text(&object, "program", entry->program);
        output_add_number(&object, "weight", entry->weight);
        output_add_number(&object, "credits", entry->credits);
        output_add_number(&object, "in_hand", entry->in_hand);
        output_add_number(&object, "not_taken", entry->not_taken);
        output_add_number(&object, "passed", entry->passed);
        output_add(&object, "keep_on_death", json_boolean(entry->keep_on_death));
        output_add_number(&object, "oldest_ms", entry->oldest_ms);
        output_add_number(&object, "not_taken_ms", entry->not_taken_ms);
        output_add_number(&object, "spent_ms", entry->spent_ms);
        output_add_number(&object, "silent_ms", entry->silent_ms);
        output_add_number(&object, "unread_ms", entry->unread_ms);
        output_add_text(&object, "state", state_word(groups, entry));
        output_list_append(&groups->list, object);
}

static void append_row(Groups *groups, const Iod__GroupEntry *entry)
{
        OutputList *list = &groups->list;
        char oldest[OUTPUT_DURATION_MAX], state[STATE_MAX];

        output_list_begin_row(list);
        output_list_cell(list, "%s", entry->name);
        output_list_cell(list, "%" PRIu64, entry->session);
        output_list_cell(list, "%" PRId32, entry->pid);
        output_list_cell(list, "%s", entry->program);
        output_list_cell(list, "%" PRIu32, entry->weight);
        output_list_cell(list, "%" PRIu32, entry->credits);
        output_list_cell(list, "%" PRIu32, entry->in_hand);
        output_list_cell(list, "%s",
                         entry->oldest_ms > 0 ? output_duration(entry->oldest_ms, oldest) : "-");
        output_list_rank(list, entry->oldest_ms);
        output_list_cell(list, "%" PRIu32, entry->not_taken);
        output_list_cell(list, "%" PRIu64, entry->passed);
        output_list_cell(list, "%s", state_text(groups, entry, state));
}

static void append(void *data, const Iod__GroupEntry *entry)
{
        Groups *groups = data;

        if (!list_filter_takes(groups->filter, entry->uid, entry->pid))
                return;
        if (groups->list.array)
                append_object(groups, entry);
        else
                append_row(groups, entry);
}

ExitCode verb_groups(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        Groups groups = {
                .filter = &command_line->filter,
                .query = &query,
                .own_namespace = session_state_own_namespace(),
        };
        ExitCode code;

        code = query_open(&query, command_line->socket_path);
        if (code != EXIT_CODE_OK)
                return code;
        code = output_list_open(&groups.list, command_line, columns,
                                sizeof(columns) / sizeof(columns[0]));
        if (code == EXIT_CODE_OK)
                code = query_groups(&query, append, &groups);
        if (code == EXIT_CODE_OK)
                code = output_list_print(&groups.list, "workers");
        output_list_close(&groups.list);
        return code;
}
