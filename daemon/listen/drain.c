/* Waiting for workers to have nothing in hand. See drain.h. */
#include "daemon/listen/drain.h"

#include "core/error.h"
#include "daemon/listen/balancer.h"
#include "daemon/session/answer.h"
#include "daemon/session/session.h"

#include <errno.h>
#include <stdlib.h>

static bool is_drained(const Session *target)
{
        const Worker *worker;

        TAILQ_FOREACH(worker, &target->workers, session_link)
        {
                if (worker->in_hand_count > 0)
                        return false;
        }
        return true;
}

static void end_wait(DrainWaitList *drains, DrainWait *wait)
{
        TAILQ_REMOVE(drains, wait, link);
        free(wait);
}

void drain_set(Session *target, bool draining)
{
        Worker *worker;

        target->draining = draining;
        TAILQ_FOREACH(worker, &target->workers, session_link)
        worker_set_draining(worker, draining);
}

int drain_wait(DrainWaitList *drains, Session *asker, uint32_t sequence, Session *target)
{
        DrainWait *wait = malloc(sizeof(*wait));

        if (!wait)
                return error_set(ENOMEM, "no memory to wait for a drain");
        *wait = (DrainWait){.asker = asker, .sequence = sequence, .target = target};
        TAILQ_INSERT_TAIL(drains, wait, link);
        drain_check(drains, target);
        return 0;
}

bool drain_cancel(DrainWaitList *drains, Session *asker, uint32_t sequence)
{
        DrainWait *wait;

        TAILQ_FOREACH(wait, drains, link)
        {
                if (wait->asker == asker && wait->sequence == sequence) {
                        end_wait(drains, wait);
                        return true;
                }
        }
        return false;
}

void drain_check(DrainWaitList *drains, Session *target)
{
        DrainWait *wait, *next;

        if (!is_drained(target))
                return;
        for (wait = TAILQ_FIRST(drains); wait; wait = next) {
                next = TAILQ_NEXT(wait, link);
                if (wait->target != target)
                        continue;
                if (answer_done(wait->asker, wait->sequence) < 0)
                        session_fail(wait->asker, 0, error_set(ENOMEM, "no memory to go on"));
                end_wait(drains, wait);
        }
}

void drain_forget(DrainWaitList *drains, Session *session)
{
        DrainWait *wait, *next;

        for (wait = TAILQ_FIRST(drains); wait; wait = next) {
                next = TAILQ_NEXT(wait, link);
                if (wait->target == session && wait->asker != session) {
                        if (answer_done(wait->asker, wait->sequence) < 0)
                                session_fail(wait->asker, 0,
                                             error_set(ENOMEM, "no memory to go on"));
                }
                if (wait->target == session || wait->asker == session)
                        end_wait(drains, wait);
        }
}
