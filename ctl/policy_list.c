/* The policies in force. See policy_list.h. */
#include "ctl/policy_list.h"

#include "core/cleanup.h"
#include "ctl/output.h"
#include "ctl/query_list.h"

#include <stdio.h>
#include <string.h>

static const OutputColumn columns[] = {
        {"POLICY", OUTPUT_CUT},
        {"KEY", 0},
        {"VALUE", OUTPUT_CUT},
};

/* What a limit is that has as much as can be counted. */
#define NO_LIMIT "4294967295"

static void append_object(OutputList *list, const Iod__PolicyLine *line)
{
        json_t *object = json_object();

        output_add_text(&object, "policy", line->policy);
        output_add_text(&object, "key", line->key);
        output_add_text(&object, "value", line->value);
        output_add(&object, "unknown", json_boolean(line->unknown));
        output_list_append(list, object);
}

static void append(void *data, const Iod__PolicyLine *line)
{
        OutputList *list = data;

        if (list->array) {
                append_object(list, line);
                return;
        }
        output_list_begin_row(list);
        if (*line->policy)
                output_list_cell(list, "%s%s", line->policy, line->unknown ? " (nobody)" : "");
        else
                output_list_cell(list, "-");
        output_list_cell(list, "%s", line->key);
        output_list_cell(list, "%s", strcmp(line->value, NO_LIMIT) == 0 ? "-" : line->value);
}

ExitCode policy_list(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        bool audit = false;
        OutputList list;
        ExitCode code;

        code = query_open(&query, command_line->socket_path);
        if (code != EXIT_CODE_OK)
                return code;
        code = output_list_open(&list, command_line, columns, sizeof(columns) / sizeof(columns[0]));
        if (code == EXIT_CODE_OK)
                code = query_policies(&query, append, &list, &audit);
        if (code == EXIT_CODE_OK)
                code = output_list_print(&list, "policies");
        if (code == EXIT_CODE_OK && audit)
                fputs("audit: what no policy allows is allowed all the same, and logged\n", stderr);
        output_list_close(&list);
        return code;
}
