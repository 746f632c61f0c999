/*
 * Two samples that are made up: of a process that sleeps in its wait for an edge-triggered set with
 * one entry, a connection. Tests change them, and look at what is found wrong.
 */
#pragma once

#include "waits/diagnosis.h"

enum { FIRST, SECOND, MOMENTS };
enum {
        MOMENT_SOCKETS = 4,
        /* Descriptors, and the connection's inode. */
        SET = 5,
        SOCKET = 7,
        INODE = 100,
};

typedef struct Moment {
        Sample sample;
        Process process;
        Descriptor descriptors[3]; /* two of them are there */
        ThreadState threads[2];    /* the first is */
        WaitSet sets[2];           /* the first is */
        WaitEntry entry;           /* of the first */
        TimerState timer;          /* it is not */
        Socket sockets[MOMENT_SOCKETS];
} Moment;

extern Moment moments[MOMENTS];
extern Diagnosis moments_found[8];
extern size_t moments_found_count;

void moments_make(void);
void moments_change(void (*change)(Moment *moment));
/* How many are found, in moments_found. */
size_t moments_diagnose(void);
