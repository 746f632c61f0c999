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
};

/* The gravest first. */
typedef enum DiagnosisKind {
        /* By a signal (SIGSTOP, job control), or by a tracer. */
        DIAGNOSIS_STOPPED,
        DIAGNOSIS_TRACED,
        /* The set has entries that were unserved all the time, and none of its process's threads
         * has waited for it: the one that could has slept in another call, run, or wanted to run.
         */
        DIAGNOSIS_BLOCKED,
        DIAGNOSIS_BUSY,
        DIAGNOSIS_STARVED,
        /* A connection has not been accepted in all that time; and the kernel takes no more. */
        DIAGNOSIS_BACKLOG_FULL,
        DIAGNOSIS_NOT_ACCEPTED,
        /* Bytes are there, of which an edge-triggered set tells no more; its thread has slept in
         * all that time, and the process is not held up by a peer that does not take what it sends.
         */
        DIAGNOSIS_UNREAD,
        /* The peer takes none of what there is to send, and has not for a while. */
        DIAGNOSIS_PEER_NOT_READING,
        /* It has read its peer's end, and neither sends nor closes. */
        DIAGNOSIS_NOT_CLOSED,
        DIAGNOSIS_KINDS,
} DiagnosisKind;

typedef struct Diagnosis {
        DiagnosisKind kind;
        int set;                      /* by its descriptor; -1: of none in particular */
        int number;                   /* of the descriptor; -1: none */
        const Descriptor *descriptor; /* in the second sample; NULL: of none */
        const Socket *socket;         /* the same; NULL: of none */
        uint64_t since_ms;            /* for so long at least */
        uint64_t amount;              /* bytes or connections */
        uint64_t oldest_ms;           /* of unserved entries: for so long at least, the oldest */
        Loop loop;                    /* of who is blocked, busy or starved */
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
