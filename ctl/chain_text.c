/* Chains in words. See chain_text.h. */
#include "ctl/chain_text.h"

#include "ctl/diagnosis_clause.h"
#include "ctl/output.h"
#include "ctl/wait_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CLAUSES_MAX = 3 }; /* of what is wrong with a process */

static const char *const reasons[CHAIN_REASONS] = {
        [CHAIN_CALL] = "call",
        [CHAIN_NO_ROOM] = "no-room",
        [CHAIN_NOT_ACCEPTED] = "not-accepted",
        [CHAIN_NOT_READ] = "not-read",
        [CHAIN_NO_ANSWER] = "no-answer",
};

/* ---- Why it waits ---------------------------------------------------------------------------- */

/* Of what is there: its address; of a Unix socket, its name, if it has one. */
static void write_place(const ChainLink *link, char out[static SOCKET_ADDRESS_TEXT_MAX])
{
        if (link->socket && link->socket->kind != SOCKET_UNIX)
                socket_peer_text(link->socket, out);
        else if (link->there)
                socket_local_text(link->there, out);
        else
                *out = '\0';
        if (!*out)
                snprintf(out, SOCKET_ADDRESS_TEXT_MAX, "the other end of descriptor %d",
                         link->descriptor->number);
}

static void write_reason(const ChainLink *link, char out[static CHAIN_TEXT_MAX])
{
        char place[SOCKET_ADDRESS_TEXT_MAX], since[WAIT_SECONDS_MAX], call[WAIT_CALL_MAX];
        char end[WAIT_END_MAX];

        write_place(link, place);
        wait_words_seconds(link->since_ms, since);
        switch (link->reason) {
        case CHAIN_CALL:
                snprintf(out, CHAIN_TEXT_MAX, "has slept in %s on descriptor %d%s for at least %s",
                         wait_words_call(link->thread->call, call), link->descriptor->number,
                         wait_words_end(link->descriptor, link->socket, NULL, end), since);
                break;
        case CHAIN_NO_ROOM:
                snprintf(out, CHAIN_TEXT_MAX,
                         "waits for %s, whose backlog of %" PRIu32
                         " has had no room for its connection for at least %s",
                         place, link->there->send_queue, since);
                break;
        case CHAIN_NOT_ACCEPTED:
                snprintf(out, CHAIN_TEXT_MAX,
                         "waits for %s, where its connection has not been accepted for at least %s",
                         place, since);
                break;
        case CHAIN_NOT_READ:
                snprintf(out, CHAIN_TEXT_MAX,
                         "waits for %s, where %" PRIu64
                         " bytes that it sent have not been read for at least %s",
                         place, link->amount, since);
                break;
        case CHAIN_NO_ANSWER:
        default:
                snprintf(out, CHAIN_TEXT_MAX,
                         "waits for %s, where what it sent was read and has not been answered for "
                         "at least %s",
                         place, since);
                break;
        }
}

/* ---- What the next one does ------------------------------------------------------------------ */

static void write_activity(const WaitView *view, const Process *process,
                           char out[static DIAGNOSIS_TEXT_MAX])
{
        const Activity activity = activity_look(sample_find(&view->first, process), process);
        char since[WAIT_SECONDS_MAX], call[WAIT_CALL_MAX];

        wait_words_seconds(samples_apart_ms(&view->first, &view->second), since);
        switch (activity.state) {
        case ACTIVITY_STOPPED:
                snprintf(out, DIAGNOSIS_TEXT_MAX, "is stopped");
                break;
        case ACTIVITY_BUSY:
                snprintf(out, DIAGNOSIS_TEXT_MAX, "has been running its own code for at least %s",
                         since);
                break;
        case ACTIVITY_STARVED:
                snprintf(out, DIAGNOSIS_TEXT_MAX,
                         "has wanted to run for at least %s, and had %u %% of a processor", since,
                         activity.percent);
                break;
        case ACTIVITY_ASLEEP:
                snprintf(out, DIAGNOSIS_TEXT_MAX, "has slept in %s for at least %s",
                         wait_words_call(activity.call, call), since);
                break;
        case ACTIVITY_MIXED:
                snprintf(out, DIAGNOSIS_TEXT_MAX, "runs and sleeps, as one does that serves");
                break;
        case ACTIVITY_UNKNOWN:
        default:
                snprintf(out, DIAGNOSIS_TEXT_MAX, "does what is not to be seen");
                break;
        }
}

static void write_state(const WaitView *view, const Process *process, WaitFindings *findings,
                        char *out, size_t size)
{
        char clause[DIAGNOSIS_TEXT_MAX];
        size_t length = 0;

        wait_view_find(view, process, findings);
        for (size_t i = 0; i < findings->count && i < CLAUSES_MAX && length < size; i++)
                length +=
                        (size_t)snprintf(out + length, size - length, "%s%s", i == 0 ? "" : " and ",
                                         diagnosis_clause(&findings->found[i], clause));
        if (findings->count > 0)
                return;
        write_activity(view, process, clause);
        snprintf(out, size, "%s", clause);
}

/* "; node 901 there has been running its own code for at least 4.0 s" */
static void write_next(const WaitView *view, const Chain *chain, size_t link,
                       WaitFindings *findings, char *out, size_t size)
{
        const ChainLink *its = &chain->links[link];
        const bool is_last = link + 1 == chain->count;
        char program[WAIT_PROGRAM_MAX], others[64] = "", state[CHAIN_TEXT_MAX / 2];

        *out = '\0';
        if (!its->next && its->there)
                snprintf(out, size, "; whose that is, root and its user may see");
        if (!its->next)
                return;
        wait_words_program(its->next, program);
        if (is_last && chain->is_circle) {
                snprintf(out, size, "; that is %s, %s", program,
                         its->next == chain->links[0].process ? "which is where this began"
                                                              : "which was there before");
                return;
        }
        if (its->others > 0)
                snprintf(others, sizeof(others), " (and %zu other%s)", its->others,
                         its->others == 1 ? "" : "s");
        if (is_last && !chain->is_cut)
                write_state(view, its->next, findings, state, sizeof(state));
        else
                snprintf(state, sizeof(state), "waits, too");
        snprintf(out, size, "; %s there%s %s", program, others, state);
}

const char *chain_text_sentence(const WaitView *view, const Chain *chain, size_t link,
                                WaitFindings *findings, char buffer[static CHAIN_TEXT_MAX])
{
        size_t length;

        write_reason(&chain->links[link], buffer);
        length = strlen(buffer);
        write_next(view, chain, link, findings, buffer + length, CHAIN_TEXT_MAX - length);
        return buffer;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *object_of(const WaitView *view, const Chain *chain, size_t link,
                         WaitFindings *findings)
{
        const ChainLink *its = &chain->links[link];
        char sentence[CHAIN_TEXT_MAX], name[PROCESS_NAME_MAX], place[SOCKET_ADDRESS_TEXT_MAX];
        json_t *object = json_object();

        snprintf(name, sizeof(name), "%s", its->process->stat.name);
        output_make_printable(name);
        write_place(its, place);
        output_add(&object, "pid", json_integer(its->process->pid));
        output_add_text(&object, "program", name);
        output_add_text(&object, "reason", reasons[its->reason]);
        output_add_text(&object, "sentence",
                        chain_text_sentence(view, chain, link, findings, sentence));
        output_add_number(&object, "since_ms", its->since_ms);
        output_add(&object, "descriptor", json_integer(its->descriptor->number));
        output_add_text(&object, "place", place);
        output_add_number(&object, "amount", its->amount);
        output_add(&object, "next_pid", its->next ? json_integer(its->next->pid) : json_null());
        return object;
}

json_t *chain_text_array(const WaitView *view, const Chain *chain, WaitFindings *findings)
{
        json_t *array = json_array();

        for (size_t i = 0; i < chain->count && array; i++) {
                if (json_array_append_new(array, object_of(view, chain, i, findings)) < 0) {
                        json_decref(array);
                        array = NULL;
                }
        }
        return array;
}
