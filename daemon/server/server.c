/* The loop, the listening socket and the sessions. See server.h. */
#include "daemon/server/server.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/error.h"
#include "daemon/connect/connector.h"
#include "daemon/driver/descriptor_kind.h"
#include "daemon/process/log.h"
#include "daemon/process/service_manager.h"
#include "daemon/restart/reload.h"
#include "daemon/restart/restore.h"
#include "daemon/server/server_parts.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
        /* So many failures of the loop's wait within so many milliseconds end the daemon. */
        LOOP_FAILURES_MAX = 100,
        LOOP_FAILURES_MS = 1000,
};

static void on_watchdog(evutil_socket_t fd, short what, void *data)
{
        Server *server = data;

        (void)fd;
        (void)what;
        server->watchdog_is_due = true;
}

/* After a turn, in which every session that was ready has been served: without that, or while the
 * closer's threads do not do their work, the service manager is to start the daemon anew. */
static void feed_watchdog(Server *server)
{
        if (!server->watchdog_is_due)
                return;
        server->watchdog_is_due = false;
        if (closer_goes_on(&server->closer))
                service_manager_ping();
        else
                log_daemon(LOG_ERR, "descriptors are not being closed: the watchdog is not fed");
}

static void on_terminate(evutil_socket_t signal_number, short what, void *data)
{
        Server *server = data;

        (void)what;
        log_daemon(LOG_INFO, "stopping: %s", strsignal((int)signal_number));
        event_base_loopbreak(server->loop.base);
}

static void on_hang_up(evutil_socket_t signal_number, short what, void *data)
{
        (void)signal_number;
        (void)what;
        reload(data, NULL, NULL);
}

static int make_events(Server *server)
{
        static const int signals[] = {SIGTERM, SIGINT};
        uint64_t watchdog_usec = service_manager_watchdog_usec();

        server->hang_up =
                loop_event_new(&server->loop, SIGHUP, EV_SIGNAL | EV_PERSIST, on_hang_up, server);
        if (time_shares_open(&server->shares, &server->loop) < 0 ||
            server_accept_make_events(server) < 0 || !server->hang_up ||
            loop_event_add(server->hang_up, NULL) < 0)
                return error_set(ENOMEM, "no memory for the loop's events");
        for (size_t i = 0; i < 2; i++) {
                server->terminate[i] = loop_event_new(&server->loop, signals[i],
                                                      EV_SIGNAL | EV_PERSIST, on_terminate, server);
                if (!server->terminate[i] || loop_event_add(server->terminate[i], NULL) < 0)
                        return error_set(ENOMEM, "no memory for the loop's events");
        }
        if (watchdog_usec > 0) {
                const struct timeval half = {
                        .tv_sec = (time_t)(watchdog_usec / 2 / 1000000),
                        .tv_usec = (suseconds_t)(watchdog_usec / 2 % 1000000),
                };

                server->watchdog = loop_event_new(&server->loop, -1, EV_PERSIST | EV_TIMEOUT,
                                                  on_watchdog, server);
                if (!server->watchdog || loop_event_add(server->watchdog, &half) < 0)
                        return error_set(ENOMEM, "no memory for the loop's events");
        }
        return 0;
}

static int mark_start(Server *server)
{
        struct timespec now;

        if (getrandom(&server->epoch, sizeof(server->epoch), 0) != sizeof(server->epoch))
                return error_set(errno, "no random epoch: %s", strerror(errno));
        clock_gettime(CLOCK_REALTIME, &now);
        server->started = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        return 0;
}

static int start_driver(Server *server)
{
        int r;

        descriptor_kind_open();
        r = io_driver_open(&server->driver);
        if (r < 0)
                return error_set(-r, "no number for the scratch descriptor: %s", strerror(-r));
        r = closer_start(&server->closer, &server->loop, server->loop.wake_fd,
                         server->closer_places);
        if (r < 0)
                return error_set(-r, "no closer: %s", strerror(-r));
        server->closer_runs = true;
        r = reconciler_open(&server->reconciler, &server->loop, server->loop.wake_fd);
        return r < 0 ? error_set(-r, "no memory for the loop's events") : 0;
}

/* Its place was reserved when it was held. */
static bool close_held(void *data, uid_t uid, int take_fd)
{
        Server *server = data;

        closer_push_own(&server->closer, closer_find_lane(&server->closer, uid), take_fd);
        return true;
}

static int open_services(Server *server)
{
        const Config *config = server->config;
        int r = hold_set_init(&server->holds, &server->loop, &server->quota, close_held, server);

        if (r == 0)
                r = connector_open(&server->connector, &server->loop, config->name_servers,
                                   config->n_name_servers);
        if (r < 0)
                return error_set(-r, "no memory to serve with");
        server->holds.store = &server->store;
        return waiting_init(server);
}

/* What an earlier run left, and what is configured. */
static int open_owned(Server *server)
{
        OwnedList *list = &server->owned;
        int r = descriptor_store_open(&server->store, &server->loop);

        if (r < 0)
                return r;
        if (TAILQ_EMPTY(list))
                owned_collect(server, list);
        else
                owned_count(server, list);
        r = restore_listeners(server, list);
        if (r == 0) {
                restore_holds(server, list);
                restore_connections(server, list);
        }
        owned_end(list);
        return r;
}

static int open_listening_socket(Server *server)
{
        const Options *options = server->options;

        return options->state_fd >= 0 ? handover_take(server, &server->owned)
                                      : listening_socket_open(&server->listening,
                                                              options->socket_path, options->user);
}

static int open_parts(Server *server)
{
        int r;

        r = mark_start(server);
        if (r == 0)
                r = server_reserve_descriptors(server);
        if (r == 0)
                r = loop_open(&server->loop);
        if (r == 0)
                r = start_driver(server);
        if (r == 0)
                r = open_listening_socket(server);
        if (r == 0)
                r = make_events(server);
        if (r == 0)
                r = handover_init(server);
        if (r == 0)
                r = open_services(server);
        if (r == 0)
                r = open_owned(server);
        if (r == 0)
                admin_group_find(&server->admin_group, server->options, server->config);
        return r;
}

/* What ends the daemon, held back or let through. */
static void mask_termination(int how)
{
        sigset_t signals;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        pthread_sigmask(how, &signals, NULL);
}

int server_open(Server **out, Options *options, Config *take_config)
{
        Server *server = calloc(1, sizeof(*server));
        int r;

        if (!server) {
                config_free(take_config);
                return error_set(ENOMEM, "no memory");
        }
        server->options = options;
        server->config = take_config;
        server->listening.fd = -1;
        server->store.fd = -1;
        server->loop = (Loop)LOOP_INIT;
        server->driver = (IoDriver)IO_DRIVER_INIT;
        TAILQ_INIT(&server->sessions);
        TAILQ_INIT(&server->listeners);
        TAILQ_INIT(&server->drains);
        TAILQ_INIT(&server->owned);
        server->handover.checker_fd = -1;
        frame_arena_init(&server->arena);
        quota_init(&server->quota);
        in_flight_init(&server->in_flight);
        kept_init(&server->kept, &server->closer, &server->holds.descriptors);
        /* A signal that comes now counts once the loop can take it, or all is undone: nothing is
         * left behind. */
        mask_termination(SIG_BLOCK);
        r = open_parts(server);
        if (r < 0)
                server_close(server);
        else
                *out = server;
        mask_termination(SIG_UNBLOCK);
        return r;
}

/* The loop gives up where its wait fails. Nothing is lost by waiting again; but where that never
 * goes well the daemon would do nothing else. */
static int run_loop(Server *server)
{
        uint64_t since = clock_now_ms();
        int failures = 0;

        while (!event_base_got_break(server->loop.base)) {
                int r = event_base_loop(server->loop.base, EVLOOP_ONCE);
                int error = errno;

                scheduling_adapt(&server->scheduling, turn_end(&server->loop.turn),
                                 server->driver.events);
                time_shares_renew(&server->shares);
                if (r >= 0) {
                        feed_watchdog(server);
                        continue;
                }
                if (clock_now_ms() - since > LOOP_FAILURES_MS) {
                        since = clock_now_ms();
                        failures = 0;
                }
                if (++failures > LOOP_FAILURES_MAX)
                        return error_set(EIO, "the event loop failed: %s", strerror(error));
                log_daemon(LOG_ERR, "the event loop failed and goes on: %s", strerror(error));
        }
        return 0;
}

int server_run(Server *server)
{
        int r;

        log_daemon(LOG_INFO, "serving %s", server->listening.path);
        service_manager_ready("serving");
        scheduling_open(&server->scheduling);
        r = run_loop(server);
        scheduling_close(&server->scheduling);
        if (r == 0)
                service_manager_stopping();
        return r;
}

Server *server_close(Server *server)
{
        Session *session;
        LoopEvent *events[] = {
                server->acceptable,   server->accept_again, server->woken,   server->watchdog,
                server->terminate[0], server->terminate[1], server->hang_up,
        };

        /* A second signal must not cut this short; the process ends next, or serves anew. */
        mask_termination(SIG_BLOCK);
        waiting_store_all(server);
        if (!descriptor_store_freeze(&server->store))
                log_daemon(LOG_WARNING, "systemd did not take in time what was to be kept");
        /* What the end of one brings others, a drain that is done by it, stays unsent: the loop
         * turns no more for them, and they are told what is true, that the daemon stops. */
        while ((session = TAILQ_FIRST(&server->sessions))) {
                int r = error_set(ESHUTDOWN, "kyron-iod is stopping");

                session_say_goodbye(session, 0, r, error_text());
                session_free(session);
        }
        while (!TAILQ_EMPTY(&server->listeners))
                listener_free(TAILQ_FIRST(&server->listeners));
        reconciler_close(&server->reconciler);
        time_shares_close(&server->shares);
        if (server->holds.timer)
                hold_set_deinit(&server->holds);
        for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
                loop_event_free(events[i]);
        if (server->connector) {
                connector_close(STEAL_PTR(server->connector));
                /* Its callbacks that wait have to come before the base goes. */
                event_base_loop(server->loop.base, EVLOOP_NONBLOCK);
        }
        waiting_deinit(server);
        handover_deinit(server);
        owned_end(&server->owned);
        listening_socket_close(&server->listening);
        quota_deinit(&server->quota);
        server->config = config_free(server->config);
        if (server->closer_runs && !closer_stop(&server->closer)) {
                log_daemon(LOG_WARNING, "some descriptors do not close: left to the kernel, which "
                                        "keeps the process until they do");
                return NULL;
        }
        loop_close(&server->loop);
        io_driver_close(&server->driver);
        descriptor_kind_close();
        free(server);
        return NULL;
}
