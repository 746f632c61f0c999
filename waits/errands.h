/*
 * Errands: reading of other processes that may hang, and not even be killed. Reading an epoll set
 * takes its lock, and its process can keep that for as long as it likes, with a file of a FUSE
 * server of its own; asking for a connection's times takes the socket's. So a child process does
 * it, one errand after the other. One that does not come to its end in time is killed, and left
 * behind where it does not die; another child goes on with the next.
 *
 * The child has nothing open but /dev/null and its pipe: whoever waits for the end of what we write
 * does not wait for it. It ends with us, as far as it can end at all.
 *
 * Not thread-safe: the process forks, and the child allocates.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
        /* After so many that hung the others are not run: each has cost its time. */
        ERRANDS_HUNG_MAX = 8,
};

/* What a child writes of an errand; see errand_write(). */
typedef struct ErrandOutput ErrandOutput;

typedef struct ErrandKind {
        int patience_ms;  /* for one, */
        int total_ms;     /* and for all of a run */
        size_t bytes_max; /* of what one finds */
        /* In the child. Returns 0 or -errno. */
        int (*run)(const void *data, size_t errand, ErrandOutput *output);
        /* In the caller, in order: what run() returned and wrote; or, without bytes, -ETIME: it
         * hung, -EAGAIN: it was not run, -ENOBUFS: it found more than bytes_max, -EIO, -ENOMEM. */
        void (*done)(void *data, size_t errand, int result, const void *bytes, size_t size);
} ErrandKind;

/* Counts, over all runs; begins as zeroes. */
typedef struct Errands {
        unsigned hung;      /* did not end in time */
        unsigned abandoned; /* and of these, the child did not die of SIGKILL */
} Errands;

/* Runs errands 0 to count - 1 and calls done() once for each. */
void errands_run(Errands *errands, const ErrandKind *kind, void *data, size_t count);

/* For run(): adds to what the errand found. */
void errand_write(ErrandOutput *output, const void *bytes, size_t size);
