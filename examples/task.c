/* Tasks: start, take, start, take. See task.h. */
#include "task.h"

TAILQ_HEAD(TaskList, Task);
static struct TaskList aside = TAILQ_HEAD_INITIALIZER(aside);

void task_run(Task *task)
{
        for (int step = 0; step < TASK_STEPS_MAX; step++) {
                int r = task->start(task);

                if (r == KYRON_PENDING)
                        return;
                if (!task->take(task, r < 0 ? r : task->operation.result))
                        return;
        }
        TAILQ_INSERT_TAIL(&aside, task, link);
}

static void on_completion(KyronOperation *operation)
{
        Task *task = operation->user;

        if (task->take(task, operation->result))
                task_run(task);
}

void task_init(Task *task, int (*start)(Task *), bool (*take)(Task *, ssize_t))
{
        *task = (Task){.start = start, .take = take};
        kyron_operation_init(&task->operation, on_completion, task);
}

int tasks_turn(KyronIoDriverHandle *handle)
{
        int r = kyron_io_driver_handle_process_io(handle, TAILQ_EMPTY(&aside) ? -1 : 0);
        struct TaskList turn = TAILQ_HEAD_INITIALIZER(turn);
        Task *task;

        /* Only those that are aside now: they may be put there again. */
        TAILQ_CONCAT(&turn, &aside, link);
        while ((task = TAILQ_FIRST(&turn))) {
                TAILQ_REMOVE(&turn, task, link);
                task_run(task);
        }
        return r;
}
