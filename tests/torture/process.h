/*
 * A program that a torture runs: as an ordinary user, its words in a log, its output line by line.
 * It dies with the torture.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
        PROCESS_LINE_MAX = 4096,
        PROCESS_CANNOT = 77, /* the exit status of what cannot be done on this machine */
};

typedef struct Process {
        pid_t pid; /* 0: it does not run */
        int out_fd;
} Process;

/* Starts words, which end with NULL. user (uid_t)-1: the torture's own; else that one, without any
 * capability. What it says goes to the end of log_path. */
void process_start(Process *process, const char *const *words, uid_t user, const char *log_path);

/* The next line it writes, without its end; false when it writes none within ms. */
bool process_read_line(Process *process, char line[static PROCESS_LINE_MAX], int ms);
/* Waits for the line "ready". */
bool process_is_ready(Process *process, int ms);
/* The next line, as JSON: the caller's, or NULL. */
json_t *process_read_json(Process *process, int ms);

/* Waits for its end and returns its exit status; -1 a signal ended it, or it had to be killed. */
int process_wait(Process *process, int ms);
/* SIGTERM, and then as above. */
int process_stop(Process *process, int ms);
/* SIGKILL, if it runs. */
void process_kill(Process *process);

/* What goes wrong with the torture itself ends it, with a sentence. */
_Noreturn void torture_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
