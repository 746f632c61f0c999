/* Users and groups that nobody knew. See late_names.h. */
#include "daemon/restart/late_names.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/config/config_block.h"
#include "daemon/daemon.h"
#include "daemon/process/log.h"
#include "daemon/restart/reload_apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Name {
        char *title; /* of the policy */
        size_t index;
        PolicyWho who;
        uint32_t id;
} Name;

/* Names that are being asked for. */
typedef struct Asking {
        BlockingTask task;
        LateNames *asker; /* NULL: nobody wants to know any more */
        size_t count;
        Name names[];
} Asking;

struct LateNames {
        Daemon *daemon;
        LoopEvent *timer;
        uint32_t next_ms;
        Asking *asking;
};

static Asking *asking_free(Asking *asking)
{
        for (size_t i = 0; i < asking->count; i++)
                free(asking->names[i].title);
        free(asking);
        return NULL;
}

/* On a thread. */
static void ask(BlockingTask *task)
{
        Asking *asking = (Asking *)task;

        for (size_t i = 0; i < asking->count; i++) {
                Name *name = &asking->names[i];

                if (config_block_find_whom(name->title, &name->who, &name->id) != 0)
                        name->who = POLICY_UNKNOWN;
        }
}

static void ask_later(LateNames *late)
{
        const struct timeval time = {
                .tv_sec = late->next_ms / 1000,
                .tv_usec = (suseconds_t)(late->next_ms % 1000) * 1000,
        };

        late->next_ms = late->next_ms < LATE_NAMES_MS / 2 ? 2 * late->next_ms : LATE_NAMES_MS;
        /* Without the memory, a reload asks again. */
        loop_event_add(late->timer, &time);
}

static void on_asked(BlockingTask *task, int error)
{
        Asking *asking = (Asking *)task;
        LateNames *late = asking->asker;
        bool has_found = false;

        for (size_t i = 0; late && error == 0 && i < asking->count; i++) {
                const Name *name = &asking->names[i];

                if (name->who == POLICY_UNKNOWN)
                        continue;
                policy_set_known(late->daemon->config->policy, name->index, name->title, name->who,
                                 name->id);
                log_daemon(LOG_NOTICE, "policy %s is in force: it is for id %u", name->title,
                           name->id);
                has_found = true;
        }
        asking_free(asking);
        if (!late)
                return;
        late->asking = NULL;
        if (has_found)
                reload_refresh_limits(late->daemon);
        ask_later(late);
}

/* All that are unknown; NULL: there is none, or no memory. */
static Asking *collect(const Policy *policy)
{
        Asking *asking;
        const char *title;
        const size_t count = policy_count_unknown(policy);

        asking = count > 0 ? calloc(1, sizeof(*asking) + count * sizeof(Name)) : NULL;
        if (!asking)
                return NULL;
        for (size_t i = 0; (title = policy_next_unknown(policy, &i)); i++) {
                Name *name = &asking->names[asking->count];

                *name = (Name){.title = strdup(title), .index = i};
                if (!name->title)
                        return asking_free(asking);
                asking->count++;
        }
        return asking;
}

static void on_time(evutil_socket_t fd, short what, void *data)
{
        LateNames *late = data;
        Daemon *daemon = late->daemon;
        Asking *asking;

        (void)fd;
        (void)what;
        if (policy_count_unknown(daemon->config->policy) == 0)
                return;
        asking = collect(daemon->config->policy);
        if (asking) {
                asking->task = (BlockingTask){.run = ask, .done = on_asked};
                asking->asker = late;
                if (blocking_pool_spawn(daemon->blocking, geteuid(), &asking->task) == 0) {
                        late->asking = asking;
                        return;
                }
                asking_free(asking);
        }
        ask_later(late);
}

static void forget(LateNames *late)
{
        loop_event_del(late->timer);
        if (late->asking)
                late->asking->asker = NULL;
        late->asking = NULL;
}

void late_names_begin(Daemon *daemon)
{
        LateNames *late = daemon->late_names;

        forget(late);
        late->next_ms = LATE_NAMES_FIRST_MS;
        if (policy_count_unknown(daemon->config->policy) > 0)
                ask_later(late);
}

int late_names_open(Daemon *daemon)
{
        LateNames *late = calloc(1, sizeof(*late));

        if (late)
                late->timer = loop_timer_new(&daemon->loop, on_time, late);
        if (!late || !late->timer) {
                free(late);
                return error_set(ENOMEM, "no memory to look names up again");
        }
        late->daemon = daemon;
        daemon->late_names = late;
        late_names_begin(daemon);
        return 0;
}

void late_names_close(Daemon *daemon)
{
        LateNames *late = STEAL_PTR(daemon->late_names);

        if (!late)
                return;
        forget(late);
        loop_event_free(late->timer);
        free(late);
}
