/* Putting a configuration in force. See reload_apply.h. */
#include "daemon/restart/reload_apply.h"

#include "core/error.h"
#include "daemon/config/authorise.h"
#include "daemon/daemon.h"
#include "daemon/listen/accepting.h"
#include "daemon/listen/listener_socket.h"
#include "daemon/listen/listener_waiter.h"
#include "daemon/listen/socket_open.h"
#include "daemon/loop/timer.h"
#include "daemon/process/log.h"
#include "daemon/restart/late_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ListenerConfig *find_config(const Config *config, const char *name)
{
        for (size_t i = 0; i < config->n_listeners; i++) {
                if (strcmp(config->listeners[i].name, name) == 0)
                        return &config->listeners[i];
        }
        return NULL;
}

/* A configured listener whose socket stays: a client's of that name is another. */
static Listener *find_kept(const Daemon *daemon, const ListenerConfig *config)
{
        Listener *listener = listener_find_configured(&daemon->listeners, config->name);

        return listener && listener_suits(listener, config) ? listener : NULL;
}

/* Closes the configured listeners that are not in config. */
static void close_others(Daemon *daemon, const Config *config)
{
        Listener *listener, *next;

        for (listener = TAILQ_FIRST(&daemon->listeners.list); listener; listener = next) {
                const ListenerConfig *wanted = find_config(config, listener->config.name);

                next = TAILQ_NEXT(listener, link);
                if (listener->configured && !(wanted && listener_suits(listener, wanted)))
                        listener_close(listener, "it is not configured so any more");
        }
}

/* One that this reload has opened; a client may have opened others meanwhile. */
static bool is_new(const Listener *listener, uint64_t last)
{
        return listener->configured && listener->group.number > last;
}

static void close_new(Daemon *daemon, uint64_t last)
{
        Listener *listener, *next;

        for (listener = TAILQ_FIRST(&daemon->listeners.list); listener; listener = next) {
                next = TAILQ_NEXT(listener, link);
                if (is_new(listener, last))
                        listener_close(listener, "the configuration is not in force after all");
        }
}

/* Whether all that is wrong with the listener's socket is that a client was given it. */
static bool is_given_away(const Daemon *daemon, const ListenerConfig *config)
{
        const Listener *listener = listener_find_configured(&daemon->listeners, config->name);

        return listener && listener_config_same_socket(&listener->config, config);
}

/* Opens one that is not there yet, or has it wait for its address: that is not this machine's yet,
 * and nobody else serves under this name; or it is free once a socket that was given away is
 * closed. */
static int open_new(Daemon *daemon, const ListenerConfig *config)
{
        Listeners *listeners = &daemon->listeners;
        Listener *listener;
        int r;

        if (is_given_away(daemon, config))
                return listener_open_late(&listener, listeners, config);
        r = listener_open(&listener, listeners, config, NULL);
        if (r == -EADDRNOTAVAIL && !listener_find_configured(listeners, config->name))
                r = listener_open_late(&listener, listeners, config);
        return r;
}

/* Opens what is not there yet. A listener that moves is there twice for a moment. */
static int open_missing(Daemon *daemon, const Config *config)
{
        int r = 0;

        for (size_t i = 0; i < config->n_listeners && r >= 0; i++) {
                if (!find_kept(daemon, &config->listeners[i]))
                        r = open_new(daemon, &config->listeners[i]);
        }
        return r < 0 ? r : 0;
}

/* What the configuration has and is not in force yet. */
static void tell_what_waits(const Daemon *daemon, const Config *config,
                            void (*tell)(void *data, const char *sentence), void *data)
{
        char sentence[ERROR_TEXT_MAX];

        for (size_t i = 0; i < config->n_listeners; i++) {
                const Listener *listener = find_kept(daemon, &config->listeners[i]);

                if (!listener || !*listener->lacks)
                        continue;
                snprintf(sentence, sizeof(sentence), "listener %s: waits for its address: %s",
                         listener->config.name, listener->lacks);
                tell(data, sentence);
        }
        for (size_t i = 0; i < config->n_warnings; i++)
                tell(data, config->warnings[i]);
}

static void adopt_options(Daemon *daemon, const Config *config)
{
        for (size_t i = 0; i < config->n_listeners; i++) {
                Listener *listener = find_kept(daemon, &config->listeners[i]);
                bool was_shared;

                if (!listener)
                        continue;
                was_shared = listener->config.shared;
                listener->config = config->listeners[i];
                if (listener->config.shared != was_shared)
                        listener_socket_store(listener); /* the record says which */
                listener_socket_look(listener);
                if (listener->fd < 0)
                        continue;
                /* The backlog may be another. If not, it goes on with the one it has. */
                if (socket_listen(listener->fd, &listener->config) < 0)
                        log_daemon(LOG_WARNING, "listener %s keeps its backlog: %s",
                                   listener->config.name, error_text());
        }
        listener_update_all(&daemon->listeners);
}

void reload_refresh_limits(Daemon *daemon)
{
        Session *session;

        quota_forget_limits(&daemon->quota);
        TAILQ_FOREACH(session, &daemon->sessions.list, link)
        {
                uint32_t limits[QUOTA_RESOURCE_COUNT];

                authorise_limits(daemon->config->policy, &session->peer, limits);
                quota_user_raise_limits(session->user, limits);
        }
}

/* ---- What has to be waited for -------------------------------------------------------------- */

typedef struct Awaited {
        ListenerWaiter waiter; /* first */
        ReloadApply *apply;
        const char *name;
        bool is_done;
} Awaited;

struct ReloadApply {
        Daemon *daemon;
        uint64_t last; /* the number of the last listener that was there before */
        void (*opened)(void *data);
        void *data;
        LoopEvent *patience;
        Waker over; /* the patience, where the timer could not be armed */
        int result;
        char why[ERROR_TEXT_MAX];
        size_t n_awaited;
        size_t n_pending;
        Awaited awaited[]; /* as many as are configured */
};

static void await_no_more(ReloadApply *apply)
{
        for (size_t i = 0; i < apply->n_awaited; i++)
                listener_waiter_cancel(&apply->awaited[i].waiter);
        waker_cancel(&apply->over);
        loop_event_del(apply->patience);
}

static void on_opened(ListenerWaiter *waiter, int r)
{
        Awaited *awaited = (Awaited *)waiter;
        ReloadApply *apply = awaited->apply;

        awaited->is_done = true;
        apply->n_pending--;
        if (r < 0) {
                apply->result = r;
                snprintf(apply->why, sizeof(apply->why), "%s", error_text());
        }
        if (r == 0 && apply->n_pending > 0)
                return;
        await_no_more(apply);
        apply->opened(apply->data);
}

static void on_impatient(void *data)
{
        ReloadApply *apply = data;

        await_no_more(apply);
        for (size_t i = 0; i < apply->n_awaited; i++) {
                if (!apply->awaited[i].is_done)
                        log_daemon(LOG_WARNING,
                                   "listener %s is late: its file system does not answer",
                                   apply->awaited[i].name);
        }
        apply->opened(apply->data);
}

static void on_patience(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        on_impatient(data);
}

static void await(ReloadApply *apply, Listener *listener)
{
        Awaited *awaited = &apply->awaited[apply->n_awaited++];

        awaited->apply = apply;
        awaited->name = listener->config.name;
        listener_waiter_wait(&awaited->waiter, listener, on_opened);
        apply->n_pending++;
}

/* ---- All of it ----------------------------------------------------------------------------- */

static ReloadApply *apply_free(ReloadApply *apply)
{
        await_no_more(apply);
        loop_event_free(apply->patience);
        free(apply);
        return NULL;
}

ReloadApply *reload_apply_undo(ReloadApply *apply)
{
        await_no_more(apply);
        close_new(apply->daemon, apply->last);
        return apply_free(apply);
}

int reload_apply_begin(ReloadApply **out, Daemon *daemon, const Config *config,
                       void (*opened)(void *data), void *data)
{
        const struct timeval patience = {.tv_sec = RELOAD_OPEN_MS / 1000};
        ReloadApply *apply =
                calloc(1, sizeof(*apply) + config->n_listeners * sizeof(apply->awaited[0]));
        Listener *listener;
        int r;

        if (!apply)
                return error_set(ENOMEM, "there is no memory for the configuration");
        apply->daemon = daemon;
        apply->last = daemon->listeners.total;
        apply->opened = opened;
        apply->data = data;
        waker_init(&apply->over, on_impatient, apply);
        apply->patience = loop_timer_new(&daemon->loop, on_patience, apply);
        r = apply->patience ? open_missing(daemon, config)
                            : error_set(ENOMEM, "no memory for the loop's events");
        if (r < 0) {
                char why[ERROR_TEXT_MAX];

                strcpy(why, error_text());
                reload_apply_undo(apply);
                return error_set(-r, "%s", why);
        }
        TAILQ_FOREACH(listener, &daemon->listeners.list, link)
        {
                if (is_new(listener, apply->last) && listener->opening)
                        await(apply, listener);
        }
        if (apply->n_pending > 0)
                timer_arm(&daemon->loop, apply->patience, &patience, &apply->over);
        *out = apply;
        return apply->n_pending > 0;
}

int reload_apply_end(ReloadApply *apply, Config *config,
                     void (*tell)(void *data, const char *sentence), void *data)
{
        Daemon *daemon = apply->daemon;

        if (apply->result < 0) {
                int r = apply->result;
                char why[ERROR_TEXT_MAX];

                strcpy(why, apply->why);
                reload_apply_undo(apply);
                return error_set(-r, "%s", why);
        }
        apply_free(apply);
        config_settle(config, daemon->options);
        config_compare(daemon->config, config, tell, data);
        close_others(daemon, config);
        config_free(daemon->config);
        daemon->config = config;
        daemon->sessions.config = config;
        connector_set_name_servers(daemon->connector, config->name_servers, config->n_name_servers);
        reload_refresh_limits(daemon);
        adopt_options(daemon, config);
        tell_what_waits(daemon, config, tell, data);
        late_names_begin(daemon);
        return 0;
}
