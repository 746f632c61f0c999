/*
 * WaitWatch: diagnoses of the machine's waits that begin and that end, told as lines. Every look
 * takes a sample, and what both it and the one before show is compared with what was told so far.
 *
 * A process that cannot be looked at for once keeps what was told of it. What this user may not see
 * is said once, on standard error, as wait_view.h does it.
 */
#pragma once

#include "ctl/happening_text.h"
#include "ctl/query.h"

enum {
        /* Diagnoses that are followed; more are not told of. */
        WAIT_WATCH_MAX = 4096,
};

typedef struct WaitWatch WaitWatch;

/* Takes the first sample. EXIT_CODE_OK, or EXIT_CODE_FAILED with error_text(). */
ExitCode wait_watch_open(WaitWatch **out, const CommandLine *command_line);
WaitWatch *wait_watch_close(WaitWatch *watch);

/* Takes another, and writes what has begun and ended since the last look. query: to a daemon whose
 * sessions count, which must have no subscription; NULL: there is none. As above. */
ExitCode wait_watch_look(WaitWatch *watch, Query *query, HappeningText *out);
