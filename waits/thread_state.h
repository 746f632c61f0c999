/*
 * ThreadState: what a thread of another process does, at one moment. Two of them tell whether it
 * has run in between. Whether it sleeps anybody may read; in which system call, only who may trace
 * it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { THREADS_MAX = 1024 }; /* of a process; of more, nothing is said of any */

typedef struct ThreadState {
        pid_t tid;
        char state;        /* proc(5) */
        bool call_known;   /* the next three */
        int64_t call;      /* of which system call it waits in; -1: in none */
        uint64_t argument; /* that call's first, */
        uint64_t more[3];  /* and the next of them */
        bool runs_known;
        uint64_t runs;       /* how often it was given a processor, */
        uint64_t run_ns;     /* for how long in all, */
        uint64_t kernel_ms;  /* of that in the kernel, as precise as the clock's ticks, */
        uint64_t delay_ns;   /* and how long it waited for one */
        bool switches_known; /* of one that runs */
        uint64_t switches;   /* how often it went to sleep */
        uint64_t read_ns;    /* when these were read, by CLOCK_MONOTONIC */
} ThreadState;

/* Reads the threads of the process: how many, or -errno, also -E2BIG. *out is the caller's. */
ssize_t thread_states_read(int borrow_directory, ThreadState **out);

/* Only in which call it is, if that is for this user to see. */
void thread_state_read_call(int borrow_directory, pid_t tid, ThreadState *out);

/* Whether it waits for events of the epoll set with this number. */
bool thread_waits_for_set(const ThreadState *thread, int number);
/* Whether it has slept from one moment to the other without a break, in the same call. */
bool thread_slept(const ThreadState *before, const ThreadState *after);
/* Whether it has run or wanted to, all the time. */
bool thread_never_slept(const ThreadState *before, const ThreadState *after);
/* Of one that never slept, how many percent of a processor it had; and whether it waited for one
 * for more than twice as long. */
unsigned thread_share(const ThreadState *before, const ThreadState *after, bool *starved);
/* How many percent of what a thread ran it ran in the kernel. */
unsigned thread_kernel_share(const ThreadState *before, const ThreadState *after);
