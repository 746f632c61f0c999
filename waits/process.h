/*
 * Process: another process at one moment: what it has open, its epoll sets, its threads, and what
 * these poll. What its user keeps from us is missing, and the status says so.
 */
#pragma once

#include "waits/descriptor_table.h"
#include "waits/process_directory.h"
#include "waits/thread_state.h"
#include "waits/timer_state.h"
#include "waits/wait_set.h"

/* The others are not looked at. */
enum {
        PROCESS_EPOLL_SETS_MAX = 256,
        PROCESS_POLLS_MAX = 16,
        PROCESS_SETS_MAX = PROCESS_EPOLL_SETS_MAX + PROCESS_POLLS_MAX,
        PROCESS_TIMERS_MAX = 64,
};

typedef enum ProcessStatus {
        PROCESS_SEEN,
        PROCESS_LARGE, /* it has more descriptors than are asked for: none was looked at */
        PROCESS_SHUT,  /* its descriptors are not for this user */
} ProcessStatus;

typedef struct Process {
        pid_t pid;
        uint32_t uid; /* its effective user's */
        ProcessStat stat;
        ProcessStatus status;
        DescriptorTable descriptors;
        size_t set_count;
        WaitSet *sets; /* owned; WAIT_SET_UNREAD until an errand has read them; polls come last */
        size_t thread_count;
        ThreadState *threads; /* owned */
        size_t timer_count;
        TimerState *timers; /* owned; only where there are epoll sets */
} Process;

/* Its name and user alone. 0; or -errno, and there is nothing to free. */
int process_open(Process *out, pid_t pid, int *out_directory);
/* The rest; at most so many descriptors. 0 or -errno: it has ended. */
int process_read(Process *process, int borrow_directory, size_t most);
/* Lets go of what it has open: PROCESS_LARGE. */
void process_forget(Process *process);
void process_free(Process *process);

/* NULL: there is none. */
const ThreadState *process_find_thread(const Process *process, pid_t tid);
const WaitSet *process_find_set(const Process *process, int number);
/* The first of its sets that waits for the socket or pipe with this inode to become readable, and
 * for which events; NULL: none does. */
const WaitSet *process_find_waiting(const Process *process, uint64_t inode, uint32_t *events);
/* By a signal or a tracer. */
bool process_is_stopped(const Process *process);
/* Whether both are one process. */
bool process_is_same(const Process *one, const Process *other);
