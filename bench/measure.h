/*
 * A stretch of time that is measured: how long it was, and the processor time that each process
 * concerned has used in it, the caller's own and others', to the nanosecond and from the same
 * moment to the same moment. Time the kernel spends on their behalf counts as theirs.
 *
 * And, if asked for, how often each was woken: as often as its threads went to sleep, which is read
 * when all had the time to. So it is not for who measures the longest of many times.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { MEASURE_PROCESSES_MAX = 128 };

typedef struct Measure {
        unsigned count;
        clockid_t clocks[MEASURE_PROCESSES_MAX]; /* the first is the caller's own */
        int64_t cpu_ns[MEASURE_PROCESSES_MAX];   /* as of the beginning; then, used since */
        int64_t time_ns;                         /* the same */
        bool counts_wakeups;
        pid_t pids[MEASURE_PROCESSES_MAX];
        int64_t wakeups[MEASURE_PROCESSES_MAX]; /* the same */
} Measure;

void measure_init(Measure *measure);
/* One more process. */
void measure_watch(Measure *measure, pid_t pid);

void measure_begin(Measure *measure);
void measure_end(Measure *measure);

/* Into an object: seconds, cpu_seconds (of all), and cpu_of (each, in the order they were named,
 * the caller's first); and wakeups_of, the same, if they were counted. */
void measure_report(const Measure *measure, json_t *into);
