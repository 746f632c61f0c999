/* kyronctl why: what is wrong with a process's waits, in sentences with their evidence. */
#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/chain_text.h"
#include "ctl/diagnosis_text.h"
#include "ctl/output.h"
#include "ctl/wait_target.h"
#include "ctl/wait_words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCES_MAX = 20 }; /* of a process; the others are counted */

typedef struct Why {
        const WaitView *view;
        UserName user;
        json_t *array; /* NULL: sentences */
        Chain chain;
        WaitFindings findings;
} Why;

static const char *name_of(const Process *process, char name[static PROCESS_NAME_MAX])
{
        snprintf(name, PROCESS_NAME_MAX, "%s", process->stat.name);
        output_make_printable(name);
        return name;
}

/* Begins a line: "redis-server 812 (redis): ". */
static void print_subject(Why *why, const Process *process)
{
        char name[PROCESS_NAME_MAX];

        printf("%s %d (%s): ", name_of(process, name), (int)process->pid,
               user_name_of(&why->user, process->uid));
}

static size_t count_entries(const Process *process)
{
        size_t count = 0;

        for (size_t i = 0; i < process->set_count; i++)
                count += process->sets[i].count;
        return count;
}

/* Of a process about which there is nothing to worry. */
static void print_state(Why *why, const Process *process)
{
        const Process *before = sample_find(&why->view->first, process);
        char seconds[WAIT_SECONDS_MAX];
        size_t asleep = 0;

        print_subject(why, process);
        if (process->status == PROCESS_SHUT) {
                puts("what it has open is for root and its own user to see");
                return;
        }
        if (process->status == PROCESS_LARGE) {
                puts("it has too many descriptors to look at; --large does, and holds it up");
                return;
        }
        for (size_t i = 0; i < process->set_count; i++)
                asleep += loop_look(before, process, &process->sets[i]).state == LOOP_ASLEEP;
        printf("nothing to worry about is to be seen; epoll sets and polls: %zu, with entries: "
               "%zu, asleep for at least %s: %zu\n",
               process->set_count, count_entries(process),
               wait_words_seconds(samples_apart_ms(&why->view->first, &why->view->second), seconds),
               asleep);
}

static void print_sessions(Why *why, const Process *process)
{
        for (size_t i = 0; i < why->view->session_count; i++) {
                const WaitSession *session = &why->view->sessions[i];

                if (session->pid != process->pid)
                        continue;
                print_subject(why, process);
                printf("session %" PRIu64 " of kyron-iod, %s\n", session->session,
                       session->direct ? "direct" : "relayed");
        }
}

/* A line for each process that waits for the next. */
static void print_chain(Why *why)
{
        char sentence[CHAIN_TEXT_MAX];

        for (size_t i = 0; i < why->chain.count; i++) {
                print_subject(why, why->chain.links[i].process);
                puts(chain_text_sentence(why->view, &why->chain, i, &why->findings, sentence));
        }
        if (why->chain.is_cut)
                puts("and so on");
}

static void print_process(Why *why, const Process *process)
{
        const WaitFindings *findings = &why->findings;
        char sentence[DIAGNOSIS_TEXT_MAX];
        size_t said = findings->count < SENTENCES_MAX ? findings->count : SENTENCES_MAX;

        for (size_t i = 0; i < said; i++) {
                print_subject(why, process);
                puts(diagnosis_text_sentence(&findings->found[i], process->pid, sentence));
        }
        if (findings->count + findings->more > said) {
                print_subject(why, process);
                printf("and %zu more: kyronctl waits --json %d\n",
                       findings->count + findings->more - said, (int)process->pid);
        }
        if (said == 0 && why->chain.count == 0)
                print_state(why, process);
        print_chain(why);
        print_sessions(why, process);
}

static json_t *diagnoses_of(const Why *why, const Process *process)
{
        json_t *array = json_array();

        for (size_t i = 0; i < why->findings.count && array; i++) {
                json_t *object = diagnosis_text_object(&why->findings.found[i], process->pid);

                if (json_array_append_new(array, object) < 0) {
                        json_decref(array);
                        array = NULL;
                }
        }
        return array;
}

static json_t *sessions_of(const Why *why, const Process *process)
{
        json_t *array = json_array();

        for (size_t i = 0; i < why->view->session_count && array; i++) {
                const WaitSession *session = &why->view->sessions[i];

                if (session->pid == process->pid &&
                    json_array_append_new(array, json_integer((json_int_t)session->session)) < 0) {
                        json_decref(array);
                        array = NULL;
                }
        }
        return array;
}

static int append_object(Why *why, const Process *process)
{
        const char *delivery = wait_view_delivery(why->view, process->pid);
        char name[PROCESS_NAME_MAX];
        json_t *object = json_object();

        output_add(&object, "pid", json_integer(process->pid));
        output_add_number(&object, "uid", process->uid);
        output_add_text(&object, "user", user_name_of(&why->user, process->uid));
        output_add_text(&object, "program", name_of(process, name));
        output_add(&object, "seen", json_boolean(process->status == PROCESS_SEEN));
        output_add_number(&object, "sets", process->set_count);
        output_add_number(&object, "entries", count_entries(process));
        output_add(&object, "delivery", delivery ? json_string(delivery) : json_null());
        output_add(&object, "sessions", sessions_of(why, process));
        output_add(&object, "diagnoses", diagnoses_of(why, process));
        output_add(&object, "chain", chain_text_array(why->view, &why->chain, &why->findings));
        output_add(&object, "circle", json_boolean(why->chain.is_circle));
        output_add(&object, "cut", json_boolean(why->chain.is_cut));
        return json_array_append_new(why->array, object);
}

static ExitCode no_memory(void)
{
        error_set(ENOMEM, "no memory for the answer");
        return EXIT_CODE_FAILED;
}

static ExitCode say(Why *why, const WaitTargets *targets)
{
        for (size_t i = 0; i < targets->count; i++) {
                if (chain_follow(&why->chain, &why->view->first, &why->view->second,
                                 targets->processes[i]) < 0)
                        return no_memory();
                wait_view_find(why->view, targets->processes[i], &why->findings);
                if (!why->array)
                        print_process(why, targets->processes[i]);
                else if (append_object(why, targets->processes[i]) < 0)
                        return no_memory();
        }
        return why->array ? output_json(json_incref(why->array)) : EXIT_CODE_OK;
}

static ExitCode nobody(const char *word, bool not_seen)
{
        if (not_seen) {
                error_set(EACCES,
                          "whose socket %s is, only root and its user may see: be one of them",
                          word);
                return EXIT_CODE_DENIED;
        }
        error_set(
                ENOENT,
                "there is no process, session or socket \"%s\": give a number, HOST:PORT, :PORT or "
                "unix:PATH",
                word);
        return EXIT_CODE_NOT_FOUND;
}

ExitCode verb_why(const CommandLine *command_line)
{
        CLEANUP(wait_view_release) WaitView view = {.served = false};
        CLEANUP(cleanup_free) Why *why = calloc(1, sizeof(*why));
        const char *word = command_line->arguments[0];
        WaitTargets targets;
        ExitCode code;

        if (!why)
                return no_memory();
        why->view = &view;
        code = wait_view_take(&view, command_line, NULL, NULL);
        if (code != EXIT_CODE_OK)
                return code;
        wait_target_find(&view, word, &targets);
        if (targets.count == 0)
                return nobody(word, targets.not_seen);
        why->array = command_line->json ? json_array() : NULL;
        code = command_line->json && !why->array ? no_memory() : say(why, &targets);
        json_decref(why->array);
        return code;
}
