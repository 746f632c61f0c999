/* Time and processor time. See measure.h. */
#include "bench/measure.h"

#include "bench/program.h"

#include <string.h>

void measure_init(Measure *measure)
{
        *measure = (Measure){.count = 1, .clocks = {CLOCK_PROCESS_CPUTIME_ID}};
}

void measure_watch(Measure *measure, pid_t pid)
{
        int r;

        if (measure->count == MEASURE_PROCESSES_MAX)
                program_fail("more than %d processes", MEASURE_PROCESSES_MAX);
        r = clock_getcpuclockid(pid, &measure->clocks[measure->count]);
        if (r != 0)
                program_fail("process %d: %s", (int)pid, strerror(r));
        measure->count++;
}

static int64_t read_clock(clockid_t clock)
{
        struct timespec time;

        program_check(clock_gettime(clock, &time), "a process's clock");
        return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

void measure_begin(Measure *measure)
{
        for (unsigned i = 0; i < measure->count; i++)
                measure->cpu_ns[i] = read_clock(measure->clocks[i]);
        measure->time_ns = now_ns();
}

void measure_end(Measure *measure)
{
        measure->time_ns = now_ns() - measure->time_ns;
        for (unsigned i = 0; i < measure->count; i++)
                measure->cpu_ns[i] = read_clock(measure->clocks[i]) - measure->cpu_ns[i];
}

void measure_report(const Measure *measure, json_t *into)
{
        json_t *cpu_of = json_array();
        int64_t cpu_ns = 0;

        for (unsigned i = 0; i < measure->count; i++) {
                cpu_ns += measure->cpu_ns[i];
                json_array_append_new(cpu_of, json_real((double)measure->cpu_ns[i] / 1e9));
        }
        json_object_set_new(into, "seconds", json_real((double)measure->time_ns / 1e9));
        json_object_set_new(into, "cpu_seconds", json_real((double)cpu_ns / 1e9));
        json_object_set_new(into, "cpu_of", cpu_of);
}
