/* Opening, running and closing the whole. See server.h. */
#include "daemon/server/server.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/error.h"
#include "daemon/connect/connector.h"
#include "daemon/driver/descriptor_kind.h"
#include "daemon/hold/hold_store.h"
#include "daemon/listen/path_task.h"
#include "daemon/loop/timer.h"
#include "daemon/process/log.h"
#include "daemon/process/service_manager.h"
#include "daemon/requests/dispatch.h"
#include "daemon/requests/metrics.h"
#include "daemon/restart/late_names.h"
#include "daemon/restart/reload.h"
#include "daemon/restart/restore.h"
#include "daemon/restart/takeover.h"
#include "daemon/server/open_files.h"
#include "daemon/session/session_events.h"
#include "daemon/session/session_life.h"
#include "daemon/session/session_remains.h"
#include "daemon/session/subscription.h"
#include "proto/frame_socket.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

enum {
        /* So many failures of the loop's wait within so many milliseconds end the daemon. */
        LOOP_FAILURES_MAX = 100,
        LOOP_FAILURES_MS = 1000,
        /* How long what is configured may take to be opened before the rest is served, and files of
         * listeners to be removed at the end. */
        PATHS_START_MS = 1000,
        PATHS_STOP_MS = 300,
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
        if (closer_goes_on(&server->daemon.closer))
                notify_queue_ping(&server->daemon.notify);
        else
                log_daemon(LOG_ERR, "descriptors are not being closed: the watchdog is not fed");
}

static void on_terminate(evutil_socket_t signal_number, short what, void *data)
{
        Server *server = data;

        (void)what;
        log_daemon(LOG_INFO, "stopping: %s", strsignal((int)signal_number));
        event_base_loopbreak(server->daemon.loop.base);
}

static void on_hang_up(evutil_socket_t signal_number, short what, void *data)
{
        Server *server = data;

        (void)signal_number;
        (void)what;
        if (reload_ask(&server->daemon, NULL) < 0)
                log_daemon(LOG_ERR, "not reloaded: %s", error_text());
}

static void on_woken(evutil_socket_t fd, short what, void *data)
{
        Daemon *daemon = &((Server *)data)->daemon;
        eventfd_t value;

        (void)what;
        /* In this order: a wake that comes after the question must not be read away. */
        eventfd_read(fd, &value);
        closer_tend(&daemon->closer);
        reconciler_collect(&daemon->reconciler);
        blocking_pool_collect(daemon->blocking);
        timer_look_again(&daemon->loop);
        /* The rest once these have read. */
        if (closer_wake_waiting(&daemon->closer))
                eventfd_write(fd, 1);
}

static int make_events(Server *server)
{
        Daemon *daemon = &server->daemon;
        static const int signals[] = {SIGTERM, SIGINT};
        uint64_t watchdog_usec = service_manager_watchdog_usec();

        server->hang_up =
                loop_event_new(&daemon->loop, SIGHUP, EV_SIGNAL | EV_PERSIST, on_hang_up, server);
        server->woken = loop_event_new(&daemon->loop, daemon->loop.wake_fd, EV_READ | EV_PERSIST,
                                       on_woken, server);
        if (sessions_open(&daemon->sessions, daemon->socket.fd) < 0 || !server->woken ||
            loop_event_add(server->woken, NULL) < 0 || !server->hang_up ||
            loop_event_add(server->hang_up, NULL) < 0)
                return error_set(ENOMEM, "no memory for the loop's events");
        for (size_t i = 0; i < 2; i++) {
                server->terminate[i] = loop_event_new(&daemon->loop, signals[i],
                                                      EV_SIGNAL | EV_PERSIST, on_terminate, server);
                if (!server->terminate[i] || loop_event_add(server->terminate[i], NULL) < 0)
                        return error_set(ENOMEM, "no memory for the loop's events");
        }
        if (watchdog_usec > 0) {
                const struct timeval half = {
                        .tv_sec = (time_t)(watchdog_usec / 2 / 1000000),
                        .tv_usec = (suseconds_t)(watchdog_usec / 2 % 1000000),
                };

                server->watchdog = loop_event_new(&daemon->loop, -1, EV_PERSIST | EV_TIMEOUT,
                                                  on_watchdog, server);
                if (!server->watchdog || loop_event_add(server->watchdog, &half) < 0)
                        return error_set(ENOMEM, "no memory for the loop's events");
        }
        return 0;
}

static int mark_start(Daemon *daemon)
{
        struct stat pid_namespace;
        struct timespec now;

        if (getrandom(&daemon->epoch, sizeof(daemon->epoch), 0) != sizeof(daemon->epoch))
                return error_set(errno, "no random epoch: %s", strerror(errno));
        clock_gettime(CLOCK_REALTIME, &now);
        daemon->started = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        if (stat("/proc/self/ns/pid", &pid_namespace) == 0)
                daemon->pid_namespace = pid_namespace.st_ino;
        return 0;
}

static int start_driver(Server *server)
{
        Daemon *daemon = &server->daemon;
        int r;

        descriptor_kind_open();
        r = io_driver_open(&daemon->driver);
        if (r < 0)
                return error_set(-r, "no number for the scratch descriptor: %s", strerror(-r));
        r = closer_start(&daemon->closer, &daemon->loop, daemon->loop.wake_fd,
                         server->closer_places);
        if (r < 0)
                return error_set(-r, "no closer: %s", strerror(-r));
        server->closer_runs = true;
        r = blocking_pool_open(&daemon->blocking, daemon->loop.wake_fd);
        daemon->listeners.blocking = daemon->blocking;
        if (r == 0)
                r = reload_open(daemon);
        if (r == 0)
                r = late_names_open(daemon);
        if (r < 0)
                return r;
        r = reconciler_open(&daemon->reconciler, &daemon->loop, daemon->loop.wake_fd);
        return r < 0 ? error_set(-r, "no memory for the loop's events") : 0;
}

/* Its place was reserved when it was held. */
static bool close_held(void *data, uid_t uid, int take_fd)
{
        Closer *closer = data;

        closer_push_own(closer, closer_find_lane(closer, uid), take_fd);
        return true;
}

static int open_services(Server *server)
{
        Daemon *daemon = &server->daemon;
        const Config *config = daemon->config;
        int r = hold_set_init(&daemon->holds, &daemon->loop, &daemon->quota, close_held,
                              &daemon->closer);

        if (r == 0)
                r = connector_open(&daemon->connector, &daemon->loop, daemon->blocking,
                                   config->name_servers, config->n_name_servers);
        if (r < 0)
                return error_set(-r, "no memory to serve with");
        daemon->holds.store = &daemon->store;
        r = drains_open(&daemon->listeners.drains, &daemon->loop);
        if (r == 0)
                r = worker_watch_open(&daemon->listeners.watch, &daemon->listeners);
        return r < 0 ? r : connection_store_open(&daemon->listeners);
}

/* Who starts after the daemon is to find what is configured; but a file system that does not answer
 * keeps nobody from the rest. */
static void await_paths(Listeners *listeners)
{
        const PathOpening *opening;

        path_tasks_settle(listeners, PATHS_START_MS);
        LIST_FOREACH(opening, &listeners->openings, link)
        log_daemon(LOG_WARNING,
                   "listener %s is late: its file system does not answer; the rest is served",
                   opening->config.name);
}

/* What an earlier run left, and what is configured. */
static int open_owned(Server *server)
{
        Daemon *daemon = &server->daemon;
        OwnedList *list = &server->owned;
        int r = notify_queue_open(&daemon->notify, &daemon->loop, daemon->blocking);

        if (r < 0)
                return r;
        descriptor_store_open(&daemon->store, &daemon->notify);
        if (TAILQ_EMPTY(list))
                owned_collect(daemon, list);
        else
                owned_count(daemon, list);
        r = restore_listeners(daemon, list);
        if (r == 0) {
                restore_holds(daemon, list);
                restore_connections(daemon, list);
        }
        owned_end(list);
        if (r == 0)
                await_paths(&daemon->listeners);
        return r;
}

static int open_daemon_socket(Server *server)
{
        Daemon *daemon = &server->daemon;
        const Options *options = daemon->options;

        return options->state_fd >= 0
                       ? takeover_begin(&server->takeover, daemon, &server->owned)
                       : daemon_socket_open(&daemon->socket, options->socket_path, options->user);
}

static int open_parts(Server *server)
{
        Daemon *daemon = &server->daemon;
        int r;

        r = mark_start(daemon);
        if (r == 0)
                r = open_files_reserve(server);
        if (r == 0)
                r = loop_open(&daemon->loop);
        if (r == 0)
                r = start_driver(server);
        if (r == 0)
                r = open_daemon_socket(server);
        if (r == 0)
                r = make_events(server);
        if (r == 0)
                r = handover_init(&server->handover, daemon);
        if (r == 0)
                r = open_services(server);
        if (r == 0)
                r = open_owned(server);
        if (r == 0)
                admin_group_find(&daemon->admin_group, daemon->options, daemon->config);
        if (r == 0)
                takeover_settle(&server->takeover, daemon);
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

/* Each of the upper rooms is given what it uses of the lower ones. */
static void connect_rooms(Daemon *daemon)
{
        teller_init(&daemon->teller);
        daemon->sessions = (Sessions){
                .loop = &daemon->loop,
                .options = daemon->options,
                .config = daemon->config,
                .admin_group = &daemon->admin_group,
                .quota = &daemon->quota,
                .in_flight = &daemon->in_flight,
                .kept = &daemon->kept,
                .watches = &daemon->watches,
                .late_bytes = {.max = SESSIONS_LATE_BYTES_MAX},
                .driver = &daemon->driver,
                .closer = &daemon->closer,
                .reconciler = &daemon->reconciler,
                .teller = &daemon->teller,
                .service = &dispatch_service,
                .service_data = daemon,
        };
        TAILQ_INIT(&daemon->sessions.list);
        TAILQ_INIT(&daemon->sessions.remains);
        TAILQ_INIT(&daemon->sessions.strangers);
        frame_arena_init(&daemon->sessions.arena);
        daemon->listeners = (Listeners){
                .loop = &daemon->loop,
                .quota = &daemon->quota,
                .kept = &daemon->kept,
                .closer = &daemon->closer,
                .store = &daemon->store,
                .teller = &daemon->teller,
                .scrapes = &daemon->scrapes,
                .offered = {.max = WORKER_OFFERED_MAX},
        };
        TAILQ_INIT(&daemon->listeners.list);
        kept_init(&daemon->kept, &daemon->closer, &daemon->holds.descriptors);
        scrapes_init(&daemon->scrapes, &daemon->loop, &daemon->closer, metrics_tell, daemon);
}

int server_open(Server **out, Options *options, Config *take_config)
{
        Server *server = calloc(1, sizeof(*server));
        Daemon *daemon;
        int r;

        if (!server) {
                config_free(take_config);
                return error_set(ENOMEM, "no memory");
        }
        daemon = &server->daemon;
        daemon->options = options;
        daemon->config = take_config;
        daemon->socket.fd = -1;
        daemon->notify.fd = -1;
        daemon->loop = (Loop)LOOP_INIT;
        daemon->driver = (IoDriver)IO_DRIVER_INIT;
        daemon->watches = (Watches)WATCHES_INIT;
        TAILQ_INIT(&server->owned);
        quota_init(&daemon->quota);
        in_flight_init(&daemon->in_flight, frame_socket_has_unread);
        connect_rooms(daemon);
        /* A signal that comes now counts once the loop can take it, or all is undone: nothing is
         * left behind. */
        mask_termination(SIG_BLOCK);
        r = open_parts(server);
        if (r < 0) {
                /* Before anything is closed that is the other program's, too. */
                takeover_go_back(options);
                server_close(server);
        } else {
                *out = server;
        }
        mask_termination(SIG_UNBLOCK);
        return r;
}

/* The loop gives up where its wait fails. Nothing is lost by waiting again; but where that never
 * goes well the daemon would do nothing else. */
static int run_loop(Server *server)
{
        Daemon *daemon = &server->daemon;
        uint64_t since = clock_now_ms();
        int failures = 0;

        while (!event_base_got_break(daemon->loop.base)) {
                int r = event_base_loop(daemon->loop.base, EVLOOP_ONCE);
                int error = errno;

                scheduling_adapt(&daemon->scheduling, turn_end(&daemon->loop.turn),
                                 daemon->driver.events);
                time_shares_renew(&daemon->sessions.shares);
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
        Daemon *daemon = &server->daemon;
        int r;

        log_daemon(LOG_INFO, "serving %s", daemon->socket.path);
        notify_queue_say(&daemon->notify, "READY=1\nSTATUS=serving");
        scheduling_open(&daemon->scheduling);
        r = run_loop(server);
        scheduling_close(&daemon->scheduling);
        if (r == 0)
                notify_queue_say(&daemon->notify, "STOPPING=1");
        return r;
}

Server *server_close(Server *server)
{
        Daemon *daemon = &server->daemon;
        Session *session;
        LoopEvent *events[] = {
                server->woken,        server->watchdog, server->terminate[0],
                server->terminate[1], server->hang_up,
        };

        /* A second signal must not cut this short; the process ends next, or serves anew. */
        mask_termination(SIG_BLOCK);
        connection_store_all(&daemon->listeners);
        if (daemon->holds.timer)
                hold_store_all(&daemon->holds);
        descriptor_store_freeze(&daemon->store);
        if (!notify_queue_settle(&daemon->notify))
                log_daemon(LOG_WARNING, "systemd did not read in time: %zu messages are lost",
                           daemon->notify.count);
        notify_queue_close(&daemon->notify);
        /* What the end of one brings others, a drain that is done by it, stays unsent: the loop
         * turns no more for them, and they are told what is true, that the daemon stops. */
        remains_close(&daemon->sessions);
        subscriptions_tell_last(&daemon->sessions, IOD__WHAT__DAEMON_STOPPED,
                                "kyron-iod is stopping");
        while ((session = TAILQ_FIRST(&daemon->sessions.list))) {
                int r = error_set(ESHUTDOWN, "kyron-iod is stopping");

                session_say_goodbye(session, 0, r, error_text());
                session_free(session);
        }
        late_names_close(daemon);
        reload_close(daemon);
        while (!TAILQ_EMPTY(&daemon->listeners.list))
                listener_free(TAILQ_FIRST(&daemon->listeners.list));
        scrapes_close(&daemon->scrapes);
        path_tasks_settle(&daemon->listeners, PATHS_STOP_MS);
        path_tasks_abandon(&daemon->listeners);
        reconciler_close(&daemon->reconciler);
        sessions_close(&daemon->sessions);
        if (daemon->holds.timer)
                hold_set_deinit(&daemon->holds);
        for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
                loop_event_free(events[i]);
        later_close(&daemon->loop.later);
        daemon->connector = connector_close(daemon->connector);
        /* Before the pool, which gives back the program that is being asked. */
        handover_deinit(&server->handover);
        if (blocking_pool_close(STEAL_PTR(daemon->blocking)))
                log_daemon(LOG_NOTICE,
                           "names or paths are still waited for: left to their threads");
        connection_store_close(&daemon->listeners);
        drains_close(&daemon->listeners.drains);
        worker_watch_close(&daemon->listeners.watch);
        takeover_settle(&server->takeover, daemon);
        owned_end(&server->owned);
        daemon_socket_close(&daemon->socket);
        quota_deinit(&daemon->quota);
        watches_close(&daemon->watches);
        daemon->config = config_free(daemon->config);
        if (server->closer_runs && !closer_stop(&daemon->closer)) {
                log_daemon(LOG_WARNING, "some descriptors do not close: left to the kernel, which "
                                        "keeps the process until they do");
                return NULL;
        }
        loop_close(&daemon->loop);
        io_driver_close(&daemon->driver);
        descriptor_kind_close();
        free(server);
        return NULL;
}
