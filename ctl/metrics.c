/*
 * kyronctl metrics: what the daemon counts, and what is wrong with the machine's waits, as text for
 * Prometheus. Without a daemon it says so in the text, so that whoever collects it learns of that.
 */
#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/diagnosis_text.h"
#include "ctl/query.h"
#include "ctl/wait_view.h"
#include "proto/metrics_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRAMS_TOLD_MAX = 32 }; /* of those with a wait to worry about; the others together */

typedef struct ProgramWaits {
        const char *name;
        uint64_t processes[DIAGNOSIS_KINDS];
} ProgramWaits;

/* What is wrong, by program. */
typedef struct Tally {
        size_t count;
        ProgramWaits programs[PROGRAMS_TOLD_MAX];
        ProgramWaits others;
        WaitFindings findings; /* of the process that has its turn */
} Tally;

static void write_out(void *data, const char *text, size_t size)
{
        (void)data;
        fwrite(text, 1, size, stdout); /* main() looks for failures */
}

/* ---- The machine's waits --------------------------------------------------------------------- */

static ProgramWaits *find_program(Tally *tally, const char *name)
{
        for (size_t i = 0; i < tally->count; i++) {
                if (strcmp(tally->programs[i].name, name) == 0)
                        return &tally->programs[i];
        }
        if (tally->count == PROGRAMS_TOLD_MAX)
                return &tally->others;
        tally->programs[tally->count].name = name;
        return &tally->programs[tally->count++];
}

/* All are; the threads of those without a set, which "why" follows, are not. */
static bool is_looked_at(void *data, const Process *process)
{
        (void)data;
        (void)process;
        return true;
}

/* A process counts once for each kind. */
static void count_process(Tally *tally, const WaitView *view, const Process *process)
{
        bool has[DIAGNOSIS_KINDS] = {false};
        ProgramWaits *program;

        wait_view_find(view, process, &tally->findings);
        if (tally->findings.count == 0)
                return;
        for (size_t i = 0; i < tally->findings.count; i++)
                has[tally->findings.found[i].kind] = true;
        program = find_program(tally, process->stat.name);
        for (size_t kind = 0; kind < DIAGNOSIS_KINDS; kind++)
                program->processes[kind] += has[kind];
}

static void write_program(Exposition *exposition, const ProgramWaits *program)
{
        for (size_t kind = 0; kind < DIAGNOSIS_KINDS; kind++) {
                const ExpositionLabel labels[EXPOSITION_LABELS_MAX] = {
                        {"kind", diagnosis_text_name((DiagnosisKind)kind)},
                        {"program", program->name},
                };

                if (program->processes[kind] > 0)
                        exposition_add(exposition, labels, program->processes[kind]);
        }
}

static void write_number(Exposition *exposition, const char *name, const char *help, uint64_t value)
{
        exposition_begin(exposition, name, EXPOSITION_GAUGE, NULL, help);
        exposition_add(exposition, NULL, value);
}

static void write_waits(Exposition *exposition, Tally *tally, const WaitView *view)
{
        for (size_t i = 0; i < view->second.count; i++)
                count_process(tally, view, &view->second.processes[i]);
        exposition_begin(exposition, "kyron_iod_wait_diagnoses", EXPOSITION_GAUGE, NULL,
                         "Processes with a wait to worry about, by what is wrong and by program");
        for (size_t i = 0; i < tally->count; i++)
                write_program(exposition, &tally->programs[i]);
        write_program(exposition, &tally->others);
        write_number(exposition, "kyron_iod_wait_processes", "Processes that were looked at",
                     view->second.count - view->second.shut);
        write_number(exposition, "kyron_iod_wait_processes_not_seen",
                     "Processes that could not be looked into, or for want of time",
                     view->second.shut + view->second.left_out);
}

/* ---- The daemon ------------------------------------------------------------------------------ */

/* *out is valid until the next question; NULL: there is no daemon, which is said. */
static ExitCode ask(Query *query, const char *socket_path, const Iod__Metrics **out)
{
        Iod__Frame request = IOD__FRAME__INIT, *reply;
        Iod__GetMetrics body = IOD__GET_METRICS__INIT;
        ExitCode code = query_open(query, socket_path);

        *out = NULL;
        if (code == EXIT_CODE_UNREACHABLE) {
                fprintf(stderr, "kyronctl: %s\n", error_text());
                return EXIT_CODE_OK;
        }
        if (code != EXIT_CODE_OK)
                return code;
        request.body_case = IOD__FRAME__BODY_GET_METRICS;
        request.get_metrics = &body;
        code = query_ask(query, &request, IOD__FRAME__BODY_METRICS, &reply);
        if (code != EXIT_CODE_OK)
                return code;
        if (!metrics_text_is_whole(reply->metrics))
                return query_nonsense(query, "metrics that lack something");
        *out = reply->metrics;
        return EXIT_CODE_OK;
}

ExitCode verb_metrics(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        CLEANUP(wait_view_release) WaitView view = {.served = false};
        CLEANUP(cleanup_free) Tally *tally = calloc(1, sizeof(*tally));
        Exposition exposition = {.write = write_out};
        const Iod__Metrics *metrics;
        ExitCode code = ask(&query, command_line->socket_path, &metrics);

        if (code == EXIT_CODE_OK)
                code = wait_view_take(&view, command_line, is_looked_at, NULL);
        if (code == EXIT_CODE_OK && !tally) {
                error_set(ENOMEM, "no memory for the answer");
                code = EXIT_CODE_FAILED;
        }
        if (code != EXIT_CODE_OK)
                return code;
        tally->others.name = "other";
        if (metrics)
                metrics_text_write(&exposition, metrics);
        else
                write_number(&exposition, "kyron_iod_up", "Whether the daemon answers", 0);
        write_waits(&exposition, tally, &view);
        exposition_end(&exposition);
        return EXIT_CODE_OK;
}
