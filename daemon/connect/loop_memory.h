/*
 * libevent's allocations, watched: how many have failed. For where libevent does not say so itself.
 */
#pragma once

/* Has libevent allocate through here, for the whole process. May be called again. */
void loop_memory_watch(void);
/* How many allocations of libevent's have failed. */
unsigned long loop_memory_failures(void);
