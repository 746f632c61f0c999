/* Other processes. See process.h. */
#include "waits/process.h"

#include "core/cleanup.h"
#include "waits/poll_set.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>

/* The directory's owner is the effective user, whatever is the owner of the files in it. */
static int read_user(int directory, uint32_t *out)
{
        struct stat status;

        if (fstat(directory, &status) < 0)
                return -errno;
        *out = status.st_uid;
        return 0;
}

int process_open(Process *out, pid_t pid, int *out_directory)
{
        CLEANUP(cleanup_close) int directory = process_directory_open(pid);
        int r;

        *out = (Process){.pid = pid};
        if (directory < 0)
                return directory;
        r = process_directory_stat(directory, "stat", &out->stat);
        if (r == 0)
                r = read_user(directory, &out->uid);
        if (r == 0)
                *out_directory = STEAL_FD(directory);
        return r;
}

static int find_sets(Process *process)
{
        const DescriptorTable *table = &process->descriptors;
        size_t count = 0;

        for (size_t i = 0; i < table->count; i++)
                count += table->entries[i].kind == DESCRIPTOR_SET;
        if (count > PROCESS_EPOLL_SETS_MAX)
                count = PROCESS_EPOLL_SETS_MAX;
        if (count == 0)
                return 0;
        process->sets = calloc(count, sizeof(*process->sets));
        if (!process->sets)
                return -ENOMEM;
        for (size_t i = 0; i < table->count && process->set_count < count; i++) {
                if (table->entries[i].kind == DESCRIPTOR_SET)
                        process->sets[process->set_count++] = (WaitSet){
                                .number = table->entries[i].number,
                                .status = WAIT_SET_UNREAD,
                        };
        }
        return 0;
}

static int read_timers(Process *process, int directory)
{
        const DescriptorTable *table = &process->descriptors;

        if (process->set_count == 0)
                return 0;
        for (size_t i = 0; i < table->count && process->timer_count < PROCESS_TIMERS_MAX; i++) {
                if (table->entries[i].kind != DESCRIPTOR_TIMER)
                        continue;
                if (!process->timers)
                        process->timers = calloc(PROCESS_TIMERS_MAX, sizeof(*process->timers));
                if (!process->timers)
                        return -ENOMEM;
                if (timer_state_read(directory, table->entries[i].number,
                                     &process->timers[process->timer_count]) == 0)
                        process->timer_count++;
        }
        return 0;
}

static int read_threads(Process *process, int directory)
{
        ssize_t n = thread_states_read(directory, &process->threads);

        if (n > 0)
                process->thread_count = (size_t)n;
        return n < 0 && n != -E2BIG ? (int)n : 0;
}

/* What its threads poll comes after its sets. */
static int find_polls(Process *process)
{
        size_t polls = 0;
        WaitSet set, *sets;

        for (size_t i = 0; i < process->thread_count && polls < PROCESS_POLLS_MAX; i++)
                polls += poll_set_find(&process->threads[i], &set);
        if (polls == 0)
                return 0;
        sets = reallocarray(process->sets, process->set_count + polls, sizeof(*sets));
        if (!sets)
                return -ENOMEM;
        process->sets = sets;
        for (size_t i = 0; i < process->thread_count && polls > 0; i++) {
                if (poll_set_find(&process->threads[i], &set)) {
                        sets[process->set_count++] = set;
                        polls--;
                }
        }
        return 0;
}

int process_read(Process *process, int borrow_directory, size_t most)
{
        int r = descriptor_table_read(&process->descriptors, borrow_directory, most);

        if (r == -E2BIG)
                process->status = PROCESS_LARGE;
        else if (r == -EACCES || r == -EPERM)
                process->status = PROCESS_SHUT;
        if (process->status != PROCESS_SEEN)
                return 0;
        if (r == 0)
                r = find_sets(process);
        if (r == 0)
                r = read_timers(process, borrow_directory);
        if (r == 0)
                r = read_threads(process, borrow_directory);
        return r < 0 ? r : find_polls(process);
}

static void free_sets(Process *process)
{
        for (size_t i = 0; i < process->set_count; i++)
                wait_set_free(&process->sets[i]);
        free(process->sets);
        free(process->threads);
        free(process->timers);
        process->sets = NULL;
        process->threads = NULL;
        process->timers = NULL;
        process->set_count = process->thread_count = process->timer_count = 0;
        descriptor_table_free(&process->descriptors);
}

void process_forget(Process *process)
{
        free_sets(process);
        process->status = PROCESS_LARGE;
}

void process_free(Process *process)
{
        free_sets(process);
        *process = (Process){.pid = 0};
}

const ThreadState *process_find_thread(const Process *process, pid_t tid)
{
        for (size_t i = 0; i < process->thread_count; i++) {
                if (process->threads[i].tid == tid)
                        return &process->threads[i];
        }
        return NULL;
}

const WaitSet *process_find_set(const Process *process, int number)
{
        for (size_t i = 0; i < process->set_count; i++) {
                if (process->sets[i].number == number)
                        return &process->sets[i];
        }
        return NULL;
}

const WaitSet *process_find_waiting(const Process *process, uint64_t inode, uint32_t *events)
{
        for (size_t i = 0; i < process->set_count; i++) {
                const WaitSet *set = &process->sets[i];
                const WaitEntry *entry = wait_set_find(set, inode);

                for (; entry && entry < set->entries + set->count && entry->inode == inode;
                     entry++) {
                        if (entry->events & EPOLLIN &&
                            descriptor_table_has(&process->descriptors, entry->number, inode)) {
                                *events = entry->events;
                                return set;
                        }
                }
        }
        return NULL;
}

bool process_is_stopped(const Process *process)
{
        return process->stat.state == 'T' || process->stat.state == 't';
}

bool process_is_same(const Process *one, const Process *other)
{
        return one->pid == other->pid && one->stat.start_time == other->stat.start_time;
}
