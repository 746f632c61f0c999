/* Putting a configuration in force. See reload_apply.h. */
#include "daemon/restart/reload_apply.h"

#include "core/error.h"
#include "daemon/config/authorise.h"
#include "daemon/daemon.h"
#include "daemon/listen/listener_socket.h"
#include "daemon/listen/socket_open.h"
#include "daemon/process/log.h"

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
                        listener_free(listener);
        }
}

/* Closes what this reload has opened, after one could not be. */
static void close_new(Daemon *daemon, uint64_t after)
{
        Listener *listener;

        while ((listener = TAILQ_LAST(&daemon->listeners.list, ListenerList)) &&
               listener->group.number > after)
                listener_free(listener);
}

/* Whether all that is wrong with the listener's socket is that a client was given it. */
static bool is_given_away(const Daemon *daemon, const ListenerConfig *config)
{
        const Listener *listener = listener_find_configured(&daemon->listeners, config->name);

        return listener && listener_config_same_socket(&listener->config, config);
}

/* Opens what is not there yet. A listener that moves is there twice for a moment; one whose socket
 * was given away has its address once that is closed. */
static int open_missing(Daemon *daemon, const Config *config)
{
        for (size_t i = 0; i < config->n_listeners; i++) {
                Listener *listener;
                int r;

                if (find_kept(daemon, &config->listeners[i]))
                        continue;
                r = is_given_away(daemon, &config->listeners[i])
                            ? listener_open_late(&listener, &daemon->listeners,
                                                 &config->listeners[i])
                            : listener_open(&listener, &daemon->listeners, &config->listeners[i],
                                            NULL);
                if (r < 0)
                        return r;
        }
        return 0;
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

static void refresh_limits(Daemon *daemon)
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

int reload_apply(Daemon *daemon, Config *config, void (*tell)(void *data, const char *sentence),
                 void *data)
{
        uint64_t last = daemon->listeners.total;
        int r = open_missing(daemon, config);

        if (r < 0) {
                close_new(daemon, last);
                return r;
        }
        config_settle(config, daemon->options);
        config_compare(daemon->config, config, tell, data);
        close_others(daemon, config);
        config_free(daemon->config);
        daemon->config = config;
        daemon->sessions.config = config;
        connector_set_name_servers(daemon->connector, config->name_servers, config->n_name_servers);
        refresh_limits(daemon);
        adopt_options(daemon, config);
        return 0;
}
