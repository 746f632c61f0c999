/* Rows of kyronctl top, shown. See top_table.h. */
#include "ctl/top_table.h"

#include "ctl/diagnosis_text.h"

#include <inttypes.h>

static const OutputColumn columns[] = {
        {"PID", OUTPUT_RIGHT},
        {"USER", OUTPUT_CUT | OUTPUT_SPARE},
        {"PROGRAM", OUTPUT_CUT},
        {"CPU%", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"EVENTS/S", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"DELIVERY", OUTPUT_SPARE},
        {"ENTRIES", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"UNSERVED", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"BACKLOG", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"OLDEST", OUTPUT_RIGHT},
        {"STATE", 0},
};

static const char *state_text(const TopRow *row)
{
        return row->wrong ? diagnosis_text_word(row->gravest) : diagnosis_text_loop(row->loop);
}

static void list_count(OutputList *list, const TopRow *row, uint64_t count)
{
        if (!row->process)
                output_list_cell(list, "-");
        else if (!row->counted)
                output_list_cell(list, "?");
        else
                output_list_cell(list, "%" PRIu64, count);
}

static void list_row(OutputList *list, const TopRow *row, UserName *user)
{
        char duration[OUTPUT_DURATION_MAX];

        output_list_begin_row(list);
        output_list_cell(list, "%d", (int)row->pid);
        output_list_cell(list, "%s", user_name_of(user, row->uid));
        output_list_cell(list, "%s", row->program);
        if (row->processor_known)
                output_list_cell(list, "%u.%u", row->processor / 10, row->processor % 10);
        else
                output_list_cell(list, "-");
        if (row->events_known)
                output_list_cell(list, "%" PRIu64, row->events);
        else
                output_list_cell(list, "-");
        output_list_cell(list, "%s", row->delivery ? row->delivery : "-");
        list_count(list, row, row->entries);
        list_count(list, row, row->unserved);
        list_count(list, row, row->backlog);
        output_list_cell(list, "%s",
                         row->oldest_ms > 0 ? output_duration(row->oldest_ms, duration) : "-");
        output_list_cell(list, "%s", state_text(row));
}

ExitCode top_table_list(const TopRows *rows, OutputList *list, const CommandLine *command_line)
{
        const CommandLine table = {.no_legend = command_line->no_legend,
                                   .wide = command_line->wide};
        ExitCode code = output_list_open(list, &table, columns, sizeof(columns) / sizeof(*columns));
        UserName user = {.text = ""};

        for (size_t i = 0; i < rows->count && code == EXIT_CODE_OK; i++)
                list_row(list, &rows->rows[i], &user);
        return code;
}

static json_t *number_if(bool known, uint64_t number)
{
        return known ? json_integer((json_int_t)number) : json_null();
}

static json_t *diagnoses_of(TopRows *rows, const WaitView *view, const TopRow *row)
{
        json_t *array = json_array();

        rows->findings.count = 0;
        if (row->process)
                wait_view_find(view, row->process, &rows->findings);
        for (size_t i = 0; i < rows->findings.count && array; i++) {
                if (json_array_append_new(
                            array, diagnosis_text_object(&rows->findings.found[i], row->pid)) < 0) {
                        json_decref(array);
                        array = NULL;
                }
        }
        return array;
}

json_t *top_table_array(TopRows *rows, const WaitView *view)
{
        json_t *array = json_array();
        UserName user = {.text = ""};

        for (size_t i = 0; i < rows->count && array; i++) {
                const TopRow *row = &rows->rows[i];
                json_t *object = json_object();

                output_add(&object, "pid", json_integer(row->pid));
                output_add_number(&object, "uid", row->uid);
                output_add_text(&object, "user", user_name_of(&user, row->uid));
                output_add_text(&object, "program", row->program);
                output_add(&object, "processor_percent",
                           row->processor_known ? json_real(row->processor / 10.0) : json_null());
                output_add(&object, "events_per_second", number_if(row->events_known, row->events));
                output_add(&object, "delivery",
                           row->delivery ? json_string(row->delivery) : json_null());
                output_add(&object, "entries", number_if(row->counted, row->entries));
                output_add(&object, "unserved", number_if(row->counted, row->unserved));
                output_add(&object, "backlog", number_if(row->counted, row->backlog));
                output_add_number(&object, "oldest_ms", row->oldest_ms);
                output_add_text(&object, "state", state_text(row));
                output_add(&object, "diagnoses", diagnoses_of(rows, view, row));
                if (json_array_append_new(array, object) < 0) {
                        json_decref(array);
                        array = NULL;
                }
        }
        return array;
}
