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
        case DIAGNOSIS_LOCKED:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX, "has had an epoll set locked for at least %s",
                         since);
                break;
        case DIAGNOSIS_SPINNING:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has been told again and again of what it does not take for at least %s",
                         since);
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
        case DIAGNOSIS_NOBODY_WAITS:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has not waited for its epoll set %d for at least %s", diagnosis->set,
                         since);
                break;
        case DIAGNOSIS_BACKLOG_FULL:
        case DIAGNOSIS_BACKLOG_GROWS:
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
        case DIAGNOSIS_LATE_TIMER:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX, "has not read its timer for at least %s",
                         since);
                break;
        case DIAGNOSIS_STALE:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has waited for descriptors that it closed for at least %s", since);
                break;
        case DIAGNOSIS_PEER_NOT_READING:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has %" PRIu64 " bytes that %s has not taken for at least %s", amount,
                         peer, since);
                break;
        case DIAGNOSIS_PEER_SILENT:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX, "has heard nothing from %s for at least %s",
                         peer, since);
                break;
        case DIAGNOSIS_SESSION_UNREAD:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has read nothing of what kyron-iod sent it for at least %s", since);
                break;
        case DIAGNOSIS_NO_CREDIT:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has used up its credit at listener %s for at least %s", diagnosis->name,
                         since);
                break;
        case DIAGNOSIS_NO_BUDGET:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has as many registrations as it may, and was refused more");
                break;
        case DIAGNOSIS_NOT_CLOSED:
        default:
                snprintf(buffer, DIAGNOSIS_TEXT_MAX,
                         "has not closed a connection that %s closed at least %s ago", peer, since);
                break;
        }
        return buffer;
}
