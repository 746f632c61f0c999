/* Epoll sets of other processes. See wait_set.h. */
#include "waits/wait_set.h"

#include "core/cleanup.h"
#include "waits/process_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wait_set_parse_line(const char *line, WaitLine *out)
{
        return sscanf(line,
                      "tfd: %" SCNd32 " events: %" SCNx32 " data: %" SCNx64 " pos:%*d ino:%" SCNx64
                      " sdev:%" SCNx32,
                      &out->entry.number, &out->entry.events, &out->data, &out->entry.inode,
                      &out->device) == 5;
}

int wait_set_walk(int borrow_directory, int number, bool (*each)(void *data, const WaitLine *line),
                  void *data)
{
        CLEANUP(cleanup_fclose) FILE *file = NULL;
        char path[32], text[256];
        bool goes_on = true;
        WaitLine line;
        int fd;

        snprintf(path, sizeof(path), "fdinfo/%d", number);
        fd = openat(borrow_directory, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        file = fdopen(fd, "r");
        if (!file) {
                close(fd);
                return -ENOMEM;
        }
        while (goes_on && fgets(text, sizeof(text), file)) {
                if (wait_set_parse_line(text, &line))
                        goes_on = each(data, &line);
        }
        return ferror(file) ? -EIO : 0;
}

static bool write_entry(void *data, const WaitLine *line)
{
        errand_write(data, &line->entry, sizeof(line->entry));
        return true;
}

int wait_set_read(pid_t pid, uint64_t start_time, int number, ErrandOutput *output)
{
        CLEANUP(cleanup_close) int directory = process_directory_open_again(pid, start_time);

        return directory < 0 ? directory : wait_set_walk(directory, number, write_entry, output);
}

static WaitSetStatus status_of(int result)
{
        switch (result) {
        case 0:
                return WAIT_SET_READ;
        case -ETIME:
                return WAIT_SET_HUNG;
        case -EAGAIN:
                return WAIT_SET_LEFT;
        case -ENOBUFS:
                return WAIT_SET_LARGE;
        default:
                return WAIT_SET_UNREAD;
        }
}

static int compare(const void *left, const void *right)
{
        const WaitEntry *a = left, *b = right;

        return (a->inode > b->inode) - (a->inode < b->inode);
}

void wait_set_take(WaitSet *set, size_t most, int result, const void *bytes, size_t size)
{
        set->status = status_of(result);
        if (result == 0 && size / sizeof(WaitEntry) > most)
                set->status = WAIT_SET_LARGE;
        if (set->status != WAIT_SET_READ || size == 0)
                return;
        set->entries = malloc(size);
        if (!set->entries) {
                set->status = WAIT_SET_UNREAD;
                return;
        }
        memcpy(set->entries, bytes, size);
        set->count = size / sizeof(WaitEntry);
        qsort(set->entries, set->count, sizeof(*set->entries), compare);
}

const WaitEntry *wait_set_find(const WaitSet *set, uint64_t inode)
{
        size_t low = 0, high = set->count;

        while (low < high) {
                const size_t middle = low + (high - low) / 2;

                if (set->entries[middle].inode < inode)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < set->count && set->entries[low].inode == inode ? &set->entries[low] : NULL;
}

void wait_set_free(WaitSet *set)
{
        free(set->entries);
        set->entries = NULL;
        set->count = 0;
}
