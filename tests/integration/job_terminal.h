/*
 * JobTerminal: a terminal with one job in its foreground, as a shell has it: keys are typed into
 * it, signals and other sizes come to the job, and what it shows is read. Functions end the test
 * when something cannot be done.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

typedef struct JobTerminal {
        int master;
        int slave; /* kept open, so that the terminal outlives the job */
        int reports;
        pid_t shell; /* starts the job and tells what becomes of it */
        pid_t job;
        struct termios before; /* as the job found it */
        size_t length;
        size_t mark; /* what is looked for comes after it */
        char *text;  /* all that the job has shown */
} JobTerminal;

/* Starts kyronctl with these words, which end with NULL. */
void job_terminal_open(JobTerminal *terminal, int rows, int columns, const char *const *words);
void job_terminal_close(JobTerminal *terminal);

void job_terminal_type(JobTerminal *terminal, const char *keys);
void job_terminal_resize(JobTerminal *terminal, int rows, int columns);

/* From now on only what comes later counts. */
void job_terminal_forget(JobTerminal *terminal);
/* Waits until a picture since then has this in it. */
bool job_terminal_shows(JobTerminal *terminal, const char *text);
/* The last picture that is there as a whole, without escape sequences, for free(). */
char *job_terminal_picture(JobTerminal *terminal);

/* Waits until the job ends, or stops, and returns its status as wait() has it. */
int job_terminal_wait(JobTerminal *terminal);
/* Whether the terminal is as the job found it, and the alternate screen left. */
bool job_terminal_is_as_before(JobTerminal *terminal);
