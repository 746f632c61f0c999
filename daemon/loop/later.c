/* Who is called later. See later.h. */
#include "daemon/loop/later.h"

#include "daemon/loop/loop.h"
#include "daemon/loop/timer.h"

#include <errno.h>

void later_wake(Later *later, Waker *waker)
{
        waker_wait(waker, &later->now);
        loop_event_activate(later->over);
}

void later_wake_on_return(Later *later, Waker *waker)
{
        waker_wait(waker, &later->on_return);
        /* Also where the present callback is none of ours. */
        loop_event_activate(later->over);
}

void later_returned(Later *later)
{
        while (waker_list_wake_first(&later->on_return)) {
        }
}

void later_run(Later *later)
{
        while (waker_list_wake_first(&later->now)) {
        }
}

static void on_over(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        later_run(data);
}

void later_wake_in_a_moment(Later *later, Waker *waker)
{
        const struct timeval moment = {.tv_usec = LATER_MOMENT_MS * 1000};

        if (waker->list == &later->now)
                return;
        waker_wait(waker, &later->moment);
        if (!loop_event_is_added(later->passed))
                timer_arm(later->loop, later->passed, &moment, &later->again);
}

static void wake_moment(void *data)
{
        Later *later = data;

        waker_list_wake_all(&later->moment);
}

static void on_passed(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        wake_moment(data);
}

int later_open(Later *later, Loop *loop)
{
        *later = (Later){.loop = loop};
        TAILQ_INIT(&later->on_return);
        TAILQ_INIT(&later->now);
        TAILQ_INIT(&later->moment);
        waker_init(&later->again, wake_moment, later);
        later->over = loop_timer_new(loop, on_over, later);
        later->passed = loop_timer_new(loop, on_passed, later);
        return later->over && later->passed ? 0 : -ENOMEM;
}

void later_close(Later *later)
{
        later->over = loop_event_free(later->over);
        later->passed = loop_event_free(later->passed);
}
