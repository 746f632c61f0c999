/*
 * kyron-iod as whoever types its name sees it: words in, exit status and two texts out. For what
 * daemon.h does not do: starts that fail, the background, other users, what a service manager
 * passes. These end the test when a run cannot be made; the program dies with its test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PROGRAM_TEXT_MAX = 8192 };

typedef struct Program {
        pid_t pid;
        int out_fd; /* files of what it wrote, unlinked */
        int err_fd;
        char out[PROGRAM_TEXT_MAX]; /* as of the last program_read() or program_wait() */
        char err[PROGRAM_TEXT_MAX];
} Program;

/* Starts it with these words, which end with NULL. prepare, unless NULL, runs in the process
 * before: it may change environment, limits, descriptors and user, and must not use check. */
void program_start(Program *program, const char *const *words, void (*prepare)(void));
/* Reads what it has written until now. Its log is written by a thread: a line may come later than
 * what it is about. */
void program_read(Program *program);
/* Reads, and returns whether this is in what it has written to standard error until now. */
bool program_has_said(Program *program, const char *text);
/* Waits until it is. */
void program_await_said(Program *program, const char *text);
/* Waits for its end and reads. Returns the exit status; a signal that ended it fails the test. */
int program_wait(Program *program);
/* SIGTERM; it has to end with 0. */
void program_stop(Program *program);

/* A run to its end, with words to a closing NULL. */
#define PROGRAM_RUN(program, prepare, ...)                                                         \
        ({                                                                                         \
                program_start((program), (const char *const[]){__VA_ARGS__, NULL}, (prepare));     \
                program_wait(program);                                                             \
        })

/* Whether program_wait() would not wait. */
bool program_has_ended(const Program *program);

/* Runs it in the foreground with this socket, and checks that it fails with exit status 1 and with
 * this sentence, alone. */
void program_expect_failure(const char *socket_path, void (*prepare)(void), const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Starts it in the foreground with this socket and waits until it serves. It logs warnings. */
void program_serve(Program *program, const char *socket_path, void (*prepare)(void));

/* Whether a client gets a session there, now. */
bool program_serves(const char *socket_path);
/* Waits until one does. */
void program_await_serving(const char *socket_path);

/* A directory of its own, where anybody may make files, for the runs that become nobody; and the
 * path of a socket there. It is the caller's to end with remove_temp_dir(). */
char *program_make_directory(char *socket_path, size_t size);

/* Around a case, once for all of its tests: what goes into the background is reaped, and ended if
 * it is left. */
void program_adopt_orphans(void);
void program_end_orphans(void);

/* For prepare: become a user without rights, where root runs the tests. */
void become_nobody(void);
