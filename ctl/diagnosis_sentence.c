/* What diagnoses say, with their evidence. See diagnosis_text.h. */
#include "ctl/diagnosis_text.h"
#include "ctl/wait_words.h"

#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>

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
        char before[64] = "";

        if (diagnosis->kind == DIAGNOSIS_BACKLOG_GROWS)
                snprintf(before, sizeof(before), ", and %" PRIu64 " waited a moment before",
                         diagnosis->amount_before);
        snprintf(out, DIAGNOSIS_TEXT_MAX,
                 "%" PRIu64
                 " %s wait%s at %s (descriptor %d) to be accepted, the oldest for at least "
                 "%s; the backlog of %" PRIu32 "%s%s",
                 diagnosis->amount, connections(diagnosis->amount),
                 diagnosis->amount == 1 ? "s" : "",
                 *words->local ? words->local : "a socket without a name", diagnosis->number,
                 words->since, limit,
                 diagnosis->kind == DIAGNOSIS_BACKLOG_FULL ? " is full" : " has room", before);
}

/* The end of a connection is as ready as its bytes are. */
static void write_spinning(char out[static DIAGNOSIS_TEXT_MAX], const Diagnosis *diagnosis,
                           const Words *words)
{
        const uint32_t bytes = diagnosis->socket ? diagnosis->socket->receive_queue : 0;
        char what[64] = "its end";

        if (bytes > 0)
                snprintf(what, sizeof(what), "the %" PRIu32 " bytes that it has", bytes);
        snprintf(out, DIAGNOSIS_TEXT_MAX,
                 "has run without a pause for at least %s, %u %% of that in the kernel, and nobody "
                 "took %s from descriptor %d%s: epoll set %d is level-triggered, and tells of it "
                 "as often as it is asked",
                 words->since, diagnosis->loop.kernel_percent, what, diagnosis->number, words->end,
                 diagnosis->set);
}

static void write_unread(char out[static DIAGNOSIS_TEXT_MAX], const Diagnosis *diagnosis,
                         const Words *words)
{
        char what[64] = "datagrams";

        if (diagnosis->socket && diagnosis->socket->kind == SOCKET_TCP)
                snprintf(what, sizeof(what), "%" PRIu64 " bytes", diagnosis->amount);
        snprintf(out, DIAGNOSIS_TEXT_MAX,
                 "%s%s%s to %s (descriptor %d) have not been read for at least %s, and who waits "
                 "for set %d sleeps: the set is edge-triggered, and tells only when more come",
                 what, *words->peer ? " from " : "", words->peer, words->local, diagnosis->number,
                 words->since, diagnosis->set);
}

static void write_late(char out[static DIAGNOSIS_TEXT_MAX], const Diagnosis *diagnosis,
                       const Words *words)
{
        char call[WAIT_CALL_MAX], why[160];

        if (diagnosis->loop.state == LOOP_BLOCKED)
                snprintf(why, sizeof(why), "it has slept in %s meanwhile",
                         wait_words_call(diagnosis->loop.call, call));
        else
                snprintf(why, sizeof(why),
                         "who waits for set %d sleeps: it is edge-triggered, and a timer that is "
                         "not read tells no more",
                         diagnosis->set);
        snprintf(out, DIAGNOSIS_TEXT_MAX,
                 "its timer (descriptor %d), set to expire every %" PRIu64
                 " ms, has expired and not been read for at least %s; %s",
                 diagnosis->number, diagnosis->amount, words->since, why);
}

static void write_stale(char out[static DIAGNOSIS_TEXT_MAX], const Diagnosis *diagnosis,
                        const Words *words)
{
        snprintf(out, DIAGNOSIS_TEXT_MAX,
                 "its epoll set %d has had %" PRIu64
                 " %s for at least %s whose descriptor was closed, while the file is open "
                 "elsewhere: descriptor %d%s%s is %s",
                 diagnosis->set, diagnosis->amount, diagnosis->amount == 1 ? "entry" : "entries",
                 words->since, diagnosis->number, *words->peer ? ", once connected to " : "",
                 words->peer, diagnosis->descriptor ? "another file now" : "closed");
}

static void write_silent(char out[static DIAGNOSIS_TEXT_MAX], const Diagnosis *diagnosis,
                         const Words *words)
{
        const unsigned resent = diagnosis->socket ? diagnosis->socket->resent : 0;

        if (diagnosis->socket && diagnosis->socket->state == TCP_SYN_SENT)
                snprintf(out, DIAGNOSIS_TEXT_MAX,
                         "%s has not answered the connection from %s (descriptor %d) for at least "
                         "%s, and was asked %u times again",
                         words->peer, words->local, diagnosis->number, words->since, resent);
        else
                snprintf(out, DIAGNOSIS_TEXT_MAX,
                         "nothing has come from %s for at least %s, and it was sent the first of "
                         "%" PRIu64 " bytes from %s (descriptor %d) %u times again",
                         words->peer, words->since, diagnosis->amount, words->local,
                         diagnosis->number, resent);
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

static void write_session(char out[static DIAGNOSIS_TEXT_MAX], const Diagnosis *diagnosis,
                          const Words *words)
{
        switch (diagnosis->kind) {
        case DIAGNOSIS_SESSION_UNREAD:
                snprintf(out, DIAGNOSIS_TEXT_MAX,
                         "session %" PRIu64 " has read nothing of what kyron-iod sent it for at "
                         "least %s, and is told nothing more until it does",
                         diagnosis->session, words->since);
                break;
        case DIAGNOSIS_NO_CREDIT:
                snprintf(out, DIAGNOSIS_TEXT_MAX,
                         "session %" PRIu64 " has used up its credit at listener %s for at least "
                         "%s: it has %" PRIu64 " connections in hand, others wait, and no worker "
                         "may be given one",
                         diagnosis->session, diagnosis->name, words->since, diagnosis->amount);
                break;
        default:
                snprintf(out, DIAGNOSIS_TEXT_MAX,
                         "session %" PRIu64 " has %" PRIu64
                         " registrations, as many as it may, and "
                         "was refused more within %s",
                         diagnosis->session, diagnosis->amount, words->since);
                break;
        }
}

const char *diagnosis_text_sentence(const Diagnosis *diagnosis, pid_t pid,
                                    char buffer[static DIAGNOSIS_TEXT_MAX])
{
        const Words words = words_of(diagnosis);
        char what[128];

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
        case DIAGNOSIS_LOCKED:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "listing its epoll set %d has not come to an end in %s, twice: its lock "
                         "is held, and who waits for the set or adds to it waits for that",
                         diagnosis->set, words.since);
                break;
        case DIAGNOSIS_BLOCKED:
                write_blocked(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_SPINNING:
                write_spinning(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_BUSY:
        case DIAGNOSIS_STARVED:
                write_running(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_NOBODY_WAITS:
                snprintf(what, sizeof(what),
                         "all of its threads have slept elsewhere for at least %s", words.since);
                write_unserved(buffer, diagnosis, what);
                break;
        case DIAGNOSIS_BACKLOG_FULL:
        case DIAGNOSIS_BACKLOG_GROWS:
        case DIAGNOSIS_NOT_ACCEPTED:
                write_backlog(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_UNREAD:
                write_unread(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_LATE_TIMER:
                write_late(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_STALE:
                write_stale(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_PEER_NOT_READING:
                write_not_reading(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_PEER_SILENT:
                write_silent(buffer, diagnosis, &words);
                break;
        case DIAGNOSIS_NOT_CLOSED:
                snprintf(
                        buffer, DIAGNOSIS_TEXT_MAX,
                        "%s closed its connection to %s at least %s ago; that was read, nothing is "
                        "being sent, and descriptor %d is still open",
                        words.peer, words.local, words.since, diagnosis->number);
                break;
        default:
                write_session(buffer, diagnosis, &words);
                break;
        }
        return buffer;
}
