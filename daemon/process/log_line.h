/* A line of the log, as it is written: where to, says log_output.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes of its text, with the zero: of an error's sentence, and who it is about. */
enum { LOG_TEXT_MAX = 640 };

typedef struct LogLine {
        int level;
        int64_t owner; /* see log_shares.h */
        /* About a session, which the journal is told in fields, too; else 0. */
        uint64_t session;
        pid_t pid;
        uid_t uid;
        char text[LOG_TEXT_MAX];
} LogLine;
