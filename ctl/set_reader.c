/* What is in another process's epoll set. See set_reader.h. */
#include "ctl/set_reader.h"

#include "core/cleanup.h"
#include "core/io_id.h"
#include "ctl/output.h"
#include "waits/errands.h"
#include "waits/process_directory.h"
#include "waits/wait_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
        NAME_MAX_BYTES = sizeof("fd/") + 3 * sizeof(int),
        LINK_MAX_BYTES = 64, /* what is longer is a path */
};

static const char anonymous[] = "anon_inode:";

/* ---- The errand ------------------------------------------------------------------------------ */

/* What there is to be read; and what came of it. */
typedef struct Reading {
        const SetOwner *owner;
        uint32_t set;
        int result;
        SetEntries *out;
} Reading;

/* Where it is read. */
typedef struct Place {
        int directory;
        uint32_t socket_device, pipe_device; /* of all sockets, and of all pipes without a name */
} Place;

/* What a number of the process is, its link cut short where it is long. 0 or -errno. */
static int read_link(int borrow_directory, int number, char link[static LINK_MAX_BYTES])
{
        char name[NAME_MAX_BYTES];
        ssize_t n;

        snprintf(name, sizeof(name), "fd/%d", number);
        n = readlinkat(borrow_directory, name, link, LINK_MAX_BYTES - 1);
        if (n < 0)
                return -errno;
        link[n] = '\0';
        return 0;
}

/* As the kernel writes it in fdinfo. */
static uint32_t device_of(int borrow_fd)
{
        struct stat file;

        return fstat(borrow_fd, &file) < 0 ? 0 : major(file.st_dev) << 20 | minor(file.st_dev);
}

static const char *class_of(const Place *place, uint32_t device)
{
        if (device == 0)
                return NULL;
        return device == place->socket_device ? "socket"
               : device == place->pipe_device ? "pipe"
                                              : NULL;
}

/* By a link, of what is neither a socket nor a pipe: "anon_inode:[eventfd]", "anon_inode:inotify",
 * or a path. */
static void name_kind(char kind[static SET_READER_KIND_MAX], const char *link)
{
        const size_t prefix = sizeof(anonymous) - 1;

        strcpy(kind, "unknown");
        if (*link == '/') {
                strcpy(kind, "file");
        } else if (strcmp(link, "anon_inode:[eventpoll]") == 0) {
                strcpy(kind, "epoll");
        } else if (strncmp(link, anonymous, prefix) == 0) {
                link += prefix + (link[prefix] == '[');
                snprintf(kind, SET_READER_KIND_MAX, "%.*s", (int)strcspn(link, "]"), link);
                output_make_printable(kind);
        }
}

/* The number may be closed by now, or another file's. */
static void describe(const Place *place, uint32_t device, SetEntry *entry)
{
        const char *class = class_of(place, device);
        char link[LINK_MAX_BYTES] = "", expected[LINK_MAX_BYTES];
        const bool is_open = read_link(place->directory, entry->number, link) == 0;

        if (class) {
                snprintf(expected, sizeof(expected), "%s:[%llu]", class,
                         (unsigned long long)entry->inode);
                entry->stale = !is_open || strcmp(link, expected) != 0;
                strcpy(entry->kind, class);
                return;
        }
        /* Anonymous files share theirs. */
        entry->inode = 0;
        entry->stale =
                !is_open || strncmp(link, "socket:", 7) == 0 || strncmp(link, "pipe:", 5) == 0;
        name_kind(entry->kind, entry->stale ? "" : link);
}

static int find_devices(Place *place)
{
        CLEANUP(cleanup_close) int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int ends[2];

        if (socket_fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        place->socket_device = device_of(socket_fd);
        place->pipe_device = device_of(ends[0]);
        close(ends[0]);
        close(ends[1]);
        return 0;
}

/* What is written, and how many so far. */
typedef struct Listing {
        const Place *place;
        ErrandOutput *output;
        uint32_t count;
} Listing;

/* The handle's own entries are left out. One more than are told says that there are more. */
static bool write_entry(void *data, const WaitLine *line)
{
        Listing *listing = data;
        SetEntry entry = {
                .number = line->entry.number,
                .events = line->entry.events,
                .inode = line->entry.inode,
        };

        if (entry.number < 0 || io_id_is_own(line->data))
                return true;
        describe(listing->place, line->device, &entry);
        errand_write(listing->output, &entry, sizeof(entry));
        return ++listing->count <= SET_READER_ENTRIES_MAX;
}

static int run(const void *data, size_t errand, ErrandOutput *output)
{
        const Reading *reading = data;
        const SetOwner *owner = reading->owner;
        CLEANUP(cleanup_close)
        int directory = process_directory_open_again(owner->pid, owner->start_time);
        Place place = {.directory = directory};
        Listing listing = {.place = &place, .output = output};
        int r;

        (void)errand; /* there is one */
        if (directory < 0)
                return directory;
        r = find_devices(&place);
        return r < 0 ? r : wait_set_walk(directory, (int)reading->set, write_entry, &listing);
}

static void done(void *data, size_t errand, int result, const void *bytes, size_t size)
{
        Reading *reading = data;
        SetEntries *out = reading->out;

        (void)errand;
        reading->result = result;
        if (result < 0 || size == 0)
                return;
        out->entries = malloc(size);
        if (!out->entries) {
                reading->result = -ENOMEM;
                return;
        }
        memcpy(out->entries, bytes, size);
        out->count = size / sizeof(SetEntry);
        out->more = out->count > SET_READER_ENTRIES_MAX;
        out->count -= out->more;
}

/* ---- This process ---------------------------------------------------------------------------- */

/* What can be told without an errand, since neither waits for anybody. 0 or -errno. */
static int look_first(int borrow_directory, uint32_t set)
{
        char link[LINK_MAX_BYTES];
        struct stat directory;
        int r = read_link(borrow_directory, (int)set, link);

        if (r < 0)
                return r;
        if (strcmp(link, "anon_inode:[eventpoll]") != 0)
                return -ENOTTY;
        /* The size is how many there are, since Linux 6.2. */
        if (fstatat(borrow_directory, "fd", &directory, 0) < 0)
                return -errno;
        return directory.st_size > SET_READER_DESCRIPTORS_MAX ? -E2BIG : 0;
}

int set_reader_read(const SetOwner *owner, uint32_t set, int patience_ms, SetEntries *out)
{
        const ErrandKind kind = {
                .patience_ms = patience_ms,
                .total_ms = patience_ms,
                .bytes_max = (SET_READER_ENTRIES_MAX + 1) * sizeof(SetEntry),
                .run = run,
                .done = done,
        };
        Reading reading = {.owner = owner, .set = set, .out = out};
        Errands errands = {.hung = 0};

        *out = (SetEntries){.entries = NULL};
        reading.result = look_first(owner->borrow_directory, set);
        if (reading.result == 0)
                errands_run(&errands, &kind, &reading, 1);
        return reading.result;
}

void set_reader_release(SetEntries *entries)
{
        free(entries->entries);
        *entries = (SetEntries){.entries = NULL};
}
