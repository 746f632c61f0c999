/* The listener that a request names. See named_listener.h. */
#include "daemon/requests/named_listener.h"

#include "core/error.h"
#include "core/name.h"
#include "daemon/config/authorise.h"
#include "daemon/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { KEEP_SECONDS_MAX = 86400 };

static int make_config(ListenerConfig *config, const char *name, const Address *address,
                       bool shared, const Iod__ListenerOptions *options)
{
        const Iod__ListenerOptions defaults = IOD__LISTENER_OPTIONS__INIT;

        if (!options)
                options = &defaults;
        if (options->silent_ms > CONFIG_SILENT_MS_LIMIT || options->keep_seconds > KEEP_SECONDS_MAX)
                return error_set(EINVAL,
                                 "at most %d ms of silence and %d s of keeping are possible",
                                 CONFIG_SILENT_MS_LIMIT, KEEP_SECONDS_MAX);
        *config = (ListenerConfig){
                .address = *address,
                .shared = shared,
                .when_readable = options->when_readable,
                .least_loaded = options->least_loaded,
                .v6_only = options->v6_only,
                .reuse_address = true,
                .nodelay = options->nodelay,
                .keepalive = options->keepalive,
                .backlog = options->backlog,
                .silent_ms = options->silent_ms ? options->silent_ms : CONFIG_SILENT_MS,
                .keep_seconds = options->keep_seconds ? options->keep_seconds : CONFIG_KEEP_SECONDS,
                .mode = 0600,
        };
        snprintf(config->name, sizeof(config->name), "%s", name);
        return 0;
}

/* With port 0 it is the same as when it was opened; with the port that the kernel chose it is where
 * it is. */
static bool is_at(const Listener *listener, const Address *address)
{
        char asked_for[ADDRESS_TEXT_MAX], wanted[ADDRESS_TEXT_MAX];

        address_format(&listener->config.address, asked_for);
        address_format(address, wanted);
        return strcmp(asked_for, wanted) == 0 || strcmp(listener->address, wanted) == 0;
}

static int check_same(const Listener *listener, const Address *address, bool shared)
{
        if (listener->config.metrics)
                return error_set(EINVAL, "listener %.40s is the daemon's own: it tells its metrics",
                                 listener->config.name);
        if (listener->config.shared != shared)
                return error_set(EINVAL, "listener %.40s is %s", listener->config.name,
                                 shared ? "there to be taken, not to be joined"
                                        : "shared: join it");
        if (address && !is_at(listener, address))
                return error_set(EEXIST, "listener %.30s is at %.40s already",
                                 listener->config.name, listener->address);
        return 0;
}

/*
 * Another user's of that name, at the address if there is one, that the policy lets this one serve.
 * Who may not is not told that it is there. Only who names no address can have meant no other one,
 * and is in the log.
 */
static Listener *find_anothers(const Daemon *daemon, const Session *session, const char *name,
                               const Address *address)
{
        const Policy *policy = daemon->config->policy;
        Listener *listener = NULL;

        while ((listener = listener_next_named(&daemon->listeners, listener, name)) && address &&
               !is_at(listener, address)) {
        }
        if (!listener || authorise_quietly(policy, &session->peer, POLICY_SERVE, NULL, name) == 0)
                return listener;
        return !address && authorise(policy, &session->peer, POLICY_SERVE, NULL, name) == 0
                       ? listener
                       : NULL;
}

static int open_new(Daemon *daemon, Session *session, const char *name, const Address *address,
                    bool shared, const Iod__ListenerOptions *options, Listener **out)
{
        ListenerConfig config;
        int r;

        if (address->kind == ADDRESS_UDP)
                return error_set(EINVAL, "a UDP socket is no listener: bind it");
        if (address->host_is == ADDRESS_NAME)
                return error_set(EINVAL, "listening takes a number or *, not the name %.40s",
                                 address->host);
        r = authorise(daemon->config->policy, &session->peer, POLICY_LISTEN, address, NULL);
        if (r == 0)
                r = kept_check_room(&daemon->kept, session->user->kept, session->lane, 1);
        if (r == 0)
                r = make_config(&config, name, address, shared, options);
        config.user = session->peer.uid;
        config.fixed = authorise_directory(daemon->config->policy, &session->peer, address);
        if (r == 0)
                r = listener_open(out, &daemon->listeners, &config, session->user);
        return r > 0 ? NAMED_LISTENER_OPENS : r;
}

int named_listener_find(Daemon *daemon, Session *session, const char *name,
                        const char *address_text, bool shared, const Iod__ListenerOptions *options,
                        Listener **out)
{
        Address parsed;
        const Address *address = *address_text ? &parsed : NULL;
        int r = address ? address_parse(address_text, &parsed) : 0;

        if (r < 0)
                return r;
        *out = listener_find(&daemon->listeners, session->peer.uid, name);
        if (!*out)
                *out = find_anothers(daemon, session, name, address);
        else if ((*out)->configured)
                r = authorise(daemon->config->policy, &session->peer, POLICY_SERVE, NULL, name);
        if (*out && r == 0)
                r = check_same(*out, address, shared);
        if (*out)
                return r == 0 && (*out)->is_new ? NAMED_LISTENER_WAITS : r;
        /* One that an earlier daemon left may have a name that is not given any more. */
        r = name_check_listener(name);
        if (r < 0)
                return r;
        if (!address)
                return error_set(ENOENT, "there is no listener %.50s", name);
        return open_new(daemon, session, name, address, shared, options, out);
}
