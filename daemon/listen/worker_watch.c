/* Which workers are silent. See worker_watch.h. */
#include "daemon/listen/worker_watch.h"

#include "core/error.h"
#include "daemon/listen/listener.h"
#include "daemon/loop/timer.h"

#include <errno.h>

static const struct timeval rest = {.tv_usec = WORKER_WATCH_MS * 1000};

/* The next packet is sent once it has taken the last: if that went, it was heard. */
static void look_at(Worker *worker, uint64_t now_ms)
{
        if (worker->not_taken == 0 || worker->passed != worker->watched_passed) {
                worker->watched_passed = worker->passed;
                worker->untaken_since_ms = now_ms;
                if (worker->silent)
                        worker_tell(worker, IOD__WHAT__WORKER_HEARD, 0, NULL);
                worker->silent = false;
        } else if (!worker->silent && now_ms - worker->untaken_since_ms >= WORKER_SILENT_MS) {
                worker->silent = true;
                worker_tell(worker, IOD__WHAT__WORKER_SILENT, worker->not_taken, NULL);
        }
}

/* From where it was the last time on. */
static void look_at_some(WorkerWatch *watch)
{
        uint64_t before = watch->listener > 0 ? watch->listener - 1 : 0;
        const uint64_t now_ms = clock_now_ms();
        unsigned looks = 0;
        Listener *listener;

        while ((listener = listener_after(watch->listeners, before))) {
                Worker *worker;

                if (listener->group.number != watch->listener)
                        watch->session = watch->endpoint = 0;
                watch->listener = before = listener->group.number;
                worker = worker_after(&listener->group, watch->session, watch->endpoint);
                for (; worker; worker = TAILQ_NEXT(worker, link)) {
                        if (looks++ == WORKER_WATCH_LOOKS)
                                return;
                        watch->session = worker->session_id;
                        watch->endpoint = worker->endpoint;
                        look_at(worker, now_ms);
                }
                if (looks++ == WORKER_WATCH_LOOKS)
                        return;
        }
        watch->listener = watch->session = watch->endpoint = 0;
}

static void look(void *data)
{
        WorkerWatch *watch = data;

        if (!teller_is_heard(watch->listeners->teller))
                return;
        look_at_some(watch);
        worker_watch_begin(watch);
}

static void on_look(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        look(data);
}

void worker_watch_begin(WorkerWatch *watch)
{
        if (!loop_event_is_added(watch->look))
                timer_arm(watch->listeners->loop, watch->look, &rest, &watch->again);
}

int worker_watch_open(WorkerWatch *watch, Listeners *listeners)
{
        *watch = (WorkerWatch){.listeners = listeners};
        waker_init(&watch->again, look, watch);
        watch->look = loop_timer_new(listeners->loop, on_look, watch);
        return watch->look ? 0 : error_set(ENOMEM, "no memory for the loop's events");
}

void worker_watch_close(WorkerWatch *watch)
{
        waker_cancel(&watch->again);
        watch->look = loop_event_free(watch->look);
}
