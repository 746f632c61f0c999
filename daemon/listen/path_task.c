/* What is done to paths, on threads. See path_task.h. */
#include "daemon/listen/path_task.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/error.h"
#include "daemon/listen/socket_open.h"
#include "daemon/process/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATH_ENDING_MS = 100 };

struct PathRemoval {
        BlockingTask task;
        LIST_ENTRY(PathRemoval) link;
        Listeners *listeners; /* NULL: they are gone */
        ListenerConfig config;
        SocketFile file;
        int fd;
        CloserLane *lane; /* NULL: it is closed on the thread */
        QuotaUser *user;
        char why[ERROR_TEXT_MAX]; /* the file stays; or "" */
};

/* ---- Removing ------------------------------------------------------------------------------ */

/* All that is the loop's. */
static void let_go(PathRemoval *removal)
{
        Listeners *listeners = removal->listeners;

        assert(listeners);
        LIST_REMOVE(removal, link);
        removal->listeners = NULL;
        if (removal->lane)
                closer_push_own(listeners->closer, removal->lane, STEAL_FD(removal->fd));
        if (!removal->user)
                return;
        quota_discharge(removal->user, QUOTA_LISTENERS, 1);
        removal->user = quota_user_unref(listeners->quota, removal->user);
}

/* On a thread. */
static void run_removal(BlockingTask *task)
{
        PathRemoval *removal = (PathRemoval *)task;

        if (socket_file_remove(&removal->config, &removal->file) < 0)
                strcpy(removal->why, error_text());
        if (removal->lane)
                return;
        shutdown(removal->fd, SHUT_RD);
        cleanup_close(&removal->fd);
}

static void on_removed(BlockingTask *task, int error)
{
        PathRemoval *removal = (PathRemoval *)task;

        if (error < 0 && !removal->lane)
                close(removal->fd); /* nobody could connect to it */
        if (*removal->why)
                log_user(LOG_DEBUG, removal->config.user, "the file of listener %s stays: %s",
                         removal->config.name, removal->why);
        if (removal->listeners)
                let_go(removal);
        free(removal);
}

void path_removal_start(Listeners *listeners, const ListenerConfig *config, const SocketFile *file,
                        int take_fd, CloserLane *lane, QuotaUser *user)
{
        PathRemoval *removal = malloc(sizeof(*removal));
        PathRemoval stays = {
                .task = {.run = run_removal, .done = on_removed},
                .listeners = listeners,
                .config = *config,
                .file = *file,
                .fd = take_fd,
                .lane = lane,
                .user = user,
        };
        int r = removal ? 0 : error_set(ENOMEM, "no memory for what has to wait");

        if (!removal)
                removal = &stays;
        else
                *removal = stays;
        LIST_INSERT_HEAD(&listeners->removals, removal, link);
        if (r == 0)
                r = blocking_pool_spawn(listeners->blocking, config->user, &removal->task);
        if (r == 0)
                return;
        log_user(LOG_WARNING, config->user, "the file of listener %s stays: %s", config->name,
                 error_text());
        if (!lane)
                close(take_fd);
        let_go(removal);
        if (removal != &stays)
                free(removal);
}

void path_ending_start(Listeners *listeners, const ListenerConfig *config, int borrow_fd)
{
        const SocketFile none = {.inode = 0};
        int fd = fcntl(borrow_fd, F_DUPFD_CLOEXEC, 0);

        if (fd < 0)
                return;
        path_removal_start(listeners, config, &none, fd, NULL, NULL);
        path_tasks_settle(listeners, PATH_ENDING_MS);
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* On a thread. */
static void run_opening(BlockingTask *task)
{
        PathOpening *opening = (PathOpening *)task;

        opening->fd = socket_open_path(&opening->config, &opening->file);
        if (opening->fd < 0)
                strcpy(opening->why, error_text());
}

static void on_opened(BlockingTask *task, int error)
{
        PathOpening *opening = (PathOpening *)task;

        if (opening->listeners)
                LIST_REMOVE(opening, link);
        if (error < 0) {
                opening->fd = error;
                strcpy(opening->why, "the daemon stops");
        }
        if (opening->data)
                opening->done(opening->data, opening);
        else
                path_opening_free(opening);
}

int path_opening_start(PathOpening **out, Listeners *listeners, const ListenerConfig *config,
                       void (*done)(void *data, PathOpening *opening), void *data)
{
        PathOpening *opening = calloc(1, sizeof(*opening));
        int r;

        if (!opening)
                return error_set(ENOMEM, "no memory for another listener");
        *opening = (PathOpening){
                .task = {.run = run_opening, .done = on_opened},
                .listeners = listeners,
                .config = *config,
                .done = done,
                .data = data,
        };
        r = blocking_pool_spawn(listeners->blocking, config->user, &opening->task);
        if (r < 0) {
                free(opening);
                return r;
        }
        LIST_INSERT_HEAD(&listeners->openings, opening, link);
        *out = opening;
        return 0;
}

PathOpening *path_opening_free(PathOpening *opening)
{
        Listeners *listeners = opening->listeners;

        /* Nobody could connect to it: closing does not wait. */
        if (opening->fd >= 0 && listeners)
                path_removal_start(listeners, &opening->config, &opening->file, opening->fd, NULL,
                                   NULL);
        else if (opening->fd >= 0)
                close(opening->fd);
        free(opening);
        return NULL;
}

PathOpening *path_opening_give_up(PathOpening *opening)
{
        opening->data = NULL;
        return NULL;
}

/* ---- All of them --------------------------------------------------------------------------- */

void path_tasks_settle(Listeners *listeners, int ms)
{
        const struct timespec nap = {.tv_nsec = 1000000};
        uint64_t until = clock_now_ms() + (uint64_t)ms;

        while (!(LIST_EMPTY(&listeners->openings) && LIST_EMPTY(&listeners->removals)) &&
               clock_now_ms() < until) {
                nanosleep(&nap, NULL);
                blocking_pool_collect(listeners->blocking);
        }
}

void path_tasks_abandon(Listeners *listeners)
{
        PathOpening *opening;
        PathRemoval *removal;

        while ((opening = LIST_FIRST(&listeners->openings))) {
                LIST_REMOVE(opening, link);
                opening->listeners = NULL;
                opening->data = NULL;
        }
        while ((removal = LIST_FIRST(&listeners->removals)))
                let_go(removal);
}
