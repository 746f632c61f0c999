/*
 * waits/: what any process waits for, seen from outside.
 *
 * Sample: the machine's processes and sockets at one moment, as far as this user may see them. Two
 * of them, some time apart, are what diagnoses are made of.
 */
#pragma once

#include "waits/process.h"
#include "waits/socket_table.h"

enum {
        /* Of a process; with more, neither its descriptors nor its sets are looked at. */
        SAMPLE_DESCRIPTORS_MAX = 20000,
        /* Of a process's sets together, and of all processes; what is beyond is WAIT_SET_LARGE. */
        SAMPLE_ENTRIES_MAX = 100000,
        SAMPLE_ALL_ENTRIES_MAX = 4000000,
        /* Of all processes together; who is beyond is PROCESS_LARGE. */
        SAMPLE_ALL_DESCRIPTORS_MAX = 4000000,
        /* After so many of a user's sets that hung, no more of that user's are read. */
        SAMPLE_USER_HUNG_MAX = 2,
        /* How long a set may take, processes in all, and sets in all. */
        SAMPLE_SET_MS = 500,
        SAMPLE_PROCESSES_MS = 5000,
        SAMPLE_SETS_MS = 5000,
};

typedef struct Sample Sample;

typedef struct SampleOptions {
        bool large;           /* read what is larger than is good for its process */
        const Sample *before; /* what hung there is not tried again; NULL: none */
        /* Whether to look into it: only its name, user and state are known. NULL: at all. */
        bool (*wants)(void *data, const Process *process);
        void *data;
} SampleOptions;

struct Sample {
        uint64_t began_ms; /* of CLOCK_MONOTONIC */
        uint64_t ended_ms;
        size_t count;
        Process *processes;   /* owned; by pid */
        size_t shut;          /* of these, those whose descriptors this user may not see */
        size_t left_out;      /* of those there are, for want of time */
        bool hidden;          /* other users' processes, if there are any, are not listed */
        bool inner;           /* nor are those outside of our PID namespace */
        size_t sets;          /* of all processes */
        size_t sets_hung;     /* of these, those that were not read in time, or left for that */
        NetworkSpaces spaces; /* that these processes are in */
        SocketTable sockets;
        Errands errands;
};

/* 0, or -errno with error_text(). Our own process is left out. */
int sample_take(Sample *out, const SampleOptions *options);
void sample_free(Sample *sample);

/* The process of another sample; NULL: it is not here. */
const Process *sample_find(const Sample *sample, const Process *process);
/* For how long the second sample's threads are known to have done what both say. */
uint64_t samples_apart_ms(const Sample *first, const Sample *second);
