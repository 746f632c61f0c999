/*
 * What a thread of another process waits for in poll(2) or select(2), as a WaitSet. It is read from
 * that process's memory, where the call's arguments point to: which takes the right to trace it,
 * and may hang in its pages: for an errand.
 */
#pragma once

#include "waits/descriptor_table.h"
#include "waits/thread_state.h"
#include "waits/wait_set.h"

/* Whether the thread is in such a call; then *out is the set, unread. */
bool poll_set_find(const ThreadState *thread, WaitSet *out);
/* For an errand: writes the entries, without inodes. 0, -ESRCH: the process is not the one that was
 * started at start_time, -ENOENT: the thread has gone on meanwhile, or -errno. */
int poll_set_read(pid_t pid, uint64_t start_time, const ThreadState *thread, ErrandOutput *output);
/* Gives the entries the inodes of what has their numbers. */
void poll_set_resolve(WaitSet *set, const DescriptorTable *table);
