/* What threads do. See thread_state.h. */
#include "waits/thread_state.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "waits/process_directory.h"
#include "waits/system_call.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_BYTES_MAX = 8192 };

void thread_state_read_call(int directory, pid_t tid, ThreadState *out)
{
        char path[64], text[256];

        snprintf(path, sizeof(path), "task/%d/syscall", (int)tid);
        /* "running", or "-1 SP PC" outside of calls, or "NUMBER ARGUMENT...". */
        if (process_directory_read(directory, path, text, sizeof(text)) <= 0)
                return;
        out->call_known = true;
        if (sscanf(text, "%" SCNd64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &out->call,
                   &out->argument, &out->more[0], &out->more[1], &out->more[2]) != 5)
                out->call = -1;
}

static void read_runs(int directory, pid_t tid, ThreadState *out)
{
        char path[64], text[128];

        snprintf(path, sizeof(path), "task/%d/schedstat", (int)tid);
        if (process_directory_read(directory, path, text, sizeof(text)) > 0)
                out->runs_known = sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &out->run_ns,
                                         &out->delay_ns, &out->runs) == 3;
}

static void read_switches(int directory, pid_t tid, ThreadState *out)
{
        char path[64], text[STATUS_BYTES_MAX];
        const char *line;

        snprintf(path, sizeof(path), "task/%d/status", (int)tid);
        if (process_directory_read(directory, path, text, sizeof(text)) <= 0)
                return;
        line = strstr(text, "\nvoluntary_ctxt_switches:");
        out->switches_known =
                line && sscanf(line, "\nvoluntary_ctxt_switches: %" SCNu64, &out->switches) == 1;
}

/* Whether it is there. */
static bool read_one(int directory, pid_t tid, ThreadState *out)
{
        ProcessStat stat;
        char path[64];

        *out = (ThreadState){.tid = tid, .call = -1, .read_ns = clock_now_ns()};
        snprintf(path, sizeof(path), "task/%d/stat", (int)tid);
        if (process_directory_stat(directory, path, &stat) < 0)
                return false;
        out->state = stat.state;
        out->kernel_ms = stat.system_ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
        thread_state_read_call(directory, tid, out);
        read_runs(directory, tid, out);
        /* The dearest of these files, of which the rest is about one that has run all the time. */
        if (out->state == 'R')
                read_switches(directory, tid, out);
        return true;
}

static void cleanup_closedir(DIR **directory)
{
        if (*directory)
                closedir(*directory);
}

ssize_t thread_states_read(int borrow_directory, ThreadState **out)
{
        CLEANUP(cleanup_free) ThreadState *threads = NULL;
        CLEANUP(cleanup_closedir) DIR *tasks = NULL;
        int fd = openat(borrow_directory, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        size_t count = 0, capacity = 0;
        const struct dirent *entry;

        if (fd < 0)
                return -errno;
        tasks = fdopendir(fd);
        if (!tasks) {
                close(fd);
                return -ENOMEM;
        }
        while ((entry = readdir(tasks))) {
                if (*entry->d_name == '.')
                        continue;
                if (count == THREADS_MAX)
                        return -E2BIG;
                if (count == capacity) {
                        size_t more = capacity ? capacity * 2 : 8;
                        ThreadState *grown = reallocarray(threads, more, sizeof(*threads));

                        if (!grown)
                                return -ENOMEM;
                        threads = grown;
                        capacity = more;
                }
                if (read_one(borrow_directory, (pid_t)strtol(entry->d_name, NULL, 10),
                             &threads[count]))
                        count++;
        }
        *out = STEAL_PTR(threads);
        return (ssize_t)count;
}

bool thread_waits_for_set(const ThreadState *thread, int number)
{
        return thread->call_known && system_call_is_epoll_wait(thread->call) &&
               (int)thread->argument == number;
}

bool thread_slept(const ThreadState *before, const ThreadState *after)
{
        return before->tid == after->tid && before->state == 'S' && after->state == 'S' &&
               before->runs_known && after->runs_known && before->runs == after->runs &&
               before->call_known && after->call_known && before->call == after->call &&
               before->argument == after->argument;
}

bool thread_never_slept(const ThreadState *before, const ThreadState *after)
{
        return before->tid == after->tid && before->state == 'R' && after->state == 'R' &&
               before->runs_known && after->runs_known && before->switches_known &&
               after->switches_known && before->switches == after->switches;
}

unsigned thread_share(const ThreadState *before, const ThreadState *after, bool *starved)
{
        const uint64_t ran = after->run_ns - before->run_ns;
        const uint64_t waited = after->delay_ns - before->delay_ns;
        const uint64_t whole = after->read_ns - before->read_ns;

        *starved = waited / 2 > ran;
        return whole > 0 ? (unsigned)(ran * 100 / whole) : 0;
}

unsigned thread_kernel_share(const ThreadState *before, const ThreadState *after)
{
        const uint64_t ran_ms = (after->run_ns - before->run_ns) / 1000000;
        const uint64_t kernel_ms = after->kernel_ms - before->kernel_ms;

        if (ran_ms == 0)
                return 0;
        return kernel_ms < ran_ms ? (unsigned)(kernel_ms * 100 / ran_ms) : 100;
}
