/* The loop. See loop.h. */
#include "daemon/loop/loop.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* libevent's own words, which would else go to standard error. */
static void on_loop_log(int severity, const char *message)
{
        log_daemon(severity >= EVENT_LOG_WARN ? LOG_WARNING : LOG_DEBUG, "event loop: %s", message);
}

static struct event_base *new_base(void)
{
        struct event_config *config;
        struct event_base *base;

        event_set_log_callback(on_loop_log);
        config = event_config_new();
        if (!config)
                return NULL;
        /* The sessions' epoll sets are waited for in the loop's own: it must be epoll. */
        event_config_avoid_method(config, "poll");
        event_config_avoid_method(config, "select");
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        base = event_base_new_with_config(config);
        event_config_free(config);
        return base;
}

int loop_open(Loop *loop)
{
        *loop = (Loop)LOOP_INIT;
        TAILQ_INIT(&loop->unarmed);
        loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (loop->wake_fd < 0)
                return error_set(errno, "no eventfd for the loop: %s", strerror(errno));
        loop->base = new_base();
        if (!loop->base || later_open(&loop->later, loop) < 0)
                return error_set(ENOMEM, "no event loop");
        return 0;
}

void loop_close(Loop *loop)
{
        later_close(&loop->later);
        if (loop->base)
                event_base_free(STEAL_PTR(loop->base));
        cleanup_close(&loop->wake_fd);
}
