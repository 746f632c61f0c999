/* Diagnoses in short. See diagnosis_clause.h. */
#include "ctl/diagnosis_clause.h"

#include "ctl/wait_words.h"

#include <inttypes.h>
#include <stdio.h>

const char *diagnosis_clause(const Diagnosis *diagnosis, char buffer[static DIAGNOSIS_TEXT_MAX])
{
        const uint64_t amount = diagnosis->amount;
        const char *connections = amount == 1 ? "connection" : "connections";
        char since[WAIT_SECONDS_MAX], call[WAIT_CALL_MAX], peer[SOCKET_ADDRESS_TEXT_MAX] = "";

        wait_words_seconds(diagnosis->since_ms, since);
        if (diagnosis->socket)
                socket_peer_text(diagnosis->socket, peer);
        switch (diagnosis->kind) {
        case DIAGNOSIS_STOPPED:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX, "has been stopped by a signal for at least %s",
                         since);
                break;
        case DIAGNOSIS_TRACED:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has been stopped by a debugger for at least %s", since);
                break;
        case DIAGNOSIS_BLOCKED:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX, "has slept in %s for at least %s",
                         wait_words_call(diagnosis->loop.call, call), since);
                break;
        case DIAGNOSIS_BUSY:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has been running its own code for at least %s", since);
                break;
        case DIAGNOSIS_STARVED:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has wanted to run for at least %s, and had %u %% of a processor", since,
                         diagnosis->loop.percent);
                break;
        case DIAGNOSIS_BACKLOG_FULL:
        case DIAGNOSIS_NOT_ACCEPTED:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has %" PRIu64 " %s not accepted, the oldest for at least %s", amount,
                         connections, since);
                break;
        case DIAGNOSIS_UNREAD:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has not read %" PRIu64 " bytes from %s for at least %s", amount, peer,
                         since);
                break;
        case DIAGNOSIS_PEER_NOT_READING:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has %" PRIu64 " bytes that %s has not taken for at least %s", amount,
                         peer, since);
                break;
        case DIAGNOSIS_NOT_CLOSED:
        default:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has not closed a connection that %s closed at least %s ago", peer, since);
                break;
        }
        return buffer;
}
