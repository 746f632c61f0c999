/* libevent's allocations, watched. See loop_memory.h. */
#include "daemon/connect/loop_memory.h"

#include <event2/event.h>
#include <stdlib.h>

/* The loop's thread alone has anything to do with libevent. */
static unsigned long failures;

static void *counted(void *pointer)
{
        if (!pointer)
                failures++;
        return pointer;
}

static void *watched_malloc(size_t size)
{
        return counted(malloc(size));
}

static void *watched_realloc(void *pointer, size_t size)
{
        return counted(realloc(pointer, size));
}

void loop_memory_watch(void)
{
        /* The same memory as without, so that it does not matter what was allocated before. */
        event_set_mem_functions(watched_malloc, watched_realloc, free);
}

unsigned long loop_memory_failures(void)
{
        return failures;
}
