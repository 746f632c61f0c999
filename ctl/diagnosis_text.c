/* Diagnoses in words. See diagnosis_text.h. */
#include "ctl/diagnosis_text.h"

#include "ctl/output.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
        const char *word;
        const char *name; /* in JSON */
} kinds[DIAGNOSIS_KINDS] = {
        [DIAGNOSIS_STOPPED] = {"stopped", "stopped"},
        [DIAGNOSIS_TRACED] = {"traced", "traced"},
        [DIAGNOSIS_BACKLOG_FULL] = {"full", "backlog-full"},
        [DIAGNOSIS_NOT_ACCEPTED] = {"backlog", "not-accepted"},
        [DIAGNOSIS_UNREAD] = {"unread", "unread"},
        [DIAGNOSIS_NOT_CLOSED] = {"unclosed", "not-closed"},
};

const char *diagnosis_text_word(DiagnosisKind kind)
{
        return kinds[kind].word;
}

const char *diagnosis_text_loop(LoopState state)
{
        static const char *const words[] = {
                [LOOP_UNKNOWN] = "-",    [LOOP_ASLEEP] = "asleep",   [LOOP_WAITING] = "waits",
                [LOOP_RUNNING] = "runs", [LOOP_STOPPED] = "stopped",
        };

        return words[state];
}

static const char *connections(uint32_t amount)
{
        return amount == 1 ? "connection waits" : "connections wait";
}

const char *diagnosis_text_sentence(const Diagnosis *diagnosis, pid_t pid,
                                    char buffer[static DIAGNOSIS_TEXT_MAX])
{
        char local[SOCKET_ADDRESS_TEXT_MAX] = "", peer[SOCKET_ADDRESS_TEXT_MAX] = "", since[32];
        const uint32_t amount = diagnosis->amount;
        const uint32_t limit = diagnosis->socket ? diagnosis->socket->send_queue : 0;

        snprintf(since, sizeof(since), "%" PRIu64 ".%" PRIu64 " s", diagnosis->since_ms / 1000,
                 diagnosis->since_ms % 1000 / 100);
        if (diagnosis->socket) {
                socket_local_text(diagnosis->socket, local);
                socket_peer_text(diagnosis->socket, peer);
        }
        switch (diagnosis->kind) {
        case DIAGNOSIS_STOPPED:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "stopped by a signal for at least %s; kill -CONT %d lets it go on", since,
                         (int)pid);
                break;
        case DIAGNOSIS_TRACED:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX, "stopped by a debugger for at least %s",
                         since);
                break;
        case DIAGNOSIS_BACKLOG_FULL:
        case DIAGNOSIS_NOT_ACCEPTED:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "%" PRIu32 " %s at %s (descriptor %d) to be accepted, the oldest for at "
                         "least %s; the backlog of %" PRIu32 "%s",
                         amount, connections(amount), *local ? local : "a socket without a name",
                         diagnosis->number, since, limit,
                         diagnosis->kind == DIAGNOSIS_BACKLOG_FULL ? " is full" : " has room");
                break;
        case DIAGNOSIS_UNREAD:
                snprintf(
                        buffer, DIAGNOSIS_TEXT_MAX,
                        "%" PRIu32 " bytes from %s to %s (descriptor %d) have not been read for at "
                        "least %s, and who waits for set %d sleeps: the set is edge-triggered, and "
                        "tells only when more come",
                        amount, peer, local, diagnosis->number, since, diagnosis->set);
                break;
        case DIAGNOSIS_NOT_CLOSED:
        default:
                snprintf(
                        buffer, DIAGNOSIS_TEXT_MAX,
                        "%s closed its connection to %s at least %s ago; that was read, nothing is "
                        "being sent, and descriptor %d is still open",
                        peer, local, since, diagnosis->number);
                break;
        }
        return buffer;
}

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
        char local[SOCKET_ADDRESS_TEXT_MAX] = "", peer[SOCKET_ADDRESS_TEXT_MAX] = "";
        char sentence[DIAGNOSIS_TEXT_MAX];
        const Socket *socket = diagnosis->socket;
        json_t *object = json_object();

        if (socket) {
                socket_local_text(socket, local);
                socket_peer_text(socket, peer);
        }
        output_add_text(&object, "kind", kinds[diagnosis->kind].name);
        output_add_text(&object, "sentence", diagnosis_text_sentence(diagnosis, pid, sentence));
        output_add_number(&object, "since_ms", diagnosis->since_ms);
        output_add(&object, "set", number_or_null(diagnosis->set));
        output_add(&object, "descriptor", number_or_null(diagnosis->number));
        output_add_number(&object, "amount", diagnosis->amount);
        output_add(&object, "local", text_or_null(local));
        output_add(&object, "peer", text_or_null(peer));
        return object;
}
