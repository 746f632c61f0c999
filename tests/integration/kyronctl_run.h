/*
 * Runs of kyronctl as its users see it: words in, two texts and an exit status out. These end the
 * test when a run cannot be made.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct KyronctlSetup {
        const char *socket_path; /* for --socket; NULL: left out */
        int terminal_columns;    /* 0: standard output is no terminal */
        const char *output_path; /* standard output goes here; NULL: into the run */
        bool without_output;     /* standard output is closed */
        bool as_another_user;    /* needs root */
        bool ignores_interrupts; /* as in the background of a script */
} KyronctlSetup;

typedef struct KyronctlRun {
        int exit_status; /* 126: it could not be started; -SIGINT: by that */
        char *out;
        char *err;
} KyronctlRun;

/* The program: $KYRONCTL, else $KYRON_BUILD_DIR/kyronctl, else ./kyronctl. */
const char *kyronctl_program(void);

/* words end with NULL. The run is to be released. */
KyronctlRun kyronctl_run(const KyronctlSetup *setup, const char *const *words);
void kyronctl_run_release(KyronctlRun *run);

/* A run with these words; NULL for none. */
#define RUN(setup, ...) kyronctl_run((setup), (const char *const[]){__VA_ARGS__, NULL})

/* Its output as JSON, which it has to be; for json_decref(). */
json_t *kyronctl_run_json(const KyronctlRun *run);

/* Ends the test unless it succeeded without a word on standard error. */
void kyronctl_run_succeeded(const KyronctlRun *run);
/* Ends the test unless it failed with this exit status, no output, and one line on standard error
 * that has this in it. */
void kyronctl_run_failed(const KyronctlRun *run, int exit_status, const char *text);

/* How many characters the longest line has, and how many lines there are. */
size_t kyronctl_text_width(const char *text);
size_t kyronctl_count_lines(const char *text);

/* The object of an array whose member key is number; NULL when there is none. */
json_t *kyronctl_json_find(json_t *array, const char *key, uint64_t number);
/* End the test unless an object's member is this text, this number, an array of these words (as
 * "readable writable"). */
void kyronctl_json_check_text(const json_t *object, const char *key, const char *expected);
void kyronctl_json_check_number(const json_t *object, const char *key, uint64_t expected);
void kyronctl_json_check_words(const json_t *object, const char *key, const char *expected);

void cleanup_json(json_t **value);
