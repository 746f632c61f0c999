/* The loop's wait for a session's epoll set. See set_watch.h. */
#include "daemon/driver/set_watch.h"

#include "core/cleanup.h"

#include <errno.h>

static void on_never(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        (void)data;
}

void set_watch_init(SetWatch *watch, Loop *loop, event_callback_fn on_ready, void *data)
{
        *watch = (SetWatch){.loop = loop, .on_ready = on_ready, .data = data};
}

int set_watch_open(SetWatch *watch, int borrow_epoll_fd)
{
        watch->ready = loop_event_new(watch->loop, borrow_epoll_fd, EV_READ | EV_PERSIST,
                                      watch->on_ready, watch->data);
        watch->anchor =
                loop_event_new(watch->loop, borrow_epoll_fd, EV_WRITE | EV_PERSIST, on_never, NULL);
        if (watch->ready && watch->anchor && set_watch_arm(watch, true) == 0)
                return 0;
        set_watch_close(watch);
        return -ENOMEM;
}

void set_watch_close(SetWatch *watch)
{
        watch->ready = loop_event_free(watch->ready);
        watch->anchor = loop_event_free(watch->anchor);
}

int set_watch_arm(SetWatch *watch, bool waits)
{
        if (!watch->ready)
                return 0;
        if (!waits)
                return loop_event_del(watch->ready);
        return loop_event_add(watch->anchor, NULL) < 0 ? -1 : loop_event_add(watch->ready, NULL);
}

void set_watch_leave(SetWatch *watch)
{
        if (!watch->ready)
                return;
        loop_event_del(watch->ready);
        loop_event_del(watch->anchor);
}
