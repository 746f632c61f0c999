/*
 * Diagnoses: what is wrong with a process's waits, from two samples. Each is something that both
 * show, with nothing in between that could have changed it: what a healthy program does for the
 * time between them is none. What is only likely is left unsaid.
 */
#pragma once

#include "waits/loop.h"
#include "waits/sample.h"

enum {
        /* For how long unread bytes are none: their program may have a reason for a while. */
        DIAGNOSIS_UNREAD_MS = 2000,
        /* The same of bytes that a peer does not take. */
        DIAGNOSIS_NOT_READING_MS = 2000,
        /* The same of a connection that only its peer has closed. */
        DIAGNOSIS_NOT_CLOSED_MS = 5000,
        /* The same of a peer that is silent, and of a set for which nobody waits. */
        DIAGNOSIS_SILENT_MS = 2000,
        DIAGNOSIS_NOBODY_MS = 2000,
        /* How often a silent peer was sent the same again; when it was asked to connect. */
        DIAGNOSIS_RESENT_MIN = 3,
        DIAGNOSIS_CONNECTING_RESENT_MIN = 2,
        /* How much of its time a thread that spins is in the kernel. */
        DIAGNOSIS_SPINNING_PERCENT = 25,
};

/* The gravest first. */
typedef enum DiagnosisKind {
        /* By a signal (SIGSTOP, job control), or by a tracer. */
        DIAGNOSIS_STOPPED,
        DIAGNOSIS_TRACED,
        /* Listing the set did not come to an end, twice: its lock is held. */
        DIAGNOSIS_LOCKED,
        /* The set has entries that were unserved all the time, and none of its process's threads
         * has waited for it: the one that could has slept in another call, run, or wanted to run.
         */
        DIAGNOSIS_BLOCKED,
        /* Or run, much of it in the kernel, while one of these entries is level-triggered: it is
         * ready again whenever the set is asked. */
        DIAGNOSIS_SPINNING,
        DIAGNOSIS_BUSY,
        DIAGNOSIS_STARVED,
        /* Or all threads have slept, none of them in a call that has to do with the set. */
        DIAGNOSIS_NOBODY_WAITS,
        /* A connection has not been accepted in all that time; and the kernel takes no more, or
         * more wait now than before. */
        DIAGNOSIS_BACKLOG_FULL,
        DIAGNOSIS_BACKLOG_GROWS,
        DIAGNOSIS_NOT_ACCEPTED,
        /* Bytes are there, of which an edge-triggered set tells no more; its thread has slept in
         * all that time, and the process is not held up by a peer that does not take what it sends.
         */
        DIAGNOSIS_UNREAD,
        /* A timer of the set has expired, and was not read: its set is edge-triggered and tells no
         * more, or it has missed some of its times while the threads slept elsewhere. */
        DIAGNOSIS_LATE_TIMER,
        /* A set that a thread waits for has entries whose number was closed, and means something
         * else by now, or nothing; what they wait for is still open elsewhere. */
        DIAGNOSIS_STALE,
        /* The peer takes none of what there is to send, and has not for a while. */
        DIAGNOSIS_PEER_NOT_READING,
        /* The peer has not been heard of for a while, though it was sent the same several times. */
        DIAGNOSIS_PEER_SILENT,
        /* It has read its peer's end, and neither sends nor closes. */
        DIAGNOSIS_NOT_CLOSED,
        /* What is the daemon's to know, and found by whoever asks it: a session has read nothing of
         * what it was sent, */
        DIAGNOSIS_SESSION_UNREAD,
        /* a worker has used up its credit, and nobody else of its group has any for the connections
         * that wait, */
        DIAGNOSIS_NO_CREDIT,
        /* a session has as many registrations as it may have, and was refused more. */
        DIAGNOSIS_NO_BUDGET,
        DIAGNOSIS_KINDS,
} DiagnosisKind;

typedef struct Diagnosis {
        DiagnosisKind kind;
        int set;                      /* by its descriptor; -1: of none in particular */
        int number;                   /* of the descriptor; -1: none */
        const Descriptor *descriptor; /* in the second sample; NULL: of none */
        const Socket *socket;         /* the same; NULL: of none */
        uint64_t since_ms;            /* for so long at least */
        uint64_t amount;              /* bytes, connections or entries; of a timer, its interval */
        uint64_t amount_before;       /* of connections, in the first sample */
        uint64_t oldest_ms;           /* of unserved entries: for so long at least, the oldest */
        Loop loop;                    /* of who is blocked, busy or starved */
        uint64_t session;             /* 0: of none */
        const char *name;             /* of the worker's listener; NULL: of none */
        const Process *peer;          /* who has the other end; NULL: not known */
        const Socket *peer_socket;    /* NULL: it is not here */
} Diagnosis;

typedef void (*DiagnosisVisit)(void *data, const Diagnosis *diagnosis);

/* Calls visit for each, of a process of the second sample; the diagnosis is lent for the call. */
void diagnose(const Sample *first, const Sample *second, const Process *process,
              DiagnosisVisit visit, void *data);

/* Entries of the set whose bytes lay unread in both samples, none read in between; *oldest_ms: for
 * how long at least, the oldest. */
size_t count_unserved(const Sample *first, const Sample *second, const Process *process,
                      const WaitSet *set, uint64_t *oldest_ms);
/* Connections that wait now for the listeners of the set. */
uint64_t count_backlog(const Sample *second, const Process *process, const WaitSet *set);
