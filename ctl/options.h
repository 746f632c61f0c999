/*
 * The table of options, and what a command line comes to.
 */
#pragma once

#include "ctl/verbs.h"

typedef struct Option {
        const char *name;     /* behind "--" */
        char letter;          /* behind "-"; 0: none */
        const char *argument; /* in words; NULL: it takes none */
        unsigned takes;       /* of which verbs; 0: of all */
        /* What is given; NULL: the flag of the command line at this offset is set. */
        ExitCode (*read)(CommandLine *command_line, const char *argument);
        size_t flag;
        const char *help; /* more lines follow "\n" */
} Option;

/* By their place in the table; NULL behind the last. */
const Option *options_at(size_t i);
/* Whether the option goes with the verb. */
bool option_goes_with(const Option *option, const Verb *verb);

/* Reads a command line. *verb is NULL if none was named, and that is all right. EXIT_CODE_OK, or
 * another exit code with error_text(). Where help or the version was asked for, that is all that
 * is to be done. */
ExitCode options_read(CommandLine *out, const Verb **verb, int argc, char **argv);
