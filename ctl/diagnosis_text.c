/* Diagnoses in words. See diagnosis_text.h. */
#include "ctl/diagnosis_text.h"

#include "ctl/output.h"

#include <stdio.h>

static const struct {
        const char *word;
        const char *name; /* in JSON */
} kinds[DIAGNOSIS_KINDS] = {
        [DIAGNOSIS_STOPPED] = {"stopped", "stopped"},
        [DIAGNOSIS_TRACED] = {"traced", "traced"},
        [DIAGNOSIS_LOCKED] = {"locked", "locked"},
        [DIAGNOSIS_BLOCKED] = {"blocked", "blocked"},
        [DIAGNOSIS_SPINNING] = {"spinning", "spinning"},
        [DIAGNOSIS_BUSY] = {"busy", "busy"},
        [DIAGNOSIS_STARVED] = {"starved", "starved"},
        [DIAGNOSIS_NOBODY_WAITS] = {"nobody", "nobody-waits"},
        [DIAGNOSIS_BACKLOG_FULL] = {"full", "backlog-full"},
        [DIAGNOSIS_BACKLOG_GROWS] = {"growing", "backlog-grows"},
        [DIAGNOSIS_NOT_ACCEPTED] = {"backlog", "not-accepted"},
        [DIAGNOSIS_UNREAD] = {"unread", "unread"},
        [DIAGNOSIS_LATE_TIMER] = {"timer", "late-timer"},
        [DIAGNOSIS_STALE] = {"stale", "stale-entry"},
        [DIAGNOSIS_PEER_NOT_READING] = {"peer", "peer-not-reading"},
        [DIAGNOSIS_PEER_SILENT] = {"silent", "peer-silent"},
        [DIAGNOSIS_NOT_CLOSED] = {"unclosed", "not-closed"},
        [DIAGNOSIS_SESSION_UNREAD] = {"untaken", "session-unread"},
        [DIAGNOSIS_NO_CREDIT] = {"credit", "no-credit"},
        [DIAGNOSIS_NO_BUDGET] = {"budget", "no-budget"},
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
        char sentence[DIAGNOSIS_TEXT_MAX], local[SOCKET_ADDRESS_TEXT_MAX] = "";
        char peer[SOCKET_ADDRESS_TEXT_MAX] = "";
        json_t *object = json_object();

        if (diagnosis->socket) {
                socket_local_text(diagnosis->socket, local);
                socket_peer_text(diagnosis->socket, peer);
        }
        output_add_text(&object, "kind", kinds[diagnosis->kind].name);
        output_add_text(&object, "sentence", diagnosis_text_sentence(diagnosis, pid, sentence));
        output_add_number(&object, "since_ms", diagnosis->since_ms);
        output_add(&object, "set", number_or_null(diagnosis->set));
        output_add(&object, "descriptor", number_or_null(diagnosis->number));
        output_add(&object, "session",
                   diagnosis->session > 0 ? json_integer((json_int_t)diagnosis->session)
                                          : json_null());
        output_add_number(&object, "amount", diagnosis->amount);
        output_add(&object, "local", text_or_null(local));
        output_add(&object, "peer", text_or_null(peer));
        output_add(&object, "peer_pid",
                   number_or_null(diagnosis->peer ? diagnosis->peer->pid : -1));
        return object;
}
