/*
 * CallCount: how many system calls a child made, by ptrace(2). What the C library answers itself,
 * as it does clock_gettime(), is none.
 */
#pragma once

#include <stdbool.h>

typedef struct CallCount {
        unsigned total;
        int status; /* the child's exit, as waitpid() has it */
} CallCount;

/* Has a child do it, to the end; its exit status is what run returns. false: children cannot be
 * looked at here, see errno. */
bool call_count(CallCount *count, int (*run)(void *data), void *data);
