/*
 * Verbs: each is one file with one function, which asks the daemon and prints the answer. It
 * returns an exit code; unless that is EXIT_CODE_OK, error_text() has the sentence for standard
 * error, which main() writes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* As in kyronctl(1). */
typedef enum ExitCode {
        EXIT_CODE_OK = 0,
        EXIT_CODE_FAILED = 1,
        EXIT_CODE_USAGE = 2,
        EXIT_CODE_UNREACHABLE = 3,
        EXIT_CODE_DENIED = 4,
        EXIT_CODE_NOT_FOUND = 5,
} ExitCode;

typedef struct CommandLine {
        const char *socket_path; /* never NULL */
        uint64_t session;        /* --session; 0: every one */
        bool json;
        bool no_legend;
} CommandLine;

ExitCode verb_status(const CommandLine *command_line);
ExitCode verb_sessions(const CommandLine *command_line);
ExitCode verb_registrations(const CommandLine *command_line);
ExitCode verb_version(const CommandLine *command_line);
