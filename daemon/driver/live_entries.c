/* What the kernel has in an epoll set. See live_entries.h. */
#include "daemon/driver/live_entries.h"

#include "core/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY_MIN = 64 };

static int add(LiveEntries *entries, IoId id)
{
        if (entries->count == entries->capacity) {
                size_t capacity = entries->capacity ? 2 * entries->capacity : CAPACITY_MIN;
                IoId *ids = reallocarray(entries->ids, capacity, sizeof(*ids));

                if (!ids)
                        return -ENOMEM;
                entries->ids = ids;
                entries->capacity = capacity;
        }
        entries->ids[entries->count++] = id;
        return 0;
}

static int read_lines(LiveEntries *entries, FILE *file)
{
        CLEANUP(cleanup_free) char *line = NULL;
        size_t size = 0;
        int r = 0;

        while (r == 0 && getline(&line, &size, file) >= 0) {
                int fd;
                unsigned events;
                IoId id;

                if (sscanf(line, "tfd: %d events: %x data: %" SCNx64, &fd, &events, &id) == 3)
                        r = add(entries, id);
        }
        return r == 0 && !feof(file) ? -EIO : r;
}

int live_entries_read(LiveEntries *out, int borrow_epoll_fd)
{
        CLEANUP(cleanup_fclose) FILE *file = NULL;
        char path[sizeof("/proc/self/fdinfo/") + 3 * sizeof(int)];
        int r;

        *out = (LiveEntries){.ids = NULL};
        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", borrow_epoll_fd);
        file = fopen(path, "re");
        if (!file)
                return -errno;
        r = read_lines(out, file);
        if (r < 0)
                live_entries_release(out);
        return r;
}

void live_entries_release(LiveEntries *entries)
{
        free(entries->ids);
        *entries = (LiveEntries){.ids = NULL};
}
