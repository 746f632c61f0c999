/* kyronctl holds: the descriptors that the daemon keeps under a name. */
#include "core/cleanup.h"
#include "ctl/descriptor_text.h"
#include "ctl/output.h"
#include "ctl/query_list.h"
#include "ctl/user_name.h"

#include <inttypes.h>
#include <stdio.h>

static const OutputColumn columns[] = {
        {"NAME", OUTPUT_CUT},
        {"USER", OUTPUT_CUT | OUTPUT_SPARE},
        {"PROGRAM", OUTPUT_CUT | OUTPUT_SPARE},
        {"KIND", 0},
        {"NOTE", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"LEFT", OUTPUT_RIGHT},
        {"ADDRESS", OUTPUT_CUT},
};

typedef struct Holds {
        OutputList list;
        const ListFilter *filter;
        UserName user;
        SocketAddressLookup *lookup;
} Holds;

static void append_object(Holds *holds, const Iod__HoldEntry *entry,
                          const SocketAddresses *addresses)
{
        json_t *object = json_object();

        output_add_number(&object, "hold", entry->hold);
        output_add_text(&object, "name", entry->name);
        output_add_number(&object, "uid", entry->uid);
        output_add_text(&object, "user", user_name_of(&holds->user, entry->uid));
        output_add_number(&object, "session", entry->session);
        output_add(&object, "pid", json_integer(entry->pid));
        output_add_text(&object, "program", entry->program);
        output_add_text(&object, "kind", entry->kind);
        output_add_number(&object, "inode", entry->inode);
        output_add_number(&object, "note_size", entry->note_size);
        output_add_time(&object, "since", entry->since);
        output_add_number(&object, "time_left_ms", entry->time_left_ms);
        descriptor_text_add_addresses(&object, addresses);
        output_list_append(&holds->list, object);
}

static void append_row(Holds *holds, const Iod__HoldEntry *entry, const SocketAddresses *addresses)
{
        OutputList *list = &holds->list;
        char left[OUTPUT_DURATION_MAX], address[DESCRIPTOR_TEXT_MAX];

        output_list_begin_row(list);
        /* One that was kept on death has no name. */
        output_list_cell(list, "%s", *entry->name ? entry->name : "-");
        output_list_cell(list, "%s", user_name_of(&holds->user, entry->uid));
        output_list_cell(list, "%s", entry->program);
        output_list_cell(list, "%s", descriptor_text_kind(entry->kind));
        output_list_cell(list, "%" PRIu32, entry->note_size);
        output_list_cell(list, "%s", output_duration(entry->time_left_ms, left));
        output_list_rank(list, entry->time_left_ms);
        output_list_cell(list, "%s", descriptor_text_address(addresses, address));
}

static void append(void *data, const Iod__HoldEntry *entry)
{
        Holds *holds = data;
        SocketAddresses addresses;

        if (!list_filter_takes(holds->filter, entry->uid, entry->pid))
                return;
        addresses = socket_address_lookup_find(holds->lookup, entry->kind, entry->inode);
        if (!list_filter_takes_socket(holds->filter, entry->kind, &addresses))
                return;
        if (holds->list.array)
                append_object(holds, entry, &addresses);
        else
                append_row(holds, entry, &addresses);
}

ExitCode verb_holds(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        Holds holds = {.filter = &command_line->filter};
        ExitCode code;

        code = query_open(&query, command_line->socket_path);
        if (code != EXIT_CODE_OK)
                return code;
        holds.lookup = socket_address_lookup_new();
        code = output_list_open(&holds.list, command_line, columns,
                                sizeof(columns) / sizeof(columns[0]));
        if (code == EXIT_CODE_OK)
                code = query_holds(&query, append, &holds);
        if (code == EXIT_CODE_OK)
                code = output_list_print(&holds.list, "held descriptors");
        output_list_close(&holds.list);
        socket_address_lookup_free(holds.lookup);
        return code;
}
