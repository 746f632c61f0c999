/*
 * What happens, in a line for people or a JSON object for programs, to standard output; flushed by
 * the caller. All text is printable.
 */
#pragma once

#include "ctl/user_name.h"
#include "ctl/verb.h"
#include "proto/iod.pb-c.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct HappeningText {
        bool json;
        UserName user;
} HappeningText;

/* The kind that a word names; KIND_UNKNOWN: none. */
Iod__Kind happening_text_kind(const char *word);

/* Each writes one line. EXIT_CODE_OK, or EXIT_CODE_FAILED with error_text(). */
ExitCode happening_text_write(HappeningText *out, const Iod__Happening *happening);
/* So many that were not read in time, now. */
ExitCode happening_text_write_lost(HappeningText *out, uint64_t lost);
/* A wait to worry about begins or ends, as a word: of a process, in words and as an object. */
typedef struct HappeningTextWait {
        pid_t pid;
        uint32_t uid;
        const char *program;
        const char *text;
        json_t *lent_diagnosis;
} HappeningTextWait;
ExitCode happening_text_write_wait(HappeningText *out, const char *word,
                                   const HappeningTextWait *wait);
/* Something that the daemon cannot tell itself, now: what, as a word ("away") and in words. */
ExitCode happening_text_write_outage(HappeningText *out, const char *word, const char *text);
