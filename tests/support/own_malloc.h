/*
 * A malloc of the test program's own, for all of the process, that fails when the test says so. To
 * be included by one source file of a program, which it defines malloc in. Sanitizers and valgrind
 * have one of theirs: then own_malloc_works() says so.
 */
#pragma once

#include "client/kyron.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Counts down to the allocation that fails; 0: none does. */
static volatile long own_malloc_countdown;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static inline bool own_malloc_works(void)
{
        return false;
}
#else
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *pointer, size_t size);

/* libconfuse ends the process for want of memory: who uses it asks before whether there is enough.
 */
static bool own_malloc_spares(const void *caller)
{
        Dl_info info;

        return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "libconfuse");
}

static bool own_malloc_fails(const void *caller)
{
        if (own_malloc_countdown == 0 || own_malloc_spares(caller) || --own_malloc_countdown > 0)
                return false;
        errno = ENOMEM;
        return true;
}

KYRON_PUBLIC void *malloc(size_t size)
{
        return own_malloc_fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

KYRON_PUBLIC void *calloc(size_t number, size_t size)
{
        return own_malloc_fails(__builtin_return_address(0)) ? NULL : __libc_calloc(number, size);
}

KYRON_PUBLIC void *realloc(void *pointer, size_t size)
{
        return own_malloc_fails(__builtin_return_address(0)) ? NULL : __libc_realloc(pointer, size);
}

/* For its caller's sake. */
KYRON_PUBLIC char *strdup(const char *text)
{
        size_t size = strlen(text) + 1;
        char *copy = own_malloc_fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);

        return copy ? memcpy(copy, text, size) : NULL;
}

static inline bool own_malloc_works(void)
{
        void *volatile pointer;

        own_malloc_countdown = 1;
        pointer = malloc(1);
        own_malloc_countdown = 0;
        free(pointer);
        return !pointer;
}
#endif
