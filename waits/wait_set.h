/*
 * WaitSet: an epoll set of another process, as /proc/PID/fdinfo lists it, or what a thread of it
 * polls. Reading an epoll set takes its lock: for an errand.
 */
#pragma once

#include "waits/errands.h"

#include <stdbool.h>
#include <sys/types.h>

enum {
        /* Reading a larger one holds its process up for milliseconds. */
        WAIT_SET_ENTRIES_MAX = 20000,
        WAIT_SET_ENTRIES_LARGE_MAX = 4000000,
};

typedef struct WaitEntry {
        uint64_t inode;
        int32_t number;  /* of the descriptor when it was added */
        uint32_t events; /* EPOLLIN and so on */
} WaitEntry;

typedef enum WaitSetStatus {
        WAIT_SET_READ,
        WAIT_SET_LARGE,  /* it has more entries than are asked for */
        WAIT_SET_HUNG,   /* reading it did not come to an end */
        WAIT_SET_LEFT,   /* it was not tried, for what hung before */
        WAIT_SET_UNREAD, /* it is gone, or not for this user */
} WaitSetStatus;

typedef enum WaitSetKind {
        WAIT_SET_EPOLL,
        WAIT_SET_POLL, /* see poll_set.h */
        WAIT_SET_SELECT,
} WaitSetKind;

typedef struct WaitSet {
        WaitSetKind kind;
        int number; /* its descriptor; of a poll, below -1: another for each thread */
        pid_t tid;  /* of a poll: the thread */
        WaitSetStatus status;
        size_t count;
        WaitEntry *entries; /* owned; by inode */
} WaitSet;

/* A line of fdinfo. */
typedef struct WaitLine {
        WaitEntry entry;
        uint64_t data;   /* what the process keeps with it */
        uint32_t device; /* of the inode: major << 20 | minor */
} WaitLine;

/* Whether it is an entry. */
bool wait_set_parse_line(const char *line, WaitLine *out);

/* For an errand: gives each entry of the set with this number, of the process of this directory in
 * /proc, until each() says false. 0 or -errno. */
int wait_set_walk(int borrow_directory, int number, bool (*each)(void *data, const WaitLine *line),
                  void *data);
/* For an errand: writes the entries of the set with this number of the process that was started at
 * start_time. 0, -ESRCH: there is no such process, or -errno. */
int wait_set_read(pid_t pid, uint64_t start_time, int number, ErrandOutput *output);
/* Takes what the errand came to; at most so many entries, else it is WAIT_SET_LARGE. */
void wait_set_take(WaitSet *set, size_t most, int result, const void *bytes, size_t size);
/* The first entry with this inode; the others follow. NULL: there is none. */
const WaitEntry *wait_set_find(const WaitSet *set, uint64_t inode);
void wait_set_free(WaitSet *set);
