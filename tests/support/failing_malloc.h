/*
 * What failing_malloc.c, loaded into a program by LD_PRELOAD, shares with a test: a file, named by
 * $FAILING_MALLOC, with one of these. The first-th allocation from when it was set fails, and each
 * step-th after it up to the last-th.
 */
#pragma once

#include <stdatomic.h>

typedef struct FailingMalloc {
        atomic_ulong calls; /* since it was set */
        atomic_ulong failed;
        atomic_ulong first; /* 0: none fails */
        atomic_ulong last;
        atomic_ulong step;
} FailingMalloc;
