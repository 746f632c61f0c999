/*
 * Tasks: programs on libkyron that read as a sequence of steps.
 *
 * A task has two functions. start() begins its next IO, of which the library says whether it is
 * done at once or will be completed; take() gets the result and decides what comes next.
 * task_run() alternates between them until the task has to wait; the completion goes on from
 * there.
 *
 * A task whose IO is always done at once would keep all others waiting. After TASK_STEPS_MAX it
 * is put aside, and tasks_turn() looks for news from the daemon before it goes on with it.
 */
#pragma once

#include <kyron.h>
#include <sys/queue.h>

enum { TASK_STEPS_MAX = 64 };

/* The first member of what it is the task of. */
typedef struct Task Task;
struct Task {
        KyronOperation operation;                 /* what it waits for */
        int (*start)(Task *task);                 /* as the library's functions return */
        bool (*take)(Task *task, ssize_t result); /* false: it has ended, and may be freed */
        TAILQ_ENTRY(Task) link;
};

void task_init(Task *task, int (*start)(Task *), bool (*take)(Task *, ssize_t));
void task_run(Task *task);

/* Waits for news and runs what they concern, then what was put aside. Returns as process_io(). */
int tasks_turn(KyronIoDriverHandle *handle);
