/*
 * How much a test of many does. KYRON_TEST_SCALE=full: what the project promises, for machines
 * with minutes to spare; else what `make check` has time for, and less of it in programs that a
 * sanitizer slows down.
 */
#pragma once

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { BUILT_WITH_SANITIZER = 1 };
#else
enum { BUILT_WITH_SANITIZER = 0 };
#endif

/* A child that ends under it is judged by what it has left, its parent's. */
static inline bool runs_under_valgrind(void)
{
        const char *preload = getenv("LD_PRELOAD");

        return preload && strstr(preload, "vgpreload");
}

static inline bool scale_is_full(void)
{
        const char *text = getenv("KYRON_TEST_SCALE");

        return text && strcmp(text, "full") == 0;
}

static inline int scaled(int under_sanitizer, int usual, int full)
{
        if (scale_is_full())
                return full;
        return BUILT_WITH_SANITIZER ? under_sanitizer : usual;
}
