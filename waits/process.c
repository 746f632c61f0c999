/* Other processes. See process.h. */
#include "waits/process.h"

#include "core/cleanup.h"

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
        if (count > PROCESS_SETS_MAX)
                count = PROCESS_SETS_MAX;
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

int process_read_threads(Process *process, int borrow_directory)
{
        ssize_t n;

        if (process->threads)
                return 0;
        n = thread_states_read(borrow_directory, &process->threads);
        if (n > 0)
                process->thread_count = (size_t)n;
        return n < 0 && n != -E2BIG ? (int)n : 0;
}

int process_read(Process *process, int borrow_directory, size_t most)
{
        int r = descriptor_table_read(&process->descriptors, borrow_directory, most);

        if (r == -E2BIG)
                process->status = PROCESS_LARGE;
        else if (r == -EACCES || r == -EPERM)
                process->status = PROCESS_SHUT;
        else if (r < 0)
                return r;
        r = find_sets(process);
        if (r < 0 || process->set_count == 0)
                return r;
        return process_read_threads(process, borrow_directory);
}

static void free_sets(Process *process)
{
        for (size_t i = 0; i < process->set_count; i++)
                wait_set_free(&process->sets[i]);
        free(process->sets);
        free(process->threads);
        process->sets = NULL;
        process->threads = NULL;
        process->set_count = process->thread_count = 0;
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
