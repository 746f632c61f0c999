/* kyronctl waits: what the machine's processes wait for, and what is wrong with that. */
#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/argument.h"
#include "ctl/diagnosis_text.h"
#include "ctl/output.h"
#include "ctl/wait_view.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const OutputColumn columns[] = {
        {"PID", OUTPUT_RIGHT},
        {"USER", OUTPUT_CUT | OUTPUT_SPARE},
        {"PROGRAM", OUTPUT_CUT},
        {"LOOP", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"DELIVERY", OUTPUT_SPARE},
        {"ENTRIES", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"UNSERVED", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"BACKLOG", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"OLDEST", OUTPUT_RIGHT},
        {"STATE", 0},
};

enum { KERNEL_NAME_LENGTH = 15 }; /* of a program's name, the kernel keeps so much */

/* Which processes were asked for. */
typedef struct Choice {
        const ListFilter *filter;
        const char *word; /* NULL: all */
        uint64_t pid;     /* 0: the word is no number */
        bool is_user;
        uint32_t uid;
        size_t matched;
} Choice;

typedef struct Waits {
        OutputList list;
        const ListFilter *filter;
        const WaitView *view;
        bool all;
        UserName user;
        WaitFindings findings; /* of the process that has its turn */
} Waits;

/* A process and one of its sets, or what it has beside them. */
typedef struct Row {
        const Process *process;
        const WaitSet *set; /* NULL: none */
        Loop loop;
        uint64_t unserved;
        uint64_t backlog;
        uint64_t oldest_ms;
        const Diagnosis *gravest; /* NULL: nothing is wrong */
} Row;

static bool is_chosen(void *data, const Process *process)
{
        Choice *choice = data;
        bool chosen = !choice->word;

        if (choice->pid != 0)
                chosen = (uint64_t)process->pid == choice->pid;
        else if (choice->word)
                chosen = (choice->is_user && process->uid == choice->uid) ||
                         strncmp(process->stat.name, choice->word, KERNEL_NAME_LENGTH) == 0;
        choice->matched += chosen;
        return chosen && list_filter_takes(choice->filter, process->uid, process->pid);
}

static void read_choice(Choice *choice, const CommandLine *command_line)
{
        *choice = (Choice){.filter = &command_line->filter};
        if (command_line->argument_count == 0)
                return;
        choice->word = command_line->arguments[0];
        if (!argument_number(choice->word, INT32_MAX, &choice->pid))
                choice->is_user = user_name_find(choice->word, &choice->uid) == 0;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static bool holds_up_all(const Diagnosis *diagnosis)
{
        return diagnosis->kind == DIAGNOSIS_STOPPED || diagnosis->kind == DIAGNOSIS_TRACED;
}

/* What holds up the whole process is said in each of its rows. */
static bool belongs(const Diagnosis *diagnosis, const WaitSet *set)
{
        if (holds_up_all(diagnosis))
                return true;
        return diagnosis->set == (set ? set->number : -1);
}

static Row make_row(const Waits *waits, const Process *process, const WaitSet *set)
{
        const Sample *first = &waits->view->first, *second = &waits->view->second;
        const WaitFindings *findings = &waits->findings;
        Row row = {.process = process, .set = set, .loop.state = LOOP_UNKNOWN};

        if (set) {
                row.loop = loop_look(sample_find(first, process), process, set);
                row.unserved = count_unserved(first, second, process, set, &row.oldest_ms);
                row.backlog = count_backlog(second, process, set);
        }
        for (size_t i = 0; i < findings->count; i++) {
                const Diagnosis *each = &findings->found[i];

                if (!belongs(each, set))
                        continue;
                if (!row.gravest || each->kind < row.gravest->kind)
                        row.gravest = each;
                if (each->since_ms > row.oldest_ms)
                        row.oldest_ms = each->since_ms;
                if (!set &&
                    (each->kind == DIAGNOSIS_BACKLOG_FULL ||
                     each->kind == DIAGNOSIS_BACKLOG_GROWS || each->kind == DIAGNOSIS_NOT_ACCEPTED))
                        row.backlog += each->amount;
        }
        return row;
}

static const char *state_text(const Row *row)
{
        return row->gravest ? diagnosis_text_word(row->gravest->kind)
                            : diagnosis_text_loop(row->loop.state);
}

/* Of what is no epoll set. */
static const char *loop_text(const WaitSet *set)
{
        if (!set)
                return "-";
        return set->kind == WAIT_SET_POLL ? "poll" : "select";
}

static bool is_counted(const Row *row)
{
        return row->set && row->set->status == WAIT_SET_READ;
}

static const char *name_of(const Process *process, char name[static PROCESS_NAME_MAX])
{
        snprintf(name, PROCESS_NAME_MAX, "%s", process->stat.name);
        output_make_printable(name);
        return name;
}

static void append_row(Waits *waits, const Row *row)
{
        const char *delivery = wait_view_delivery(waits->view, row->process->pid);
        char name[PROCESS_NAME_MAX], duration[OUTPUT_DURATION_MAX];
        OutputList *list = &waits->list;

        output_list_begin_row(list);
        output_list_cell(list, "%d", (int)row->process->pid);
        output_list_cell(list, "%s", user_name_of(&waits->user, row->process->uid));
        output_list_cell(list, "%s", name_of(row->process, name));
        if (row->set && row->set->kind == WAIT_SET_EPOLL)
                output_list_cell(list, "%d", row->set->number);
        else
                output_list_cell(list, "%s", loop_text(row->set));
        output_list_cell(list, "%s", delivery ? delivery : "-");
        if (is_counted(row)) {
                output_list_cell(list, "%zu", row->set->count);
                output_list_cell(list, "%" PRIu64, row->unserved);
        } else {
                output_list_cell(list, row->set ? "?" : "-");
                output_list_cell(list, row->set ? "?" : "-");
        }
        if (row->set && !is_counted(row))
                output_list_cell(list, "?");
        else
                output_list_cell(list, "%" PRIu64, row->backlog);
        output_list_cell(list, "%s",
                         row->oldest_ms > 0 ? output_duration(row->oldest_ms, duration) : "-");
        output_list_rank(list, row->oldest_ms);
        output_list_cell(list, "%s", state_text(row));
}

static json_t *count_or_null(const Row *row, uint64_t count)
{
        return is_counted(row) ? json_integer((json_int_t)count) : json_null();
}

static json_t *diagnoses_of(const Waits *waits, const Row *row)
{
        const WaitFindings *findings = &waits->findings;
        json_t *array = json_array();

        for (size_t i = 0; i < findings->count && array; i++) {
                if (belongs(&findings->found[i], row->set) &&
                    json_array_append_new(array, diagnosis_text_object(&findings->found[i],
                                                                       row->process->pid)) < 0) {
                        json_decref(array);
                        array = NULL;
                }
        }
        return array;
}

static json_t *loop_object(const WaitSet *set)
{
        if (!set)
                return json_null();
        return json_string(set->kind == WAIT_SET_EPOLL ? "epoll" : loop_text(set));
}

static void append_object(Waits *waits, const Row *row)
{
        const Process *process = row->process;
        const char *delivery = wait_view_delivery(waits->view, process->pid);
        char name[PROCESS_NAME_MAX];
        json_t *object = json_object();

        output_add(&object, "pid", json_integer(process->pid));
        output_add_number(&object, "uid", process->uid);
        output_add_text(&object, "user", user_name_of(&waits->user, process->uid));
        output_add_text(&object, "program", name_of(process, name));
        output_add(&object, "set",
                   row->set && row->set->kind == WAIT_SET_EPOLL ? json_integer(row->set->number)
                                                                : json_null());
        output_add(&object, "loop", loop_object(row->set));
        output_add(&object, "tid",
                   row->set && row->set->kind != WAIT_SET_EPOLL ? json_integer(row->set->tid)
                                                                : json_null());
        output_add(&object, "delivery", delivery ? json_string(delivery) : json_null());
        output_add(&object, "entries", count_or_null(row, row->set ? row->set->count : 0));
        output_add(&object, "unserved", count_or_null(row, row->unserved));
        output_add(&object, "backlog",
                   row->set ? count_or_null(row, row->backlog)
                            : json_integer((json_int_t)row->backlog));
        output_add_number(&object, "oldest_ms", row->oldest_ms);
        output_add_text(&object, "state", state_text(row));
        output_add(&object, "diagnoses", diagnoses_of(waits, row));
        output_list_append(&waits->list, object);
}

static void append(Waits *waits, const Process *process, const WaitSet *set)
{
        const Row row = make_row(waits, process, set);

        /* Without a set there is nothing to show but what is wrong. */
        if (!row.gravest && !(waits->all && set))
                return;
        if (waits->list.array)
                append_object(waits, &row);
        else
                append_row(waits, &row);
}

/* Whether something is wrong with what is in none of its sets. */
static bool has_own_row(const Waits *waits, const Process *process)
{
        for (size_t i = 0; i < waits->findings.count; i++) {
                const Diagnosis *each = &waits->findings.found[i];

                if (each->set == -1 && (!holds_up_all(each) || process->set_count == 0))
                        return true;
        }
        return false;
}

/* Whether it has a socket with the port that was asked for. */
static bool has_port(const Waits *waits, const Process *process)
{
        bool found = waits->filter->port == 0;

        for (size_t i = 0; i < process->descriptors.count && !found; i++) {
                const Socket *socket = socket_table_find(&waits->view->second.sockets,
                                                         process->descriptors.entries[i].inode);

                found = socket && socket->kind != SOCKET_UNIX &&
                        list_filter_takes_ports(waits->filter, ntohs(socket->inet.local_port),
                                                ntohs(socket->inet.peer_port));
        }
        return found;
}

static void append_process(Waits *waits, const Process *process)
{
        if (!list_filter_takes(waits->filter, process->uid, process->pid) ||
            !has_port(waits, process))
                return;
        wait_view_find(waits->view, process, &waits->findings);
        for (size_t i = 0; i < process->set_count; i++)
                append(waits, process, &process->sets[i]);
        if (has_own_row(waits, process))
                append(waits, process, NULL);
}

/* ---- The whole ------------------------------------------------------------------------------- */

static ExitCode print(Waits *waits)
{
        json_t *object;

        if (waits->list.array && !waits->list.failed) {
                object = wait_view_object(waits->view);
                output_add(&object, "waits", json_incref(waits->list.array));
                return output_json(object);
        }
        return output_list_print(&waits->list, waits->all ? "waits" : "waits to worry about");
}

ExitCode verb_waits(const CommandLine *command_line)
{
        CLEANUP(wait_view_release) WaitView view = {.served = false};
        CLEANUP(cleanup_free) Waits *waits = calloc(1, sizeof(*waits));
        Choice choice;
        ExitCode code;

        if (!waits) {
                error_set(ENOMEM, "no memory for the answer");
                return EXIT_CODE_FAILED;
        }
        read_choice(&choice, command_line);
        waits->view = &view;
        waits->filter = &command_line->filter;
        waits->all = command_line->all || choice.word;
        code = wait_view_take(&view, command_line, is_chosen, &choice);
        if (code == EXIT_CODE_OK && choice.word && choice.matched == 0 && !choice.is_user) {
                error_set(ESRCH, "there is no process, user or program \"%s\" to be seen here",
                          choice.word);
                return EXIT_CODE_NOT_FOUND;
        }
        if (code == EXIT_CODE_OK)
                code = output_list_open(&waits->list, command_line, columns,
                                        sizeof(columns) / sizeof(columns[0]));
        for (size_t i = 0; i < view.second.count && code == EXIT_CODE_OK; i++)
                append_process(waits, &view.second.processes[i]);
        if (code == EXIT_CODE_OK)
                code = print(waits);
        if (code == EXIT_CODE_OK && !command_line->no_legend && !command_line->json)
                wait_view_say_unseen(&view);
        output_list_close(&waits->list);
        return code;
}
