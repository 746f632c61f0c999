/*
 * The table of verbs: what kyronctl can be told to do, with the words that help says of it.
 */
#pragma once

#include "ctl/verb.h"

#include <stddef.h>

/* The options that go with some verbs only; the others go with all. */
enum {
        TAKES_SESSION = 1 << 0,
        TAKES_TIMEOUT = 1 << 1,
        TAKES_UNDO = 1 << 2,
        TAKES_OWNER = 1 << 3,
        TAKES_ALL = 1 << 4,
        TAKES_LARGE = 1 << 5,
        TAKES_TABLE = 1 << 6, /* --sort and --wide */
        TAKES_USER = 1 << 7,
        TAKES_PID = 1 << 8,
        TAKES_PORT = 1 << 9,
        TAKES_NO_WAITS = 1 << 11,
        TAKES_TOP = 1 << 10, /* --delay, --batch and --count */
};

typedef struct Verb {
        const char *name;
        ExitCode (*run)(const CommandLine *command_line);
        unsigned options;
        int arguments_min;
        int arguments_max;
        const char *arguments; /* in words */
        const char *summary;   /* more lines follow "\n" */
        bool begins_group;     /* help has a line between */
} Verb;

/* By their place in the table; NULL behind the last. The first is what runs without a verb. */
const Verb *verbs_at(size_t i);
/* NULL with error_text(): there is none of this name. */
const Verb *verbs_find(const char *name);
