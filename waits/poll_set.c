/* poll(2) and select(2) of other processes. See poll_set.h. */
#include "waits/poll_set.h"

#include "core/cleanup.h"
#include "waits/process_directory.h"
#include "waits/system_call.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/uio.h>

enum {
        POLLED_MAX = WAIT_SET_ENTRIES_LARGE_MAX,
        CHUNK = 512, /* of pollfds read at once */
        WORDS_MAX = 2048,
        WORD_BITS = CHAR_BIT * sizeof(unsigned long),
        SETS = 3, /* of select's bits: to read, to write, exceptions */
};

/* They are the same, so one set of names does for both. */
_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLPRI == EPOLLPRI, "events");

bool poll_set_find(const ThreadState *thread, WaitSet *out)
{
        if (!thread->call_known || thread->state != 'S')
                return false;
        *out = (WaitSet){
                .number = -1 - (int)thread->tid,
                .tid = thread->tid,
                .status = WAIT_SET_UNREAD,
                .kind = system_call_is_poll(thread->call) ? WAIT_SET_POLL : WAIT_SET_SELECT,
        };
        return system_call_is_poll(thread->call) || system_call_is_select(thread->call);
}

/* Of the other process's memory. 0 or -errno. */
static int read_memory(pid_t pid, uint64_t address, void *out, size_t size)
{
        const struct iovec here = {.iov_base = out, .iov_len = size};
        const struct iovec there = {.iov_base = (void *)(uintptr_t)address, .iov_len = size};
        ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);

        if (n < 0)
                return -errno;
        return (size_t)n == size ? 0 : -EFAULT;
}

static int read_poll(pid_t pid, const ThreadState *thread, ErrandOutput *output)
{
        const uint64_t count = thread->more[0];
        struct pollfd fds[CHUNK];

        if (count > POLLED_MAX)
                return -E2BIG;
        for (uint64_t done = 0; done < count;) {
                const size_t part = count - done < CHUNK ? (size_t)(count - done) : CHUNK;
                int r = read_memory(pid, thread->argument + done * sizeof(fds[0]), fds,
                                    part * sizeof(fds[0]));

                if (r < 0)
                        return r;
                for (size_t i = 0; i < part; i++) {
                        const WaitEntry entry = {
                                .number = fds[i].fd,
                                .events = (uint16_t)fds[i].events,
                        };

                        if (entry.number >= 0)
                                errand_write(output, &entry, sizeof(entry));
                }
                done += part;
        }
        return 0;
}

static int read_select(pid_t pid, const ThreadState *thread, ErrandOutput *output)
{
        static const uint32_t events[SETS] = {EPOLLIN, EPOLLOUT, EPOLLPRI};
        static unsigned long words[SETS][WORDS_MAX];
        const uint64_t count = thread->argument;
        const size_t size = (size_t)((count + WORD_BITS - 1) / WORD_BITS);

        if (size > WORDS_MAX)
                return -E2BIG;
        for (size_t i = 0; i < SETS; i++) {
                int r = thread->more[i] == 0 ? 0
                                             : read_memory(pid, thread->more[i], words[i],
                                                           size * sizeof(words[i][0]));

                if (r < 0)
                        return r;
        }
        for (uint64_t number = 0; number < count; number++) {
                WaitEntry entry = {.number = (int32_t)number};

                for (size_t i = 0; i < SETS; i++) {
                        if (thread->more[i] != 0 &&
                            words[i][number / WORD_BITS] >> number % WORD_BITS & 1)
                                entry.events |= events[i];
                }
                if (entry.events != 0)
                        errand_write(output, &entry, sizeof(entry));
        }
        return 0;
}

int poll_set_read(pid_t pid, uint64_t start_time, const ThreadState *thread, ErrandOutput *output)
{
        CLEANUP(cleanup_close) int directory = process_directory_open_again(pid, start_time);
        ThreadState after = {.call = -1};
        int r;

        if (directory < 0)
                return directory;
        r = system_call_is_poll(thread->call) ? read_poll(pid, thread, output)
                                              : read_select(pid, thread, output);
        if (r < 0)
                return r;
        /* What was read is what it waits for only if it has waited until now. */
        thread_state_read_call(directory, thread->tid, &after);
        if (!after.call_known || after.call != thread->call || after.argument != thread->argument ||
            after.more[0] != thread->more[0])
                return -ENOENT;
        return 0;
}

static int compare_numbers(const void *left, const void *right)
{
        const WaitEntry *a = left, *b = right;

        return (a->number > b->number) - (a->number < b->number);
}

static int compare_inodes(const void *left, const void *right)
{
        const WaitEntry *a = left, *b = right;

        return (a->inode > b->inode) - (a->inode < b->inode);
}

/* One number may be there several times. */
static void resolve(WaitSet *set, const Descriptor *descriptor)
{
        const WaitEntry key = {.number = descriptor->number};
        WaitEntry *found = bsearch(&key, set->entries, set->count, sizeof(key), compare_numbers);

        while (found && found > set->entries && found[-1].number == key.number)
                found--;
        for (; found && found < set->entries + set->count && found->number == key.number; found++)
                found->inode = descriptor->inode;
}

void poll_set_resolve(WaitSet *set, const DescriptorTable *table)
{
        if (set->count == 0)
                return;
        qsort(set->entries, set->count, sizeof(*set->entries), compare_numbers);
        for (size_t i = 0; i < table->count; i++)
                resolve(set, &table->entries[i]);
        qsort(set->entries, set->count, sizeof(*set->entries), compare_inodes);
}
