/* kyronctl users: what each user has of what it may have. */
#include "core/cleanup.h"
#include "ctl/output.h"
#include "ctl/query_list.h"
#include "ctl/user_limit.h"
#include "ctl/user_name.h"

#include <inttypes.h>

static const OutputColumn columns[] = {
        {"USER", OUTPUT_CUT},   {"LIMIT", 0}, {"USED", OUTPUT_RIGHT},
        {"MOST", OUTPUT_RIGHT}, {"STATE", 0},
};

typedef struct Users {
        OutputList list;
        bool all;
        UserName user;
} Users;

static void append_object(Users *users, const Iod__UserEntry *entry)
{
        json_t *object = json_object();

        output_add_number(&object, "uid", entry->uid);
        output_add_text(&object, "user", user_name_of(&users->user, entry->uid));
        output_add_number(&object, "in_line", entry->in_line);
        output_add(&object, "limits", user_limit_array(entry));
        output_list_append(&users->list, object);
}

static void append_row(Users *users, uint32_t uid, const Iod__UserLimit *limit)
{
        OutputList *list = &users->list;

        output_list_begin_row(list);
        output_list_cell(list, "%s", user_name_of(&users->user, uid));
        output_list_cell(list, "%s", limit->name);
        output_list_cell(list, "%" PRIu64, limit->used);
        if (user_limit_is_none(limit))
                output_list_cell(list, "-");
        else
                output_list_cell(list, "%" PRIu64, limit->max);
        output_list_cell(list, "%s", limit->out ? "out" : "-");
}

/* Sessions that wait for its share of the daemon's time: that has no size. */
static void append_line(Users *users, const Iod__UserEntry *entry)
{
        OutputList *list = &users->list;

        output_list_begin_row(list);
        output_list_cell(list, "%s", user_name_of(&users->user, entry->uid));
        output_list_cell(list, "time");
        output_list_cell(list, "%" PRIu32, entry->in_line);
        output_list_cell(list, "-");
        output_list_cell(list, "waits");
}

static void append(void *data, const Iod__UserEntry *entry)
{
        Users *users = data;

        if (users->list.array) {
                append_object(users, entry);
                return;
        }
        for (size_t i = 0; i < entry->n_limit; i++) {
                if (users->all || entry->limit[i]->used > 0 || entry->limit[i]->out)
                        append_row(users, entry->uid, entry->limit[i]);
        }
        if (entry->in_line > 0)
                append_line(users, entry);
}

ExitCode verb_users(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        Users users = {.all = command_line->all};
        ExitCode code;

        code = query_open(&query, command_line->socket_path);
        if (code != EXIT_CODE_OK)
                return code;
        code = output_list_open(&users.list, command_line, columns,
                                sizeof(columns) / sizeof(columns[0]));
        if (code == EXIT_CODE_OK)
                code = query_users(&query, append, &users);
        if (code == EXIT_CODE_OK)
                code = output_list_print(&users.list, "users");
        output_list_close(&users.list);
        return code;
}
