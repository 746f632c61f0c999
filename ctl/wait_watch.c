/* Diagnoses that begin and end. See wait_watch.h. */
#include "ctl/wait_watch.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/error.h"
#include "ctl/diagnosis_text.h"
#include "ctl/output.h"
#include "ctl/wait_view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One that was told to have begun. */
typedef struct Followed {
        pid_t pid;
        uint64_t started; /* of the process: numbers are used again */
        DiagnosisKind kind;
        int set;
        int number;
        uint64_t since_ms; /* CLOCK_MONOTONIC */
        uint32_t uid;
        char program[PROCESS_NAME_MAX];
        json_t *object; /* owned */
} Followed;

struct WaitWatch {
        WaitView view;
        SampleOptions options;
        bool says_unseen; /* once */
        size_t count;
        Followed *followed; /* owned; of WAIT_WATCH_MAX */
        Followed *now;      /* likewise: those of the present look */
        size_t now_count;
        WaitFindings findings; /* of the process that has its turn */
};

static ExitCode no_memory(void)
{
        error_set(ENOMEM, "no memory for the waits");
        return EXIT_CODE_FAILED;
}

WaitWatch *wait_watch_close(WaitWatch *watch)
{
        if (!watch)
                return NULL;
        for (size_t i = 0; i < watch->count; i++)
                json_decref(watch->followed[i].object);
        for (size_t i = 0; i < watch->now_count; i++)
                json_decref(watch->now[i].object);
        wait_view_release(&watch->view);
        free(watch->followed);
        free(watch->now);
        free(watch);
        return NULL;
}

ExitCode wait_watch_open(WaitWatch **out, const CommandLine *command_line)
{
        WaitWatch *watch = calloc(1, sizeof(*watch));
        ExitCode code;

        if (!watch)
                return no_memory();
        watch->options = (SampleOptions){.large = command_line->large};
        watch->followed = calloc(WAIT_WATCH_MAX, sizeof(*watch->followed));
        watch->now = calloc(WAIT_WATCH_MAX, sizeof(*watch->now));
        watch->says_unseen = !command_line->json && !command_line->no_legend;
        code = watch->followed && watch->now ? wait_view_begin(&watch->view, &watch->options)
                                             : no_memory();
        if (code == EXIT_CODE_OK)
                *out = watch;
        else
                wait_watch_close(watch);
        return code;
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
        const Followed *one = a, *other = b;

        if (one->pid != other->pid)
                return one->pid < other->pid ? -1 : 1;
        if (one->started != other->started)
                return one->started < other->started ? -1 : 1;
        if (one->kind != other->kind)
                return one->kind < other->kind ? -1 : 1;
        if (one->set != other->set)
                return one->set < other->set ? -1 : 1;
        return (one->number > other->number) - (one->number < other->number);
}

static Followed *find(Followed *list, size_t count, const Followed *key)
{
        return bsearch(key, list, count, sizeof(*list), compare);
}

static Followed followed_of(const Process *process, const Diagnosis *diagnosis)
{
        return (Followed){
                .pid = process->pid,
                .started = process->stat.start_time,
                .kind = diagnosis->kind,
                .set = diagnosis->set,
                .number = diagnosis->number,
                .uid = process->uid,
        };
}

/* Whether what is wrong with it would be seen now. */
static bool is_seen(const WaitWatch *watch, const Followed *followed)
{
        const Sample *sample = &watch->view.second;

        for (size_t i = 0; i < sample->count; i++) {
                const Process *process = &sample->processes[i];

                if (process->pid == followed->pid)
                        return process->stat.start_time != followed->started ||
                               process->status == PROCESS_SEEN;
        }
        return sample->left_out == 0;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static ExitCode write_line(const Followed *followed, const char *event, const char *text,
                           HappeningText *out)
{
        const HappeningTextWait wait = {
                .pid = followed->pid,
                .uid = followed->uid,
                .program = followed->program,
                .text = text,
                .lent_diagnosis = followed->object,
        };

        return happening_text_write_wait(out, event, &wait);
}

static ExitCode begin(Followed *followed, const Process *process, const Diagnosis *diagnosis,
                      HappeningText *out)
{
        char text[DIAGNOSIS_TEXT_MAX];

        snprintf(followed->program, sizeof(followed->program), "%s", process->stat.name);
        output_make_printable(followed->program);
        followed->since_ms = clock_now_ms();
        followed->object = diagnosis_text_object(diagnosis, process->pid);
        if (!followed->object)
                return no_memory();
        return write_line(followed, "began", diagnosis_text_sentence(diagnosis, process->pid, text),
                          out);
}

static ExitCode end(const Followed *followed, HappeningText *out)
{
        const uint64_t ms = clock_now_ms() - followed->since_ms;
        char text[DIAGNOSIS_TEXT_MAX], duration[OUTPUT_DURATION_MAX];

        snprintf(text, sizeof(text), "over after %s: %s", output_duration(ms, duration),
                 diagnosis_text_word(followed->kind));
        return write_line(followed, "ended", text, out);
}

/* ---- A look ---------------------------------------------------------------------------------- */

/* Whether the present look has it already; those of its process are from first on. */
static bool is_twice(const WaitWatch *watch, size_t first, const Followed *key)
{
        for (size_t i = first; i < watch->now_count; i++) {
                if (compare(&watch->now[i], key) == 0)
                        return true;
        }
        return false;
}

static ExitCode add_process(WaitWatch *watch, const Process *process, HappeningText *out)
{
        const size_t first = watch->now_count;
        ExitCode code = EXIT_CODE_OK;

        wait_view_find(&watch->view, process, &watch->findings);
        for (size_t i = 0; i < watch->findings.count && code == EXIT_CODE_OK; i++) {
                const Diagnosis *diagnosis = &watch->findings.found[i];
                Followed key = followed_of(process, diagnosis);
                Followed *before = find(watch->followed, watch->count, &key);
                Followed *entry = &watch->now[watch->now_count];

                if (watch->now_count == WAIT_WATCH_MAX || is_twice(watch, first, &key))
                        continue;
                watch->now_count++;
                *entry = before ? *before : key;
                if (before)
                        before->object = NULL; /* it goes on */
                else
                        code = begin(entry, process, diagnosis, out);
        }
        return code;
}

/* What was told and is not among those of now: over, or kept. */
static ExitCode end_others(WaitWatch *watch, HappeningText *out)
{
        ExitCode code = EXIT_CODE_OK;

        for (size_t i = 0; i < watch->count && code == EXIT_CODE_OK; i++) {
                Followed *followed = &watch->followed[i];

                if (!followed->object)
                        continue;
                if (!is_seen(watch, followed) && watch->now_count < WAIT_WATCH_MAX) {
                        watch->now[watch->now_count++] = *followed;
                } else {
                        code = end(followed, out);
                        json_decref(followed->object);
                }
                followed->object = NULL;
        }
        return code;
}

ExitCode wait_watch_look(WaitWatch *watch, Query *query, HappeningText *out)
{
        ExitCode code = wait_view_go_on(&watch->view, &watch->options, query);
        Followed *before = watch->followed;

        for (size_t i = 0; i < watch->view.second.count && code == EXIT_CODE_OK; i++)
                code = add_process(watch, &watch->view.second.processes[i], out);
        if (code == EXIT_CODE_OK)
                code = end_others(watch, out);
        if (code != EXIT_CODE_OK)
                return code;
        qsort(watch->now, watch->now_count, sizeof(*watch->now), compare);
        watch->followed = watch->now;
        watch->count = watch->now_count;
        watch->now = before;
        watch->now_count = 0;
        if (watch->says_unseen)
                wait_view_say_unseen(&watch->view);
        watch->says_unseen = false;
        return EXIT_CODE_OK;
}
