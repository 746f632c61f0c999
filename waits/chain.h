/*
 * Chain: from a process that waits to the process on this machine for whose doing it waits, and so
 * on. Each link is a fact that both samples show: a call on a descriptor that has not come back, a
 * connection that was not accepted, bytes that were not read. Of several, the call of the first
 * thread comes first, then what has lasted longest.
 */
#pragma once

#include "waits/activity.h"
#include "waits/sample.h"

enum { CHAIN_LINKS_MAX = 8 };

typedef enum ChainReason {
        CHAIN_CALL,    /* a thread has slept in a call, for what the next has the other end of */
        CHAIN_NO_ROOM, /* it is connecting, and the next's backlog has no room */
        CHAIN_NOT_ACCEPTED, /* the next has not accepted its connection */
        CHAIN_NOT_READ,     /* the next has not read what it sent */
        CHAIN_NO_ANSWER,    /* the next has read what it sent, has not answered, and does nothing
                               else that it could be asked for */
        CHAIN_REASONS,
} ChainReason;

typedef struct ChainLink {
        ChainReason reason;
        const Process *process;       /* who waits; of the second sample, as all here */
        const ThreadState *thread;    /* CHAIN_CALL; else NULL */
        const Descriptor *descriptor; /* for what it waits */
        const Socket *socket;         /* the same; NULL: it is none */
        const Process *next;          /* for whom; NULL: not known, or on another machine */
        const Socket *there;          /* the next's socket, or listener; NULL: it has none */
        size_t others;                /* processes that have that, too */
        uint64_t since_ms;            /* for so long at least */
        uint64_t amount;              /* of bytes; CHAIN_NOT_READ */
} ChainLink;

typedef struct Chain {
        size_t count;
        ChainLink links[CHAIN_LINKS_MAX];
        bool is_circle; /* the last one's next is a process of the chain */
        bool is_cut;    /* there are more */
} Chain;

/* 0 or -ENOMEM. */
int chain_follow(Chain *out, const Sample *first, const Sample *second, const Process *process);
