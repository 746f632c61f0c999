/*
 * OtherEnd: who has the other end of what a process has open: of a connection, a pair of Unix
 * sockets, a pipe; or the listener that has yet to accept it.
 */
#pragma once

#include "waits/sample.h"

typedef struct OtherEnd {
        const Process *process;       /* NULL: not here, or not for this user to see */
        const Descriptor *descriptor; /* it has it open as; NULL without a process */
        size_t others;                /* processes that have it open, too */
        const Socket *socket;         /* what is there; NULL: no socket, or not on this machine */
        const Socket *listener;       /* nobody has accepted it: who should; NULL: that is over */
} OtherEnd;

/* Of several processes, one that waits for it is meant, and the process itself last of all. */
void other_end_find(OtherEnd *out, const Sample *sample, const Process *process,
                    const Descriptor *descriptor);
/* The same of who should accept what a listener has. */
void other_end_find_listener(OtherEnd *out, const Sample *sample, const Process *process,
                             const Socket *listener);
