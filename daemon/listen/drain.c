/* Waiting for workers to have nothing in hand. See drain.h. */
#include "daemon/listen/drain.h"

#include "core/error.h"
#include "daemon/listen/worker.h"
#include "daemon/loop/timer.h"
#include "daemon/session/answer.h"
#include "daemon/session/session.h"

#include <errno.h>
#include <stdlib.h>

static const struct timeval next_turn;

static void end_wait(Drains *drains, DrainWait *wait)
{
        Session *asker = wait->asker;

        if (wait->target)
                TAILQ_REMOVE(&wait->target->drains_awaited, wait, link);
        else
                TAILQ_REMOVE(&drains->done, wait, link);
        TAILQ_REMOVE(&asker->drains_asked, wait, asked_link);
        asker->drains_count--;
        asker->user->drains--;
        free(wait);
}

/* ---- Answering ----------------------------------------------------------------------------- */

static void answer_some(void *data)
{
        Drains *drains = data;
        DrainWait *wait;

        for (int i = 0; i < DRAIN_ANSWERS_PER_TURN && (wait = TAILQ_FIRST(&drains->done)); i++) {
                if (answer_done(wait->asker, wait->sequence) < 0)
                        session_fail(wait->asker, 0, error_set(ENOMEM, "no memory to go on"));
                end_wait(drains, wait);
        }
        if (!TAILQ_EMPTY(&drains->done))
                timer_arm(drains->loop, drains->answer, &next_turn, &drains->again);
}

static void on_answer(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        answer_some(data);
}

int drains_open(Drains *drains, Loop *loop)
{
        *drains = (Drains){.loop = loop};
        TAILQ_INIT(&drains->done);
        waker_init(&drains->again, answer_some, drains);
        drains->answer = loop_timer_new(loop, on_answer, drains);
        return drains->answer ? 0 : error_set(ENOMEM, "no memory for the loop's events");
}

void drains_close(Drains *drains)
{
        waker_cancel(&drains->again);
        drains->answer = loop_event_free(drains->answer);
}

/* All who wait for it. */
static void have_answered(Drains *drains, Session *target)
{
        DrainWait *wait;

        if (TAILQ_EMPTY(&target->drains_awaited))
                return;
        while ((wait = TAILQ_FIRST(&target->drains_awaited))) {
                TAILQ_REMOVE(&target->drains_awaited, wait, link);
                wait->target = NULL;
                TAILQ_INSERT_TAIL(&drains->done, wait, link);
        }
        timer_arm(drains->loop, drains->answer, &next_turn, &drains->again);
}

void drain_check(Drains *drains, Session *target)
{
        if (target->in_hand == 0)
                have_answered(drains, target);
}

/* ---- Asking -------------------------------------------------------------------------------- */

void drain_set(Session *target, bool draining)
{
        Worker *worker;

        target->draining = draining;
        TAILQ_FOREACH(worker, &target->workers, session_link)
        worker_set_draining(worker, draining);
}

int drain_check_room(const Session *asker)
{
        if (asker->drains_count >= DRAIN_PER_SESSION_MAX)
                return error_set(EDQUOT, "a session may wait for %d drains: cancel one first",
                                 DRAIN_PER_SESSION_MAX);
        if (asker->user->drains >= DRAIN_PER_USER_MAX)
                return error_set(EDQUOT, "user %u waits for %d drains: cancel one first",
                                 (unsigned)asker->user->uid, DRAIN_PER_USER_MAX);
        return 0;
}

int drain_wait(Drains *drains, Session *asker, uint32_t sequence, Session *target)
{
        DrainWait *wait = malloc(sizeof(*wait));

        if (!wait)
                return error_set(ENOMEM, "no memory to wait for a drain");
        *wait = (DrainWait){.asker = asker, .sequence = sequence, .target = target};
        TAILQ_INSERT_TAIL(&asker->drains_asked, wait, asked_link);
        TAILQ_INSERT_TAIL(&target->drains_awaited, wait, link);
        asker->drains_count++;
        asker->user->drains++;
        drain_check(drains, target);
        return 0;
}

bool drain_cancel(Drains *drains, Session *asker, uint32_t sequence)
{
        DrainWait *wait;

        TAILQ_FOREACH(wait, &asker->drains_asked, asked_link)
        {
                if (wait->sequence == sequence) {
                        end_wait(drains, wait);
                        return true;
                }
        }
        return false;
}

void drain_forget(Drains *drains, Session *session)
{
        DrainWait *wait;

        while ((wait = TAILQ_FIRST(&session->drains_asked)))
                end_wait(drains, wait);
        have_answered(drains, session);
}
