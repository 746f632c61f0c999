/* kyronctl registrations: what the sessions wait for. */
#include "core/cleanup.h"
#include "core/error.h"
#include "core/readiness.h"
#include "ctl/descriptor_text.h"
#include "ctl/output.h"
#include "ctl/query_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const OutputColumn columns[] = {
        {"ID", 0},  {"PID", OUTPUT_RIGHT}, {"PROGRAM", OUTPUT_CUT},  {"KIND", 0},
        {"INT", 0}, {"READY", 0},          {"EVENTS", OUTPUT_RIGHT}, {"ADDRESS", OUTPUT_CUT},
};

enum { LETTERS_MAX = 8 };

typedef struct Registrations {
        OutputList list;
        SocketAddressLookup *lookup;
} Registrations;

/* The bits as letters, "-" for none; kyronctl(1) explains them. */
static const char *letters(uint32_t bits, char buffer[static LETTERS_MAX])
{
        static const struct {
                Readiness bit;
                char letter;
        } names[] = {
                {READINESS_READABLE, 'r'},     {READINESS_WRITABLE, 'w'},
                {READINESS_PRIORITY, 'p'},     {READINESS_READ_CLOSED, 'R'},
                {READINESS_WRITE_CLOSED, 'W'}, {READINESS_ERROR, 'e'},
        };
        char *end = buffer;

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                if (bits & names[i].bit)
                        *end++ = names[i].letter;
        }
        if (end == buffer)
                *end++ = '-';
        *end = '\0';
        return buffer;
}

/* The bits as an array of words. */
static json_t *words(uint32_t bits)
{
        char text[READINESS_TEXT_MAX];
        json_t *array = json_array();
        char *rest = NULL;

        if (!(bits & READINESS_ALL))
                return array;
        readiness_to_text((Readiness)(bits & READINESS_ALL), text);
        for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
                if (json_array_append_new(array, json_string(word)) < 0) {
                        json_decref(array);
                        return NULL;
                }
        }
        return array;
}

static void append_object(Registrations *registrations, const Iod__RegistrationEntry *entry,
                          const SocketAddresses *addresses)
{
        json_t *object = json_object();

        output_add_number(&object, "session", entry->session);
        output_add_number(&object, "slot", entry->slot);
        output_add_number(&object, "generation", entry->generation);
        output_add(&object, "pid", json_integer(entry->pid));
        output_add_number(&object, "uid", entry->uid);
        output_add_text(&object, "program", entry->program);
        output_add_text(&object, "kind", entry->kind);
        output_add_number(&object, "inode", entry->inode);
        output_add(&object, "interest", words(entry->interest));
        output_add(&object, "readiness", words(entry->readiness));
        output_add_number(&object, "events", entry->tick);
        descriptor_text_add_addresses(&object, addresses);
        output_list_append(&registrations->list, object);
}

static void append_row(Registrations *registrations, const Iod__RegistrationEntry *entry,
                       const SocketAddresses *addresses)
{
        OutputList *list = &registrations->list;
        char interest[LETTERS_MAX], readiness[LETTERS_MAX], address[DESCRIPTOR_TEXT_MAX];

        output_list_begin_row(list);
        output_list_cell(list, "%" PRIu64 ".%" PRIu32, entry->session, entry->slot);
        output_list_cell(list, "%" PRId32, entry->pid);
        output_list_cell(list, "%s", entry->program);
        output_list_cell(list, "%s", descriptor_text_kind(entry->kind));
        output_list_cell(list, "%s", letters(entry->interest, interest));
        output_list_cell(list, "%s", letters(entry->readiness, readiness));
        output_list_cell(list, "%" PRIu64, entry->tick);
        output_list_cell(list, "%s", descriptor_text_address(addresses, address));
}

static void append(void *data, const Iod__RegistrationEntry *entry)
{
        Registrations *registrations = data;
        const SocketAddresses addresses =
                socket_address_lookup_find(registrations->lookup, entry->kind, entry->inode);

        if (registrations->list.array)
                append_object(registrations, entry, &addresses);
        else
                append_row(registrations, entry, &addresses);
}

/* The way out of what the daemon refuses. */
static void say_why_not(ExitCode code, uint64_t session)
{
        if (code == EXIT_CODE_NOT_FOUND)
                error_set(ENOENT,
                          "there is no session %" PRIu64
                          ": kyronctl sessions shows those there are",
                          session);
        else if (code == EXIT_CODE_DENIED)
                error_set(EACCES,
                          "session %" PRIu64 " is another user's: root and the daemon's admin "
                          "group may see it",
                          session);
}

ExitCode verb_registrations(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        Registrations registrations = {.lookup = NULL};
        ExitCode code;

        code = query_open(&query, command_line->socket_path);
        if (code != EXIT_CODE_OK)
                return code;
        registrations.lookup = socket_address_lookup_new();
        code = output_list_open(&registrations.list, command_line, columns,
                                sizeof(columns) / sizeof(columns[0]));
        if (code == EXIT_CODE_OK)
                code = query_registrations(&query, command_line->session, append, &registrations);
        say_why_not(code, command_line->session);
        if (code == EXIT_CODE_OK)
                code = output_list_print(&registrations.list, "registrations");
        output_list_close(&registrations.list);
        socket_address_lookup_free(registrations.lookup);
        return code;
}
