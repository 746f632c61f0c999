/*
 * Successor: the program that a handover puts in this one's place. It is asked before, running
 * apart with --check-state, and has to answer with what only a kyron-iod can know that has read the
 * state (handover_answer.h): an exit status alone says nothing. What is executed then is the file
 * that was asked.
 *
 * Its path may be on a file system that does not answer, so it is found and started on a thread.
 * Nobody waits for its end but the loop, by process_fd.
 */
#pragma once

#include "core/error.h"
#include "daemon/blocking/blocking_pool.h"
#include "daemon/config/options.h"

#include <sys/stat.h>

typedef struct Successor {
        BlockingTask task;      /* first */
        const Options *options; /* the process's */
        char **argv;
        int state_fd; /* what it is given; -1 once it runs */
        int answer_fd;
        /* What came of it. */
        struct stat file;
        pid_t pid;
        int process_fd; /* -1: it does not run */
        int error;      /* -errno */
        char why[ERROR_TEXT_MAX];
        /* Who is told on the loop that it runs, or that it does not: error, why. NULL: nobody any
         * more. */
        void (*started)(struct Successor *successor, void *data);
        void *data;
} Successor;

/* Finds the program that this one was started by, and asks it. 0, and started is called; or -errno
 * with error_text(). The descriptors are taken in any case. */
int successor_ask(Successor **out, BlockingPool *pool, const Options *options, int take_state_fd,
                  int take_answer_fd, void (*started)(Successor *successor, void *data),
                  void *data);
/* Ends it if it runs. */
void successor_kill(const Successor *successor);
/* After its end: 0 it has ended well, or -errno with error_text(). */
int successor_reap(const Successor *successor);
/* Nobody asks it any more. Returns NULL. */
Successor *successor_forget(Successor *successor);

/* Whether the path still leads to the file that was asked: 0, or -errno with error_text(). */
int successor_check(const Successor *successor);
/* Executes it in this process, with all descriptors that stay open, if its file is the one that was
 * asked. Returns only if that fails: -errno with error_text(). */
int successor_execute(const Successor *successor, int borrow_state_fd);

/* The arguments of this program as the next one is to have them: with the configuration's path as
 * it was meant in the directory of then. Up to two more: more, value; or NULL. The array is the
 * caller's, and what is in it the options'. NULL: no memory. */
char **successor_arguments(const Options *options, const char *more, const char *value);
