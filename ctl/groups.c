/* kyronctl groups: the workers that serve shared listeners. */
#include "core/cleanup.h"
#include "ctl/output.h"
#include "ctl/query_list.h"
#include "ctl/user_name.h"

#include <inttypes.h>

static const OutputColumn columns[] = {
        {"LISTENER", OUTPUT_CUT},
        {"SESSION", OUTPUT_RIGHT},
        {"PID", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"PROGRAM", OUTPUT_CUT},
        {"WEIGHT", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"CREDITS", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"HAND", OUTPUT_RIGHT},
        {"NEW", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"PASSED", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"STATE", 0},
};

typedef struct Groups {
        OutputList list;
        const ListFilter *filter;
        UserName user;
} Groups;

static const char *state_text(const Iod__GroupEntry *entry)
{
        if (!entry->draining)
                return "serving";
        return entry->in_hand > 0 || entry->not_taken > 0 ? "draining" : "drained";
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
        output_add_text(&object, "state", state_text(entry));
        output_list_append(&groups->list, object);
}

static void append_row(Groups *groups, const Iod__GroupEntry *entry)
{
        OutputList *list = &groups->list;

        output_list_begin_row(list);
        output_list_cell(list, "%s", entry->name);
        output_list_cell(list, "%" PRIu64, entry->session);
        output_list_cell(list, "%" PRId32, entry->pid);
        output_list_cell(list, "%s", entry->program);
        output_list_cell(list, "%" PRIu32, entry->weight);
        output_list_cell(list, "%" PRIu32, entry->credits);
        output_list_cell(list, "%" PRIu32, entry->in_hand);
        output_list_cell(list, "%" PRIu32, entry->not_taken);
        output_list_cell(list, "%" PRIu64, entry->passed);
        output_list_cell(list, "%s", state_text(entry));
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
        Groups groups = {.filter = &command_line->filter};
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
