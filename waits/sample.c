/* The machine at one moment. See sample.h. */
#include "waits/sample.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/error.h"
#include "waits/poll_set.h"
#include "waits/process_list.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A process with this name waits for others' descriptors, which its registrations tell: its sets
 * are not what it waits for, and can be a hundred times larger than anybody's. */
static const char daemon_name[] = "kyron-iod";

/* ---- Processes ------------------------------------------------------------------------------- */

static void cleanup_closedir(DIR **directory)
{
        if (*directory)
                closedir(*directory);
}

static int add_process(Sample *sample, size_t *capacity, const Process *take_process)
{
        if (sample->count == *capacity) {
                size_t more = *capacity ? *capacity * 2 : 128;
                Process *grown = reallocarray(sample->processes, more, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                sample->processes = grown;
                *capacity = more;
        }
        sample->processes[sample->count++] = *take_process;
        sample->shut += take_process->status == PROCESS_SHUT;
        sample->sets += take_process->set_count;
        return 0;
}

/* One that ends meanwhile is none. */
static int read_process(Sample *sample, size_t *capacity, size_t *descriptors, pid_t pid,
                        const SampleOptions *options)
{
        const size_t most = options->large ? WAIT_SET_ENTRIES_LARGE_MAX : SAMPLE_DESCRIPTORS_MAX;
        CLEANUP(cleanup_close) int directory = -1;
        Process process;
        int r;

        if (process_open(&process, pid, &directory) < 0 || process.stat.is_kernel ||
            process.stat.state == 'Z')
                return 0;
        if (process.uid != geteuid())
                sample->hidden = false;
        if (options->wants && !options->wants(options->data, &process))
                return 0;
        r = process_read(&process, directory, most);
        *descriptors += process.descriptors.count;
        if (*descriptors > SAMPLE_ALL_DESCRIPTORS_MAX)
                process_forget(&process);
        if (r == 0 && process.descriptors.count > 0)
                network_spaces_add(&sample->spaces, directory, pid, process.stat.start_time);
        if (r == 0)
                r = add_process(sample, capacity, &process);
        if (r < 0)
                process_free(&process);
        return r == -ENOMEM ? r : 0;
}

static int compare_pids(const void *left, const void *right)
{
        const Process *a = left, *b = right;

        return (a->pid > b->pid) - (a->pid < b->pid);
}

static int read_processes(Sample *sample, const SampleOptions *options)
{
        CLEANUP(cleanup_closedir) DIR *proc = opendir("/proc");
        const uint64_t deadline_ms = clock_now_ms() + SAMPLE_PROCESSES_MS;
        const struct dirent *entry;
        size_t capacity = 0, descriptors = 0;
        int r = 0;

        if (!proc)
                return error_set(errno, "/proc cannot be read: %s", strerror(errno));
        while (r == 0 && (entry = readdir(proc))) {
                const pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

                if (!isdigit((unsigned char)*entry->d_name) || pid == getpid())
                        continue;
                if (clock_now_ms() >= deadline_ms)
                        sample->left_out++;
                else
                        r = read_process(sample, &capacity, &descriptors, pid, options);
        }
        if (sample->count > 0)
                qsort(sample->processes, sample->count, sizeof(*sample->processes), compare_pids);
        return r < 0 ? error_set(ENOMEM, "no memory for the machine's processes") : 0;
}

/* ---- Their sets ------------------------------------------------------------------------------ */

typedef struct SetErrand {
        Process *process;
        WaitSet *set;
        struct SetReading *reading;
} SetErrand;

/* What the errands of a sample have found together. */
typedef struct SetReading {
        Sample *sample;
        bool large;
        size_t entries;         /* of all processes */
        size_t process_entries; /* of the one that has its turn */
        const Process *process;
        size_t hung_count;
        uint32_t hung_users[ERRANDS_HUNG_MAX]; /* one for each set that hung */
} SetReading;

/* What the child knows of this is what was known when it was started: after the last that hung. */
static bool has_hung_often(const SetReading *reading, uint32_t uid)
{
        size_t count = 0;

        for (size_t i = 0; i < reading->hung_count; i++)
                count += reading->hung_users[i] == uid;
        return count >= SAMPLE_USER_HUNG_MAX;
}

static int run_set(const void *data, size_t errand, ErrandOutput *output)
{
        const SetErrand *its = (const SetErrand *)data + errand;
        const Process *process = its->process;
        const WaitSet *set = its->set;

        if (has_hung_often(its->reading, process->uid))
                return -EAGAIN;
        if (set->kind != WAIT_SET_EPOLL)
                return poll_set_read(process->pid, process->stat.start_time,
                                     process_find_thread(process, set->tid), output);
        return wait_set_read(process->pid, process->stat.start_time, set->number, output);
}

static void set_done(void *data, size_t errand, int result, const void *bytes, size_t size)
{
        const SetErrand *its = (const SetErrand *)data + errand;
        SetReading *reading = its->reading;
        size_t most = SAMPLE_ALL_ENTRIES_MAX - reading->entries;

        if (reading->process != its->process)
                reading->process_entries = 0;
        reading->process = its->process;
        if (!reading->large && most > SAMPLE_ENTRIES_MAX - reading->process_entries)
                most = SAMPLE_ENTRIES_MAX - reading->process_entries;
        wait_set_take(its->set, most, result, bytes, size);
        if (its->set->kind != WAIT_SET_EPOLL)
                poll_set_resolve(its->set, &its->process->descriptors);
        reading->entries += its->set->count;
        reading->process_entries += its->set->count;
        reading->sample->sets_hung +=
                its->set->status == WAIT_SET_HUNG || its->set->status == WAIT_SET_LEFT;
        if (result == -ETIME && reading->hung_count < ERRANDS_HUNG_MAX)
                reading->hung_users[reading->hung_count++] = its->process->uid;
}

/* Whether a set of this process hung before: one is enough of what that costs. */
static bool has_hung(const Process *before)
{
        for (size_t i = 0; before && i < before->set_count; i++) {
                if (before->sets[i].status == WAIT_SET_HUNG)
                        return true;
        }
        return false;
}

static WaitSetStatus status_before(const Process *before, int number)
{
        const WaitSet *set = process_find_set(before, number);

        return set && set->status == WAIT_SET_HUNG ? WAIT_SET_HUNG : WAIT_SET_LEFT;
}

static size_t list_sets(Sample *sample, const SampleOptions *options, SetErrand *errands,
                        SetReading *reading)
{
        size_t count = 0;

        for (size_t i = 0; i < sample->count; i++) {
                Process *process = &sample->processes[i];
                const Process *before =
                        options->before ? sample_find(options->before, process) : NULL;
                const bool hung = has_hung(before);

                if (strcmp(process->stat.name, daemon_name) == 0)
                        continue;
                for (size_t j = 0; j < process->set_count; j++) {
                        if (hung)
                                process->sets[j].status =
                                        status_before(before, process->sets[j].number);
                        else if (errands)
                                errands[count++] = (SetErrand){process, &process->sets[j], reading};
                        else
                                count++;
                        sample->sets_hung += hung && !errands;
                }
        }
        return count;
}

static int read_sets(Sample *sample, const SampleOptions *options)
{
        const size_t most = options->large ? WAIT_SET_ENTRIES_LARGE_MAX : WAIT_SET_ENTRIES_MAX;
        const ErrandKind kind = {
                .patience_ms = SAMPLE_SET_MS,
                .total_ms = SAMPLE_SETS_MS,
                .bytes_max = most * sizeof(WaitEntry),
                .run = run_set,
                .done = set_done,
        };
        CLEANUP(cleanup_free) SetErrand *errands = NULL;
        SetReading reading = {.sample = sample, .large = options->large};
        size_t count = list_sets(sample, options, NULL, NULL);

        if (count == 0)
                return 0;
        errands = calloc(count, sizeof(*errands));
        if (!errands)
                return error_set(ENOMEM, "no memory for the machine's epoll sets");
        list_sets(sample, options, errands, &reading);
        errands_run(&sample->errands, &kind, errands, count);
        return 0;
}

/* ---- The whole ------------------------------------------------------------------------------- */

int sample_take(Sample *out, const SampleOptions *options)
{
        int r;

        *out = (Sample){.began_ms = clock_now_ms()};
        network_spaces_init(&out->spaces);
        out->inner = process_list_is_inner();
        out->hidden = geteuid() != 0 && process_list_hides();
        r = read_processes(out, options);
        if (r == 0)
                r = read_sets(out, options);
        if (r == 0 && socket_table_read(&out->sockets, &out->spaces, &out->errands) < 0)
                r = error_set(ENOMEM, "no memory for the machine's sockets");
        out->ended_ms = clock_now_ms();
        if (r < 0)
                sample_free(out);
        return r;
}

void sample_free(Sample *sample)
{
        for (size_t i = 0; i < sample->count; i++)
                process_free(&sample->processes[i]);
        free(sample->processes);
        sample->processes = NULL;
        sample->count = 0;
        socket_table_free(&sample->sockets);
}

const Process *sample_find(const Sample *sample, const Process *process)
{
        const Process *found = sample->count == 0
                                       ? NULL
                                       : bsearch(process, sample->processes, sample->count,
                                                 sizeof(*process), compare_pids);

        return found && process_is_same(found, process) ? found : NULL;
}

uint64_t samples_apart_ms(const Sample *first, const Sample *second)
{
        return second->began_ms > first->ended_ms ? second->began_ms - first->ended_ms : 0;
}
