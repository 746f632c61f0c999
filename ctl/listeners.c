/* kyronctl listeners: what is listened on, and for whom. */
#include "core/cleanup.h"
#include "ctl/output.h"
#include "ctl/query_list.h"
#include "ctl/socket_address_lookup.h"
#include "ctl/user_name.h"

#include <inttypes.h>
#include <string.h>

static const OutputColumn columns[] = {
        {"NAME", OUTPUT_CUT},
        {"ADDRESS", OUTPUT_CUT},
        {"USER", OUTPUT_CUT | OUTPUT_SPARE},
        {"WORKERS", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"CREDITS", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"WAIT", OUTPUT_RIGHT},
        {"BACKLOG", OUTPUT_RIGHT},
        {"ACCEPTED", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"STATE", OUTPUT_CUT},
};

typedef struct Listeners {
        OutputList list;
        const ListFilter *filter;
        SocketAddressLookup *lookup;
        UserName user;
} Listeners;

/* The kernel's, which the daemon does not know of every listener. */
typedef struct Backlog {
        bool known;
        uint32_t waiting, most;
} Backlog;

static Backlog find_backlog(Listeners *listeners, const Iod__ListenerEntry *entry)
{
        const char *kind = strncmp(entry->address, "unix:", 5) == 0 ? "unix-stream" : "tcp";
        SocketAddresses addresses;

        if (entry->backlog_max > 0)
                return (Backlog){true, entry->backlog, entry->backlog_max};
        addresses = socket_address_lookup_find(listeners->lookup, kind, entry->inode);
        if (!addresses.listening)
                return (Backlog){.known = false};
        return (Backlog){true, addresses.receive_queue, addresses.send_queue};
}

static const char *state_text(const Iod__ListenerEntry *entry, const Backlog *backlog)
{
        if (entry->lacks_socket)
                return "waiting";
        if (backlog->known && backlog->waiting > backlog->most)
                return "full";
        if (entry->paused)
                return "paused";
        return entry->shared ? "accepting" : "to-take";
}

static uint64_t waiting(const Iod__ListenerEntry *entry)
{
        return (uint64_t)entry->silent + entry->queued;
}

static json_t *number_or_null(bool known, uint32_t number)
{
        return known ? json_integer(number) : json_null();
}

static void append_object(Listeners *listeners, const Iod__ListenerEntry *entry,
                          const Backlog *backlog)
{
        json_t *object = json_object();

        output_add_number(&object, "listener", entry->listener);
        output_add_text(&object, "name", entry->name);
        output_add_text(&object, "address", entry->address);
        output_add_number(&object, "uid", entry->uid);
        output_add_text(&object, "user", user_name_of(&listeners->user, entry->uid));
        output_add(&object, "configured", json_boolean(entry->configured));
        output_add(&object, "shared", json_boolean(entry->shared));
        output_add(&object, "least_loaded", json_boolean(entry->least_loaded));
        output_add(&object, "when_readable", json_boolean(entry->when_readable));
        output_add_number(&object, "workers", entry->workers);
        output_add_number(&object, "credits", entry->credits);
        output_add_number(&object, "silent", entry->silent);
        output_add_number(&object, "queued", entry->queued);
        output_add_number(&object, "accepted", entry->accepted);
        output_add_number(&object, "passed", entry->passed);
        output_add_number(&object, "passed_again", entry->passed_again);
        output_add_number(&object, "timed_out", entry->timed_out);
        output_add(&object, "backlog", number_or_null(backlog->known, backlog->waiting));
        output_add(&object, "backlog_max", number_or_null(backlog->known, backlog->most));
        output_add_text(&object, "state", state_text(entry, backlog));
        output_add_text(&object, "lack", entry->lack);
        output_list_append(&listeners->list, object);
}

static void append_row(Listeners *listeners, const Iod__ListenerEntry *entry,
                       const Backlog *backlog)
{
        OutputList *list = &listeners->list;

        output_list_begin_row(list);
        output_list_cell(list, "%s", entry->name);
        output_list_cell(list, "%s", entry->address);
        output_list_cell(list, "%s",
                         entry->configured ? "-" : user_name_of(&listeners->user, entry->uid));
        output_list_cell(list, "%" PRIu32, entry->workers);
        output_list_cell(list, "%" PRIu64, entry->credits);
        output_list_cell(list, "%" PRIu64, waiting(entry));
        if (backlog->known)
                output_list_cell(list, "%" PRIu32 "/%" PRIu32, backlog->waiting, backlog->most);
        else
                output_list_cell(list, "-");
        output_list_cell(list, "%" PRIu64, entry->accepted);
        output_list_cell(list, "%s%s%s", state_text(entry, backlog), *entry->lack ? ": " : "",
                         entry->lack);
}

static void append(void *data, const Iod__ListenerEntry *entry)
{
        Listeners *listeners = data;
        const Backlog backlog = find_backlog(listeners, entry);

        if (!list_filter_takes(listeners->filter, entry->uid, 0) ||
            !list_filter_takes_address(listeners->filter, entry->address))
                return;
        if (listeners->list.array)
                append_object(listeners, entry, &backlog);
        else
                append_row(listeners, entry, &backlog);
}

ExitCode verb_listeners(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        Listeners listeners = {.filter = &command_line->filter};
        ExitCode code;

        code = query_open(&query, command_line->socket_path);
        if (code != EXIT_CODE_OK)
                return code;
        listeners.lookup = socket_address_lookup_new();
        code = output_list_open(&listeners.list, command_line, columns,
                                sizeof(columns) / sizeof(columns[0]));
        if (code == EXIT_CODE_OK)
                code = query_listeners(&query, append, &listeners);
        if (code == EXIT_CODE_OK)
                code = output_list_print(&listeners.list, "listeners");
        output_list_close(&listeners.list);
        socket_address_lookup_free(listeners.lookup);
        return code;
}
