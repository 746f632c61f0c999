/* Diagnoses in words. See diagnosis_text.h. */
#include "ctl/diagnosis_text.h"

#include "ctl/output.h"
#include "ctl/wait_words.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
        const char *word;
        const char *name; /* in JSON */
} kinds[DIAGNOSIS_KINDS] = {
        [DIAGNOSIS_STOPPED] = {"stopped", "stopped"},
        [DIAGNOSIS_TRACED] = {"traced", "traced"},
        [DIAGNOSIS_BLOCKED] = {"blocked", "blocked"},
        [DIAGNOSIS_BUSY] = {"busy", "busy"},
        [DIAGNOSIS_STARVED] = {"starved", "starved"},
        [DIAGNOSIS_BACKLOG_FULL] = {"full", "backlog-full"},
        [DIAGNOSIS_NOT_ACCEPTED] = {"backlog", "not-accepted"},
        [DIAGNOSIS_UNREAD] = {"unread", "unread"},
        [DIAGNOSIS_PEER_NOT_READING] = {"peer", "peer-not-reading"},
        [DIAGNOSIS_NOT_CLOSED] = {"unclosed", "not-closed"},
};

const char *diagnosis_text_word(DiagnosisKind kind)
{
        return kinds[kind].word;
}

const char *diagnosis_text_name(DiagnosisKind kind)
{
        return kinds[kind].name;
}

const char *diagnosis_text_loop(LoopState state)
{
        static const char *const words[] = {
                [LOOP_UNKNOWN] = "-",    [LOOP_ASLEEP] = "asleep",   [LOOP_WAITING] = "waits",
                [LOOP_RUNNING] = "runs", [LOOP_BUSY] = "runs",       [LOOP_STARVED] = "runs",
                [LOOP_BLOCKED] = "runs", [LOOP_STOPPED] = "stopped",
        };

        return words[state];
}

/* ---- Sentences ------------------------------------------------------------------------------- */

/* What sentences are made of. */
typedef struct Words {
        char local[SOCKET_ADDRESS_TEXT_MAX];
        char peer[SOCKET_ADDRESS_TEXT_MAX];
        char since[WAIT_SECONDS_MAX];
        char end[WAIT_END_MAX]; /* see wait_words_end() */
} Words;

static Words words_of(const Diagnosis *diagnosis)
{
        Words words = {.local = ""};

        wait_words_seconds(diagnosis->since_ms, words.since);
        if (diagnosis->socket) {
                socket_local_text(diagnosis->socket, words.local);
                socket_peer_text(diagnosis->socket, words.peer);
        }
        wait_words_end(diagnosis->descriptor, diagnosis->socket, diagnosis->peer, words.end);
        return words;
}

static const char *connections(uint64_t amount)
{
        return amount == 1 ? "connection" : "connections";
}

/* "... while 3 connections of set 5 have not been served, the oldest for at least 4.0 s" */
static void write_unserved(char out[static DIAGNOSIS_TEXT_MAX], const Diagnosis *diagnosis,
                           const char *what)
{
        const uint64_t oldest_ms = diagnosis->oldest_ms > diagnosis->since_ms ? diagnosis->oldest_ms
                                                                              : diagnosis->since_ms;
        char oldest[WAIT_SECONDS_MAX];

        wait_words_seconds(oldest_ms, oldest);
        snprintf(out, DIAGNOSIS_TEXT_MAX,
                 "%s, while %" PRIu64
                 " %s of its epoll set %d %s not been served, the oldest for at "
                 "least %s",
                 what, diagnosis->amount, connections(diagnosis->amount), diagnosis->set,
                 diagnosis->amount == 1 ? "has" : "have", oldest);
}

static void write_blocked(char out[static DIAGNOSIS_TEXT_MAX], const Diagnosis *diagnosis,
                          const Words *words)
{
        char call[WAIT_CALL_MAX], where[64] = "", what[WAIT_END_MAX + 160];

        if (diagnosis->loop.number >= 0)
                snprintf(where, sizeof(where), " on descriptor %d", diagnosis->loop.number);
        snprintf(what, sizeof(what), "has slept in %s%s%s for at least %s",
                 wait_words_call(diagnosis->loop.call, call), where, words->end, words->since);
        write_unserved(out, diagnosis, what);
}

static void write_running(char out[static DIAGNOSIS_TEXT_MAX], const Diagnosis *diagnosis,
                          const Words *words)
{
        char what[128];

        snprintf(what, sizeof(what), "%s for at least %s, and had %u %% of a processor",
                 diagnosis->kind == DIAGNOSIS_BUSY ? "has run without a pause"
                                                   : "has wanted to run without a pause",
                 words->since, diagnosis->loop.percent);
        write_unserved(out, diagnosis, what);
}

static void write_backlog(char out[static DIAGNOSIS_TEXT_MAX], const Diagnosis *diagnosis,
                          const Words *words)
{
        const uint32_t limit = diagnosis->socket ? diagnosis->socket->send_queue : 0;

        snprintf(out, DIAGNOSIS_TEXT_MAX,
                 "%" PRIu64
                 " %s wait%s at %s (descriptor %d) to be accepted, the oldest for at least "
                 "%s; the backlog of %" PRIu32 "%s",
                 diagnosis->amount, connections(diagnosis->amount),
                 diagnosis->amount == 1 ? "s" : "",
                 *words->local ? words->local : "a socket without a name", diagnosis->number,
                 words->since, limit,
                 diagnosis->kind == DIAGNOSIS_BACKLOG_FULL ? " is full" : " has room");
}

static void write_not_reading(char out[static DIAGNOSIS_TEXT_MAX], const Diagnosis *diagnosis,
                              const Words *words)
{
        char unread[64] = "", program[WAIT_PROGRAM_MAX + 16] = "", name[WAIT_PROGRAM_MAX];

        if (diagnosis->peer)
                snprintf(program, sizeof(program), ", which is %s",
                         wait_words_program(diagnosis->peer, name));
        if (diagnosis->peer_socket)
                snprintf(unread, sizeof(unread), " and has %" PRIu32 " bytes unread there",
                         diagnosis->peer_socket->receive_queue);
        snprintf(out, DIAGNOSIS_TEXT_MAX,
                 "%s%s%s%s has taken none of %" PRIu64
                 " bytes from %s (descriptor %d) for at least %s",
                 words->peer, program, unread, *program || *unread ? "," : "", diagnosis->amount,
                 words->local, diagnosis->number, words->since);
}

const char *diagnosis_text_sentence(const Diagnosis *diagnosis, pid_t pid,
                                    char buffer[static DIAGNOSIS_TEXT_MAX])
{
        const Words words = words_of(diagnosis);

        switch (diagnosis->kind) {
        case DIAGNOSIS_STOPPED:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "stopped by a signal for at least %s; kill -CONT %d lets it go on",
                         words.since, (int)pid);
                break;
        case DIAGNOSIS_TRACED:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX, "stopped by a debugger for at least %s",
                         words.since);
                break;
        case DIAGNOSIS_BLOCKED:
                write_blocked(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_BUSY:
        case DIAGNOSIS_STARVED:
                write_running(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_BACKLOG_FULL:
        case DIAGNOSIS_NOT_ACCEPTED:
                write_backlog(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_UNREAD:
                snprintf(
                        buffer, DIAGNOSIS_TEXT_MAX,
                        "%" PRIu64 " bytes from %s to %s (descriptor %d) have not been read for at "
                        "least %s, and who waits for set %d sleeps: the set is edge-triggered, and "
                        "tells only when more come",
                        diagnosis->amount, words.peer, words.local, diagnosis->number, words.since,
                        diagnosis->set);
                break;
        case DIAGNOSIS_PEER_NOT_READING:
                write_not_reading(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_NOT_CLOSED:
        default:
                snprintf(
                        buffer, DIAGNOSIS_TEXT_MAX,
                        "%s closed its connection to %s at least %s ago; that was read, nothing is "
                        "being sent, and descriptor %d is still open",
                        words.peer, words.local, words.since, diagnosis->number);
                break;
        }
        return buffer;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *text_or_null(const char *text)
{
        return *text ? json_string(text) : json_null();
}

static json_t *number_or_null(int number)
{
        return number >= 0 ? json_integer(number) : json_null();
}

json_t *diagnosis_text_object(const Diagnosis *diagnosis, pid_t pid)
{
        const Words words = words_of(diagnosis);
        char sentence[DIAGNOSIS_TEXT_MAX];
        json_t *object = json_object();

        output_add_text(&object, "kind", kinds[diagnosis->kind].name);
        output_add_text(&object, "sentence", diagnosis_text_sentence(diagnosis, pid, sentence));
        output_add_number(&object, "since_ms", diagnosis->since_ms);
        output_add(&object, "set", number_or_null(diagnosis->set));
        output_add(&object, "descriptor", number_or_null(diagnosis->number));
        output_add_number(&object, "amount", diagnosis->amount);
        output_add(&object, "local", text_or_null(words.local));
        output_add(&object, "peer", text_or_null(words.peer));
        output_add(&object, "peer_pid",
                   number_or_null(diagnosis->peer ? diagnosis->peer->pid : -1));
        return object;
}
