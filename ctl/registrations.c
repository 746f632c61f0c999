/* kyronctl registrations: what the sessions wait for; of direct ones, as /proc has it. */
#include "core/cleanup.h"
#include "core/error.h"
#include "core/readiness.h"
#include "ctl/descriptor_text.h"
#include "ctl/direct_waits.h"
#include "ctl/output.h"
#include "ctl/query_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const OutputColumn columns[] = {
        {"ID", 0},
        {"PID", OUTPUT_RIGHT},
        {"PROGRAM", OUTPUT_CUT | OUTPUT_SPARE},
        {"KIND", 0},
        {"INT", OUTPUT_SPARE},
        {"READY", OUTPUT_SPARE},
        {"EVENTS", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"AGE", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"IDLE", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"RECVQ", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"SENDQ", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"ADDRESS", OUTPUT_CUT},
};

enum { LETTERS_MAX = 8 };

typedef struct Registrations {
        OutputList list;
        const ListFilter *filter;
        SocketAddressLookup *lookup;
        DirectWaits direct;
        size_t next; /* of the direct sessions, to be shown */
} Registrations;

/* One row. What is negative or NULL is not known. */
typedef struct Row {
        uint64_t session;
        int32_t pid;
        uint32_t uid;
        const char *program;
        int64_t slot, generation;
        int number; /* of the descriptor, in its process */
        const char *kind;
        uint64_t inode;
        uint32_t interest;
        const uint32_t *readiness;
        int64_t events;
        int64_t age_ms, idle_ms;
        bool stale;
} Row;

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

static json_t *number_or_null(int64_t number)
{
        return number < 0 ? json_null() : json_integer(number);
}

static int64_t queue_of(const SocketAddresses *addresses, uint32_t queue)
{
        return addresses->known ? (int64_t)queue : -1;
}

static bool is_direct(const Row *row)
{
        return row->number >= 0;
}

static void append_object(Registrations *registrations, const Row *row,
                          const SocketAddresses *addresses)
{
        json_t *object = json_object();

        output_add_number(&object, "session", row->session);
        output_add(&object, "slot", number_or_null(row->slot));
        output_add(&object, "generation", number_or_null(row->generation));
        output_add(&object, "descriptor", number_or_null(row->number));
        output_add(&object, "pid", json_integer(row->pid));
        output_add_number(&object, "uid", row->uid);
        output_add_text(&object, "program", row->program);
        output_add_text(&object, "delivery", is_direct(row) ? "direct" : "relayed");
        output_add_text(&object, "kind", row->kind);
        output_add_number(&object, "inode", row->inode);
        output_add(&object, "interest", words(row->interest));
        output_add(&object, "readiness", row->readiness ? words(*row->readiness) : json_null());
        output_add(&object, "events", number_or_null(row->events));
        output_add(&object, "age_ms", number_or_null(row->age_ms));
        output_add(&object, "idle_ms", number_or_null(row->idle_ms));
        output_add(&object, "receive_queue",
                   number_or_null(queue_of(addresses, addresses->receive_queue)));
        output_add(&object, "send_queue",
                   number_or_null(queue_of(addresses, addresses->send_queue)));
        output_add(&object, "stale", json_boolean(row->stale));
        descriptor_text_add_addresses(&object, addresses);
        output_list_append(&registrations->list, object);
}

static void append_duration(OutputList *list, int64_t ms)
{
        char text[OUTPUT_DURATION_MAX];

        output_list_cell(list, "%s", ms < 0 ? "-" : output_duration((uint64_t)ms, text));
}

static void append_queue(OutputList *list, int64_t queue)
{
        if (queue < 0)
                output_list_cell(list, "-");
        else
                output_list_cell(list, "%" PRId64, queue);
}

static void append_row(Registrations *registrations, const Row *row,
                       const SocketAddresses *addresses)
{
        OutputList *list = &registrations->list;
        char interest[LETTERS_MAX], readiness[LETTERS_MAX], address[DESCRIPTOR_TEXT_MAX];

        output_list_begin_row(list);
        if (is_direct(row))
                output_list_cell(list, "%" PRIu64 ":%d", row->session, row->number);
        else
                output_list_cell(list, "%" PRIu64 ".%" PRId64, row->session, row->slot);
        output_list_cell(list, "%" PRId32, row->pid);
        output_list_cell(list, "%s", row->program);
        output_list_cell(list, "%s", descriptor_text_kind(row->kind));
        output_list_cell(list, "%s", letters(row->interest, interest));
        output_list_cell(list, "%s", row->readiness ? letters(*row->readiness, readiness) : "-");
        if (is_direct(row))
                output_list_cell(list, "direct");
        else
                output_list_cell(list, "%" PRId64, row->events);
        append_duration(list, row->age_ms);
        append_duration(list, row->idle_ms);
        append_queue(list, queue_of(addresses, addresses->receive_queue));
        append_queue(list, queue_of(addresses, addresses->send_queue));
        output_list_cell(list, "%s%s", descriptor_text_address(addresses, address),
                         row->stale ? " (stale)" : "");
}

static void append(Registrations *registrations, const Row *row)
{
        SocketAddresses addresses;

        if (!list_filter_takes(registrations->filter, row->uid, row->pid))
                return;
        addresses = socket_address_lookup_find(registrations->lookup, row->kind, row->inode);
        if (!list_filter_takes_socket(registrations->filter, row->kind, &addresses))
                return;
        if (registrations->list.array)
                append_object(registrations, row, &addresses);
        else
                append_row(registrations, row, &addresses);
}

static void append_wait(Registrations *registrations, const DirectSession *session,
                        const SetEntry *wait)
{
        const bool is_socket = strcmp(wait->kind, "socket") == 0;
        const Row row = {
                .session = session->session,
                .pid = session->pid,
                .uid = session->uid,
                .program = session->program,
                .slot = -1,
                .generation = -1,
                .number = wait->number,
                .kind = is_socket ? socket_address_lookup_kind(registrations->lookup, wait->inode)
                                  : wait->kind,
                .inode = wait->inode,
                .interest = readiness_from_epoll(wait->events) &
                            (READINESS_READABLE | READINESS_WRITABLE | READINESS_PRIORITY),
                .events = -1,
                .age_ms = -1,
                .idle_ms = -1,
                .stale = wait->stale,
        };

        append(registrations, &row);
}

/* Those of direct sessions up to this one. */
static void append_direct(Registrations *registrations, uint64_t session)
{
        const DirectWaits *direct = &registrations->direct;

        for (; registrations->next < direct->count &&
               direct->sessions[registrations->next].session <= session;
             registrations->next++) {
                const DirectSession *next = &direct->sessions[registrations->next];

                for (size_t i = 0; i < next->waits.count; i++)
                        append_wait(registrations, next, &next->waits.entries[i]);
        }
}

/* Whether all that a session waits for has been shown: what the daemon has of a direct one is in
 * hand, and waited for there, too. */
static bool is_shown(const Registrations *registrations, uint64_t session)
{
        const DirectSession *last =
                registrations->next > 0 ? &registrations->direct.sessions[registrations->next - 1]
                                        : NULL;

        return last && last->session == session && last->error == 0;
}

static void append_entry(void *data, const Iod__RegistrationEntry *entry)
{
        Registrations *registrations = data;
        const Row row = {
                .session = entry->session,
                .pid = entry->pid,
                .uid = entry->uid,
                .program = entry->program,
                .slot = entry->slot,
                .generation = entry->generation,
                .number = -1,
                .kind = entry->kind,
                .inode = entry->inode,
                .interest = entry->interest,
                .readiness = &entry->readiness,
                .events = entry->tick > INT64_MAX ? INT64_MAX : (int64_t)entry->tick,
                .age_ms = entry->age_ms > INT64_MAX ? INT64_MAX : (int64_t)entry->age_ms,
                .idle_ms = entry->idle_ms > INT64_MAX ? INT64_MAX : (int64_t)entry->idle_ms,
        };

        append_direct(registrations, entry->session);
        if (!is_shown(registrations, entry->session))
                append(registrations, &row);
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

static ExitCode show(Registrations *registrations, Query *query, uint64_t session)
{
        ExitCode code = direct_waits_read(&registrations->direct, query, session);

        if (code == EXIT_CODE_OK)
                code = query_registrations(query, session, append_entry, registrations);
        say_why_not(code, session);
        if (code != EXIT_CODE_OK)
                return code;
        append_direct(registrations, UINT64_MAX);
        /* Where there are some that are not shown, this is said and not that there are none. */
        if (direct_waits_complain(&registrations->direct) > 0 && registrations->list.count == 0)
                registrations->list.no_legend = true;
        return output_list_print(&registrations->list, "registrations");
}

ExitCode verb_registrations(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        Registrations registrations = {.filter = &command_line->filter};
        ExitCode code;

        code = query_open(&query, command_line->socket_path);
        if (code != EXIT_CODE_OK)
                return code;
        registrations.lookup = socket_address_lookup_new();
        code = output_list_open(&registrations.list, command_line, columns,
                                sizeof(columns) / sizeof(columns[0]));
        if (code == EXIT_CODE_OK)
                code = show(&registrations, &query, command_line->session);
        output_list_close(&registrations.list);
        direct_waits_close(&registrations.direct);
        socket_address_lookup_free(registrations.lookup);
        return code;
}
