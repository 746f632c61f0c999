/* Time and processor time. See measure.h. */
#include "bench/measure.h"

#include "bench/program.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
        PATH_ROOM = 64,
        REST_NS = 20 * 1000 * 1000,
};

void measure_init(Measure *measure)
{
        *measure = (Measure){.count = 1, .clocks = {CLOCK_PROCESS_CPUTIME_ID}, .pids = {getpid()}};
}

void measure_watch(Measure *measure, pid_t pid)
{
        int r;

        if (measure->count == MEASURE_PROCESSES_MAX)
                program_fail("more than %d processes", MEASURE_PROCESSES_MAX);
        r = clock_getcpuclockid(pid, &measure->clocks[measure->count]);
        if (r != 0)
                program_fail("process %d: %s", (int)pid, strerror(r));
        measure->pids[measure->count] = pid;
        measure->count++;
}

static int64_t read_clock(clockid_t clock)
{
        struct timespec time;

        program_check(clock_gettime(clock, &time), "a process's clock");
        return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Of one thread; 0 for one that has ended. */
static int64_t count_sleeps(pid_t pid, const char *thread)
{
        char path[PATH_ROOM], line[256];
        int64_t count = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", (int)pid, thread);
        file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file)) {
                if (sscanf(line, "voluntary_ctxt_switches: %" SCNd64, &count) == 1)
                        break;
        }
        if (file)
                fclose(file);
        return count;
}

static int64_t count_wakeups(pid_t pid)
{
        char path[PATH_ROOM];
        int64_t count = 0;
        struct dirent *entry;
        DIR *threads;

        snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
        threads = opendir(path);
        if (!threads)
                program_fail("process %d has ended", (int)pid);
        while ((entry = readdir(threads))) {
                if (entry->d_name[0] != '.')
                        count += count_sleeps(pid, entry->d_name);
        }
        closedir(threads);
        return count;
}

/* Each by how much there are more of them than it says now. */
static void count_all_wakeups(Measure *measure)
{
        if (!measure->counts_wakeups)
                return;
        /* Whoever has just been woken sleeps again. */
        nanosleep(&(struct timespec){.tv_nsec = REST_NS}, NULL);
        for (unsigned i = 0; i < measure->count; i++)
                measure->wakeups[i] = count_wakeups(measure->pids[i]) - measure->wakeups[i];
}

void measure_begin(Measure *measure)
{
        memset(measure->wakeups, 0, sizeof(measure->wakeups));
        count_all_wakeups(measure);
        for (unsigned i = 0; i < measure->count; i++)
                measure->cpu_ns[i] = read_clock(measure->clocks[i]);
        measure->time_ns = now_ns();
}

void measure_end(Measure *measure)
{
        measure->time_ns = now_ns() - measure->time_ns;
        for (unsigned i = 0; i < measure->count; i++)
                measure->cpu_ns[i] = read_clock(measure->clocks[i]) - measure->cpu_ns[i];
        count_all_wakeups(measure);
}

void measure_report(const Measure *measure, json_t *into)
{
        json_t *cpu_of = json_array(), *wakeups_of;
        int64_t cpu_ns = 0;

        for (unsigned i = 0; i < measure->count; i++) {
                cpu_ns += measure->cpu_ns[i];
                json_array_append_new(cpu_of, json_real((double)measure->cpu_ns[i] / 1e9));
        }
        json_object_set_new(into, "seconds", json_real((double)measure->time_ns / 1e9));
        json_object_set_new(into, "cpu_seconds", json_real((double)cpu_ns / 1e9));
        json_object_set_new(into, "cpu_of", cpu_of);
        if (!measure->counts_wakeups)
                return;
        wakeups_of = json_array();
        for (unsigned i = 0; i < measure->count; i++)
                json_array_append_new(wakeups_of, json_integer(measure->wakeups[i]));
        json_object_set_new(into, "wakeups_of", wakeups_of);
}
