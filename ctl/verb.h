/*
 * ctl/: kyronctl, one file a verb.
 *
 * Verbs: each is one file with one function, which asks the daemon and prints the answer. It
 * returns an exit code; unless that is EXIT_CODE_OK, error_text() has the sentence for standard
 * error, which main() writes. It is empty when the verb's output has said it already.
 */
#pragma once

#include "ctl/list_filter.h"

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
        EXIT_CODE_INTERRUPTED = 130, /* by SIGINT, which main() lets end kyronctl then */
} ExitCode;

enum { MONITOR_KINDS_MAX = 16 /* words for monitor */ };

typedef struct CommandLine {
        const char *socket_path; /* never NULL */
        char **arguments;        /* of the verb: as many as its row in ctl/verbs.c allows */
        int argument_count;
        uint64_t session;   /* --session; 0: every one */
        uint64_t timeout_s; /* --timeout; 0: none */
        const char *owner;  /* --of; NULL: nobody was named */
        const char *sort;   /* --sort; NULL: in the order of the list */
        uint64_t delay_s;   /* --delay; 0: as the verb likes */
        uint64_t count;     /* --count; 0: without an end */
        ListFilter filter;  /* --user, --pid, --port */
        bool undo;
        bool all;
        bool large;
        bool batch;
        bool json;
        bool no_legend;
        bool no_waits;
        bool wide;
        bool private_daemon; /* for main() alone, as are these: */
        bool help;
        bool version;
} CommandLine;

ExitCode verb_status(const CommandLine *command_line);
ExitCode verb_sessions(const CommandLine *command_line);
ExitCode verb_registrations(const CommandLine *command_line);
ExitCode verb_listeners(const CommandLine *command_line);
ExitCode verb_groups(const CommandLine *command_line);
ExitCode verb_holds(const CommandLine *command_line);
ExitCode verb_policy(const CommandLine *command_line);
ExitCode verb_pause(const CommandLine *command_line);
ExitCode verb_resume(const CommandLine *command_line);
ExitCode verb_end(const CommandLine *command_line);
ExitCode verb_close(const CommandLine *command_line);
ExitCode verb_show(const CommandLine *command_line);
ExitCode verb_users(const CommandLine *command_line);
ExitCode verb_drain(const CommandLine *command_line);
ExitCode verb_reload(const CommandLine *command_line);
ExitCode verb_waits(const CommandLine *command_line);
ExitCode verb_doctor(const CommandLine *command_line);
ExitCode verb_top(const CommandLine *command_line);
ExitCode verb_why(const CommandLine *command_line);
ExitCode verb_monitor(const CommandLine *command_line);
ExitCode verb_metrics(const CommandLine *command_line);
ExitCode verb_version(const CommandLine *command_line);
