/* Putting a changed configuration in force. See reload.h. */
#include "daemon/restart/reload.h"

#include "core/error.h"
#include "daemon/config/authorise.h"
#include "daemon/listen/socket_open.h"
#include "daemon/process/log.h"
#include "daemon/server/server_parts.h"

#include <stdlib.h>
#include <string.h>

/* Whom the differences are told. */
typedef struct Telling {
        void (*tell)(void *data, const char *sentence);
        void *data;
} Telling;

static void tell_and_log(void *data, const char *sentence)
{
        const Telling *telling = data;

        log_daemon(LOG_NOTICE, "reloaded: %s", sentence);
        if (telling->tell)
                telling->tell(telling->data, sentence);
}

static const ListenerConfig *find_config(const Config *config, const char *name)
{
        for (size_t i = 0; i < config->n_listeners; i++) {
                if (strcmp(config->listeners[i].name, name) == 0)
                        return &config->listeners[i];
        }
        return NULL;
}

/* A configured listener whose socket stays: a client's of that name is another. */
static Listener *find_kept(const Server *server, const ListenerConfig *config)
{
        Listener *listener = listener_find(server, config->name);

        return listener && listener->configured &&
                               listener_config_same_socket(&listener->config, config)
                       ? listener
                       : NULL;
}

/* Closes the configured listeners that are not in config. */
static void close_others(Server *server, const Config *config)
{
        Listener *listener, *next;

        for (listener = TAILQ_FIRST(&server->listeners); listener; listener = next) {
                const ListenerConfig *wanted = find_config(config, listener->config.name);

                next = TAILQ_NEXT(listener, link);
                if (listener->configured &&
                    !(wanted && listener_config_same_socket(&listener->config, wanted)))
                        listener_free(listener);
        }
}

/* Closes what this reload has opened, after one could not be. */
static void close_new(Server *server, uint64_t after)
{
        Listener *listener;

        while ((listener = TAILQ_LAST(&server->listeners, ListenerList)) &&
               listener->number > after)
                listener_free(listener);
}

/* Opens what is not there yet. A listener that moves is there twice for a moment. */
static int open_missing(Server *server, const Config *config)
{
        for (size_t i = 0; i < config->n_listeners; i++) {
                Listener *listener;
                int r;

                if (find_kept(server, &config->listeners[i]))
                        continue;
                r = listener_open(&listener, server, &config->listeners[i], NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void adopt_options(Server *server, const Config *config)
{
        for (size_t i = 0; i < config->n_listeners; i++) {
                Listener *listener = find_kept(server, &config->listeners[i]);

                if (!listener)
                        continue;
                listener->config = config->listeners[i];
                /* The backlog may be another. If not, it goes on with the one it has. */
                if (socket_listen(listener->fd, &listener->config) < 0)
                        log_daemon(LOG_WARNING, "listener %s keeps its backlog: %s",
                                   listener->config.name, error_text());
        }
        listener_update_all(server);
}

static void refresh_limits(Server *server)
{
        Session *session;

        quota_forget_limits(&server->quota);
        TAILQ_FOREACH(session, &server->sessions, link)
        {
                uint32_t limits[QUOTA_RESOURCE_COUNT];

                authorise_limits(session->server->config->policy, &session->peer, limits);
                quota_user_raise_limits(session->user, limits);
        }
}

int reload(Server *server, void (*tell)(void *data, const char *sentence), void *data)
{
        Telling telling = {.tell = tell, .data = data};
        uint64_t last = server->listeners_total;
        const Options *options = server->options;
        Config *config;
        int r = config_load(&config, options->config_path, options->config_given, options->user);

        if (r < 0) {
                log_daemon(LOG_ERR, "not reloaded: %s", error_text());
                return r;
        }
        r = open_missing(server, config);
        if (r < 0) {
                log_daemon(LOG_ERR, "not reloaded: %s", error_text());
                close_new(server, last);
                config_free(config);
                return r;
        }
        config_settle(config, server->options);
        config_compare(server->config, config, tell_and_log, &telling);
        close_others(server, config);
        config_free(server->config);
        server->config = config;
        refresh_limits(server);
        adopt_options(server, config);
        admin_group_find(&server->admin_group, server->options, server->config);
        return 0;
}
