/* Looking at what was given out, on threads. See given_look.h. */
#include "daemon/listen/given_look.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/listen/socket_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct GivenLook {
        BlockingTask task;  /* first */
        Listener *listener; /* NULL: nobody wants to know any more */
        ListenerConfig config;
        int fd; /* one of its own, which stays open while it looks */
        int result;
        char why[ERROR_TEXT_MAX];
        void (*done)(Listener *listener, int r);
};

/* On a thread. */
static void run(BlockingTask *task)
{
        GivenLook *look = (GivenLook *)task;
        Address bound;

        look->result = socket_adopt_listener(look->fd, &look->config, &bound);
        if (look->result < 0)
                strcpy(look->why, error_text());
        cleanup_close(&look->fd);
        look->fd = -1;
}

static void on_done(BlockingTask *task, int error)
{
        GivenLook *look = (GivenLook *)task;

        if (error < 0) {
                look->result = error;
                strcpy(look->why, "the daemon stops");
        }
        /* The listener has it open. */
        if (look->fd >= 0)
                close(look->fd);
        if (look->result < 0)
                error_set(-look->result, "%s", look->why);
        if (look->listener)
                look->done(look->listener, look->result);
        free(look);
}

int given_look_start(GivenLook **out, Listener *listener, const ListenerConfig *config, uid_t uid,
                     void (*done)(Listener *listener, int r))
{
        GivenLook *look = calloc(1, sizeof(*look));
        int r;

        if (!look)
                return error_set(ENOMEM, "no memory to look at listener %.40s", config->name);
        *look = (GivenLook){
                .task = {.run = run, .done = on_done},
                .listener = listener,
                .config = *config,
                .fd = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0),
                .done = done,
        };
        r = look->fd < 0
                    ? error_set(errno, "no descriptor to look at listener %.40s: %s", config->name,
                                strerror(errno))
                    : blocking_pool_spawn(listener->group.listeners->blocking, uid, &look->task);
        if (r < 0) {
                if (look->fd >= 0)
                        close(look->fd);
                free(look);
                return r;
        }
        *out = look;
        return 0;
}

GivenLook *given_look_give_up(GivenLook *look)
{
        look->listener = NULL;
        return NULL;
}
