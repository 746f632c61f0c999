/* What processes have open. See descriptor_table.h. */
#include "waits/descriptor_table.h"

#include "core/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void cleanup_closedir(DIR **directory)
{
        if (*directory)
                closedir(*directory);
}

static const struct {
        const char *link;
        DescriptorKind kind;
} kinds[] = {
        {"anon_inode:[eventpoll]", DESCRIPTOR_SET},
        {"anon_inode:[timerfd]", DESCRIPTOR_TIMER},
        {"anon_inode:[eventfd]", DESCRIPTOR_EVENT},
        {"anon_inode:[signalfd]", DESCRIPTOR_SIGNAL},
};

static bool is_numbered(const char *link, const char *kind, uint64_t *out)
{
        const size_t length = strlen(kind);
        char end;

        return strncmp(link, kind, length) == 0 &&
               sscanf(link + length, "[%" SCNu64 "%c", out, &end) == 2 && end == ']';
}

/* What may be done to a pipe is what its link allows. */
static void read_ends(int directory, const char *name, Descriptor *out)
{
        struct stat status;

        if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return;
        out->reads = status.st_mode & S_IRUSR;
        out->writes = status.st_mode & S_IWUSR;
}

/* What the link at name says; false: it is gone. */
static bool read_link(int directory, const char *name, Descriptor *out)
{
        char link[64];
        ssize_t n = readlinkat(directory, name, link, sizeof(link) - 1);

        if (n <= 0)
                return false;
        link[n] = '\0';
        *out = (Descriptor){.number = (int)strtol(name, NULL, 10)};
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                if (strcmp(link, kinds[i].link) == 0)
                        out->kind = kinds[i].kind;
        }
        if (is_numbered(link, "socket:", &out->inode)) {
                out->kind = DESCRIPTOR_SOCKET;
        } else if (is_numbered(link, "pipe:", &out->inode)) {
                out->kind = DESCRIPTOR_PIPE;
                read_ends(directory, name, out);
        }
        return true;
}

static int compare(const void *left, const void *right)
{
        const Descriptor *a = left, *b = right;

        if (a->inode != b->inode)
                return a->inode < b->inode ? -1 : 1;
        return (a->number > b->number) - (a->number < b->number);
}

static int add(DescriptorTable *table, size_t *capacity, const Descriptor *descriptor)
{
        if (table->count == *capacity) {
                size_t more = *capacity ? *capacity * 2 : 64;
                Descriptor *grown = reallocarray(table->entries, more, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                table->entries = grown;
                *capacity = more;
        }
        table->entries[table->count++] = *descriptor;
        return 0;
}

static int read_all(DescriptorTable *table, DIR *directory, size_t most)
{
        size_t capacity = 0, open = 0;
        const struct dirent *entry;
        Descriptor descriptor;
        int r = 0;

        while (r == 0 && (entry = readdir(directory))) {
                if (*entry->d_name == '.')
                        continue;
                if (++open > most)
                        return -E2BIG;
                if (read_link(dirfd(directory), entry->d_name, &descriptor))
                        r = add(table, &capacity, &descriptor);
        }
        return r;
}

int descriptor_table_read(DescriptorTable *out, int borrow_directory, size_t most)
{
        CLEANUP(cleanup_closedir) DIR *directory = NULL;
        int fd = openat(borrow_directory, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
        struct stat status;

        *out = (DescriptorTable){.count = 0};
        if (fd < 0)
                return -errno;
        directory = fdopendir(fd);
        if (!directory) {
                close(fd);
                return -ENOMEM;
        }
        /* Newer kernels say at once how many there are. */
        if (fstat(fd, &status) == 0 && status.st_size > 0 && (size_t)status.st_size > most)
                return -E2BIG;
        r = read_all(out, directory, most);
        if (r < 0)
                descriptor_table_free(out);
        else if (out->count > 0)
                qsort(out->entries, out->count, sizeof(*out->entries), compare);
        return r;
}

void descriptor_table_free(DescriptorTable *table)
{
        free(table->entries);
        *table = (DescriptorTable){.count = 0};
}

bool descriptor_table_has(const DescriptorTable *table, int number, uint64_t inode)
{
        const Descriptor key = {.number = number, .inode = inode};

        return inode != 0 && table->count > 0 &&
               bsearch(&key, table->entries, table->count, sizeof(key), compare) != NULL;
}

const Descriptor *descriptor_table_find(const DescriptorTable *table, int number)
{
        for (size_t i = 0; i < table->count; i++) {
                if (table->entries[i].number == number)
                        return &table->entries[i];
        }
        return NULL;
}

const Descriptor *descriptor_table_find_inode(const DescriptorTable *table, uint64_t inode)
{
        size_t low = 0, high = table->count;

        while (low < high) {
                const size_t middle = low + (high - low) / 2;

                if (table->entries[middle].inode < inode)
                        low = middle + 1;
                else
                        high = middle;
        }
        return inode != 0 && low < table->count && table->entries[low].inode == inode
                       ? &table->entries[low]
                       : NULL;
}
