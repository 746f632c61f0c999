/*
 * NotDone: the requests of a session that were not done, by why: refused, since the daemon would
 * not; failed, since it tried and could not; cancelled, since the client wanted it no more. And
 * what was said of the last one but for those cancelled, for operators to read.
 */
#pragma once

#include "proto/frame.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Session Session;
typedef struct Sessions Sessions;

typedef enum NotDoneWhy {
        NOT_DONE_REFUSED,
        NOT_DONE_FAILED,
        NOT_DONE_CANCELLED,
        NOT_DONE_COUNT,
} NotDoneWhy;

typedef struct NotDone {
        uint64_t counts[NOT_DONE_COUNT];
        int error;      /* of the last one, a positive errno; 0: there was none */
        bool failed;    /* else refused */
        uint64_t at_ms; /* CLOCK_MONOTONIC */
        char *text;     /* owned, of FRAME_TEXT_MAX bytes; NULL: there was none yet */
} NotDone;

/* Why a request was not done at once, by its error: a positive errno. */
NotDoneWhy not_done_why(int error);
/* Counts so many, with the session and with all of them; the sentence is of the first. */
void not_done_note(Session *session, NotDoneWhy why, uint64_t n, int error, const char *text);
void not_done_free(NotDone *not_done);
/* The same of a session that is not to be, or that has ended. */
void not_done_note_stranger(Sessions *sessions);
