/* Asking the kernel which files are still open. See reconciler.h. */
#include "daemon/driver/reconciler.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "daemon/driver/io_driver.h"
#include "daemon/driver/live_entries.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>

struct Reconciliation {
        TAILQ_ENTRY(Reconciliation) link;
        Reconciled *of;   /* NULL: its owner has ended meanwhile */
        int epoll_fd;     /* the session's, while that is there */
        bool with_thread; /* asked, or being read, or answered */
        int error;
        LiveEntries live;
        bool begun; /* marking */
        size_t marked;
        uint32_t slot; /* from which on to look */
};

/* ---- The thread ---------------------------------------------------------------------------- */

/* The next one, and a duplicate of its set; NULL: there will be no more. Called under the lock. */
static Reconciliation *next_asked(Reconciler *reconciler, int *set_fd)
{
        Reconciliation *next;

        for (;;) {
                while (!(next = TAILQ_FIRST(&reconciler->asked)) && !reconciler->stopping)
                        pthread_cond_wait(&reconciler->changed, &reconciler->lock);
                if (reconciler->stopping)
                        return NULL;
                TAILQ_REMOVE(&reconciler->asked, next, link);
                if (next->of)
                        break;
                free(next);
        }
        *set_fd = fcntl(next->epoll_fd, F_DUPFD_CLOEXEC, 0);
        if (*set_fd < 0)
                next->error = -errno;
        return next;
}

static void *run(void *data)
{
        Reconciler *reconciler = data;
        Reconciliation *next;
        int set_fd = -1;

        pthread_mutex_lock(&reconciler->lock);
        while ((next = next_asked(reconciler, &set_fd))) {
                pthread_mutex_unlock(&reconciler->lock);
                if (next->error == 0)
                        next->error = live_entries_read(&next->live, set_fd);
                /* If the session has ended meanwhile, this takes the whole set apart. */
                if (set_fd >= 0)
                        close(set_fd);
                pthread_mutex_lock(&reconciler->lock);
                TAILQ_INSERT_TAIL(&reconciler->answered, next, link);
                eventfd_write(reconciler->borrow_wake_fd, 1);
        }
        pthread_mutex_unlock(&reconciler->lock);
        return NULL;
}

enum { STACK_BYTES = 512 * 1024 };

static int start_thread(Reconciler *reconciler)
{
        pthread_attr_t attributes;
        sigset_t all, loops;
        int r;

        if (reconciler->has_thread)
                return 0;
        r = pthread_attr_init(&attributes);
        if (r != 0)
                return -r;
        /* By default it is as whoever started the daemon limited it. */
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &loops);
        r = pthread_create(&reconciler->thread, &attributes, run, reconciler);
        pthread_sigmask(SIG_SETMASK, &loops, NULL);
        pthread_attr_destroy(&attributes);
        reconciler->has_thread = r == 0;
        return -r;
}

/* ---- Asking -------------------------------------------------------------------------------- */

static int ask(Reconciler *reconciler, Reconciled *of)
{
        Reconciliation *asked;
        int r = start_thread(reconciler);

        if (r < 0)
                return r;
        asked = calloc(1, sizeof(*asked));
        if (!asked)
                return -ENOMEM;
        asked->of = of;
        asked->epoll_fd = of->set->selector.epoll_fd;
        asked->with_thread = true;
        of->reconciliation = asked;
        set_watch_leave(of->watch);
        pthread_mutex_lock(&reconciler->lock);
        TAILQ_INSERT_TAIL(&reconciler->asked, asked, link);
        pthread_cond_signal(&reconciler->changed);
        pthread_mutex_unlock(&reconciler->lock);
        return 0;
}

static uint64_t now_s(void)
{
        return clock_now_ms() / 1000;
}

void reconciler_put_off(Reconciled *reconciled)
{
        reconciled->set->reconcile_after = now_s() + 1;
}

int reconciler_holds(Reconciler *reconciler, Reconciled *reconciled, bool is_crowded)
{
        int r;

        if (reconciled->reconciliation)
                return 1;
        if ((!io_driver_is_cleanup_due(reconciled->set) && !is_crowded) ||
            now_s() < reconciled->set->reconcile_after)
                return 0;
        r = ask(reconciler, reconciled);
        if (r < 0)
                reconciler_put_off(reconciled);
        return r < 0 ? r : 1;
}

static void finish(Reconciled *of)
{
        Reconciliation *done = STEAL_PTR(of->reconciliation);
        int error = done->error;

        live_entries_release(&done->live);
        free(done);
        of->done(of->data, error);
}

/* ---- Applying the answers ------------------------------------------------------------------ */

/* One turn's share. Whether that was all. */
static bool apply_some(Reconciliation *answer)
{
        RegistrationSet *set = answer->of->set;
        size_t left = answer->live.count - answer->marked;
        size_t step = left < RECONCILER_STEP ? left : RECONCILER_STEP;
        bool all = false;

        if (answer->error < 0)
                return true;
        if (!answer->begun)
                registration_set_begin_marking(set);
        answer->begun = true;
        if (step > 0) /* else there may be no list */
                registration_set_mark_live(set, answer->live.ids + answer->marked, step);
        answer->marked += step;
        if (answer->marked < answer->live.count)
                return false;
        all = registration_set_forget_unmarked(set, &answer->slot, RECONCILER_STEP,
                                               RECONCILER_FORGET_STEP);
        answer->of->forgot(answer->of->data);
        if (all)
                set->watches = answer->live.count;
        return all;
}

static void on_apply(evutil_socket_t fd, short what, void *data)
{
        static const struct timeval next_turn;
        Reconciler *reconciler = data;
        Reconciliation *answer = TAILQ_FIRST(&reconciler->applied);

        (void)fd;
        (void)what;
        if (!answer)
                return;
        /* The sessions take turns. */
        TAILQ_REMOVE(&reconciler->applied, answer, link);
        if (apply_some(answer))
                finish(answer->of);
        else
                TAILQ_INSERT_TAIL(&reconciler->applied, answer, link);
        if (!TAILQ_EMPTY(&reconciler->applied))
                loop_event_add(reconciler->apply, &next_turn);
}

void reconciler_collect(Reconciler *reconciler)
{
        static const struct timeval next_turn;
        Reconciliation *answer;

        pthread_mutex_lock(&reconciler->lock);
        while ((answer = TAILQ_FIRST(&reconciler->answered))) {
                TAILQ_REMOVE(&reconciler->answered, answer, link);
                if (answer->of) {
                        answer->with_thread = false;
                        TAILQ_INSERT_TAIL(&reconciler->applied, answer, link);
                } else {
                        live_entries_release(&answer->live);
                        free(answer);
                }
        }
        pthread_mutex_unlock(&reconciler->lock);
        if (!TAILQ_EMPTY(&reconciler->applied))
                loop_event_add(reconciler->apply, &next_turn);
}

void reconciler_abandon(Reconciler *reconciler, Reconciled *reconciled)
{
        Reconciliation *abandoned = STEAL_PTR(reconciled->reconciliation);
        bool with_thread;

        if (!abandoned)
                return;
        with_thread = abandoned->with_thread;
        pthread_mutex_lock(&reconciler->lock);
        abandoned->of = NULL;
        pthread_mutex_unlock(&reconciler->lock);
        if (with_thread)
                return; /* which frees it, at once or when its answer is collected */
        TAILQ_REMOVE(&reconciler->applied, abandoned, link);
        live_entries_release(&abandoned->live);
        free(abandoned);
}

/* ---- Opening and closing ------------------------------------------------------------------- */

int reconciler_open(Reconciler *reconciler, Loop *loop, int borrow_wake_fd)
{
        *reconciler = (Reconciler){.borrow_wake_fd = borrow_wake_fd};
        TAILQ_INIT(&reconciler->asked);
        TAILQ_INIT(&reconciler->answered);
        TAILQ_INIT(&reconciler->applied);
        reconciler->apply = loop_timer_new(loop, on_apply, reconciler);
        if (!reconciler->apply)
                return -ENOMEM;
        pthread_mutex_init(&reconciler->lock, NULL);
        pthread_cond_init(&reconciler->changed, NULL);
        return 0;
}

void reconciler_close(Reconciler *reconciler)
{
        Reconciliation *asked;

        if (!reconciler->apply)
                return;
        if (reconciler->has_thread) {
                pthread_mutex_lock(&reconciler->lock);
                reconciler->stopping = true;
                pthread_cond_signal(&reconciler->changed);
                pthread_mutex_unlock(&reconciler->lock);
                pthread_join(reconciler->thread, NULL);
        }
        reconciler_collect(reconciler);
        while ((asked = TAILQ_FIRST(&reconciler->asked))) {
                TAILQ_REMOVE(&reconciler->asked, asked, link);
                free(asked);
        }
        reconciler->apply = loop_event_free(reconciler->apply);
        pthread_cond_destroy(&reconciler->changed);
        pthread_mutex_destroy(&reconciler->lock);
}
