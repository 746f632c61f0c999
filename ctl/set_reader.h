/*
 * SetReader: what is in an epoll set of another process, as /proc tells it to whom the kernel lets
 * look there.
 *
 * Whoever reads it may hang, so it is an errand (waits/errands.h). How much is read is bounded, and
 * a process with very many descriptors is not looked into: the kernel locks a set for as long as it
 * lists it, and its owner waits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
        /* Files of one set that are told. */
        SET_READER_ENTRIES_MAX = 65536,
        /* Descriptors of a process whose sets are read: some 100 ms of the owner's. */
        SET_READER_DESCRIPTORS_MAX = 65536,

        SET_READER_KIND_MAX = 16, /* bytes */
};

typedef struct SetEntry {
        int number;      /* that it was added by, in its process */
        uint32_t events; /* epoll's bits */
        uint64_t inode;  /* 0: none of its own */
        /* The number is closed, or another file's by now. */
        bool stale;
        /* "socket", "pipe", "eventfd", … by the kernel's word; "file" of one with a path;
         * "unknown". Printable. */
        char kind[SET_READER_KIND_MAX];
} SetEntry;

typedef struct SetEntries {
        SetEntry *entries;
        size_t count;
        bool more; /* than are told */
} SetEntries;

/* A process, as it was found. */
typedef struct SetOwner {
        pid_t pid;
        uint64_t start_time;
        int borrow_directory; /* in /proc */
} SetOwner;

/*
 * Reads its set by the number of the descriptor, without what a handle of libkyron has there for
 * itself. 0 with *out, to be released; or -EACCES, -EPERM this process may not look, -ESRCH,
 * -ENOENT the process or the descriptor is not there, -ENOTTY it is no epoll set, -E2BIG there are
 * too many descriptors, -ETIME it took too long, or another -errno.
 */
int set_reader_read(const SetOwner *owner, uint32_t set, int patience_ms, SetEntries *out);
void set_reader_release(SetEntries *entries);
