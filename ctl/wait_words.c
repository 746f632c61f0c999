/* Words about waits. See wait_words.h. */
#include "ctl/wait_words.h"

#include "ctl/output.h"
#include "waits/system_call.h"

#include <inttypes.h>
#include <stdio.h>

const char *wait_words_seconds(uint64_t ms, char buffer[static WAIT_SECONDS_MAX])
{
        snprintf(buffer, WAIT_SECONDS_MAX, "%" PRIu64 ".%" PRIu64 " s", ms / 1000, ms % 1000 / 100);
        return buffer;
}

const char *wait_words_call(int64_t call, char buffer[static WAIT_CALL_MAX])
{
        const char *name = system_call_name(call);

        snprintf(buffer, WAIT_CALL_MAX, "system call %" PRId64, call);
        return name ? name : buffer;
}

const char *wait_words_program(const Process *process, char buffer[static WAIT_PROGRAM_MAX])
{
        snprintf(buffer, WAIT_PROGRAM_MAX, "%s %d", process->stat.name, (int)process->pid);
        output_make_printable(buffer);
        return buffer;
}

const char *wait_words_end(const Descriptor *descriptor, const Socket *socket, const Process *peer,
                           char buffer[static WAIT_END_MAX])
{
        char program[WAIT_PROGRAM_MAX] = "", address[SOCKET_ADDRESS_TEXT_MAX];

        *buffer = '\0';
        if (peer)
                wait_words_program(peer, program);
        if (descriptor && descriptor->kind == DESCRIPTOR_PIPE) {
                snprintf(buffer, WAIT_END_MAX, ", a pipe%s%s",
                         !peer                ? ""
                         : descriptor->writes ? " to "
                                              : " from ",
                         program);
        } else if (socket && socket->kind == SOCKET_UNIX) {
                snprintf(buffer, WAIT_END_MAX, ", a Unix socket%s%s", peer ? " to " : "", program);
        } else if (socket) {
                socket_peer_text(socket, address);
                snprintf(buffer, WAIT_END_MAX, "%s%s%s%s", *address ? ", connected to " : "",
                         address, peer ? ", which is " : "", program);
        }
        return buffer;
}
