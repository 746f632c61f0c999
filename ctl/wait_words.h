/* What sentences about waits are made of. All text is printable. */
#pragma once

#include "waits/process.h"
#include "waits/socket_dump.h"

enum {
        WAIT_SECONDS_MAX = 32,
        WAIT_CALL_MAX = 32,
        WAIT_PROGRAM_MAX = PROCESS_NAME_MAX + 16,
        WAIT_END_MAX = WAIT_PROGRAM_MAX + SOCKET_ADDRESS_TEXT_MAX + 32,
};

/* "4.0 s" */
const char *wait_words_seconds(uint64_t ms, char buffer[static WAIT_SECONDS_MAX]);
/* "read", or "system call 17". */
const char *wait_words_call(int64_t call, char buffer[static WAIT_CALL_MAX]);
/* "node 901" */
const char *wait_words_program(const Process *process, char buffer[static WAIT_PROGRAM_MAX]);
/* What a descriptor is, and who has its other end: ", connected to 127.0.0.1:3000, which is node
 * 901", ", a pipe from cat 902"; "": that is not known. Each may be NULL. */
const char *wait_words_end(const Descriptor *descriptor, const Socket *socket, const Process *peer,
                           char buffer[static WAIT_END_MAX]);
