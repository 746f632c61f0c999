/* The loop, the listening socket and the sessions. See server.h. */
#include "daemon/server.h"

#include "core/error.h"
#include "daemon/log.h"
#include "daemon/service_manager.h"

#include <errno.h>
#include <event2/event.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

_Static_assert(CLOSER_LANE_MAX + FD_LIST_MAX <= IO_DRIVER_CLOSING_MAX, "see io_driver.h");

enum {
        /* Connections accepted in one turn of the loop. */
        ACCEPTS_PER_TURN = 16,
        /* How long accepting rests when descriptors or memory have run out. */
        ACCEPT_PAUSE_MS = 100,
        /* Descriptors beside those of sessions and of the closer: standard streams, epoll, signal
         * pipe, listening socket, eventfds, scratch number, /proc, one packet being received, and
         * connections that are turned away. */
        DESCRIPTORS_OWN = 64 + FD_LIST_MAX + CLOSER_STRANGERS_MAX,
        /* A session's socket, its epoll set and its process. */
        DESCRIPTORS_PER_SESSION = 3,
};

static void pause_accepting(Server *server, int error)
{
        const struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};

        log_daemon(LOG_WARNING, "accepting pauses for %d ms: %s", ACCEPT_PAUSE_MS, strerror(error));
        event_del(server->acceptable);
        event_add(server->accept_again, &pause);
}

static void on_accept_again(evutil_socket_t fd, short what, void *data)
{
        Server *server = data;

        (void)fd;
        (void)what;
        if (event_add(server->acceptable, NULL) < 0)
                pause_accepting(server, ENOMEM);
}

/* Tells one whom there is no room for why, and closes. */
static void turn_away(Server *server, int take_fd)
{
        Session stranger = {.socket_fd = take_fd};
        int r = error_set(EDQUOT, "the daemon is at its limit of %u sessions: try again later",
                          server->sessions_max);

        log_daemon(LOG_NOTICE, "a connection was turned away: %s", error_text());
        server->refusals++;
        session_say_goodbye(&stranger, 0, r, error_text());
        shutdown(take_fd, SHUT_RDWR);
        closer_push_own(&server->closer, &server->closer.strangers, take_fd);
}

static void on_acceptable(evutil_socket_t listening_fd, short what, void *data)
{
        Server *server = data;

        (void)what;
        for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
                Session *session;
                int fd;

                if (closer_is_full(&server->closer)) {
                        pause_accepting(server, EBUSY);
                        return;
                }
                fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd < 0) {
                        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                            errno == ENOMEM)
                                pause_accepting(server, errno);
                        /* Anything else is over, or about one connection that is gone. */
                        return;
                }
                if (server->session_count >= server->sessions_max) {
                        turn_away(server, fd);
                        continue;
                }
                if (session_new(server, fd, server->sessions_total + 1, &session) < 0) {
                        log_daemon(LOG_NOTICE, "a connection was turned away: %s", error_text());
                        server->refusals++;
                        continue;
                }
                server->sessions_total++;
        }
}

/* Lets as many of a lane's held sessions read as there is room for, so that they take turns.
 * Whether there are more. */
static bool release_held(Server *server, CloserLane *lane)
{
        size_t room;

        if (TAILQ_EMPTY(&lane->held))
                return false;
        room = closer_room(&server->closer, lane);
        if (room == 0)
                return false; /* the closer wakes us when there is some */
        for (; room > 0 && !TAILQ_EMPTY(&lane->held); room--)
                session_release_hold(TAILQ_FIRST(&lane->held));
        return !TAILQ_EMPTY(&lane->held);
}

static void on_woken(evutil_socket_t fd, short what, void *data)
{
        Server *server = data;
        CloserLane *lane;
        eventfd_t value;
        bool more = false;

        (void)what;
        /* In this order: a wake that comes after the question must not be read away. */
        eventfd_read(fd, &value);
        closer_tend(&server->closer);
        LIST_FOREACH(lane, &server->closer.lanes, link)
        more |= release_held(server, lane);
        /* The rest once these have read. */
        if (more)
                eventfd_write(fd, 1);
}

static void on_watchdog(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        (void)data;
        service_manager_ping();
}

static void on_terminate(evutil_socket_t signal_number, short what, void *data)
{
        Server *server = data;

        (void)what;
        log_daemon(LOG_INFO, "stopping: %s", strsignal((int)signal_number));
        event_base_loopbreak(server->base);
}

static int make_loop(Server *server)
{
        struct event_config *config = event_config_new();

        if (config) {
                /* The sessions' epoll sets are waited for in the loop's own: it must be epoll. */
                event_config_avoid_method(config, "poll");
                event_config_avoid_method(config, "select");
                event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
                server->base = event_base_new_with_config(config);
                event_config_free(config);
        }
        return server->base ? 0 : error_set(ENOMEM, "no event loop");
}

static int make_events(Server *server)
{
        static const int signals[] = {SIGTERM, SIGINT};
        uint64_t watchdog_usec = service_manager_watchdog_usec();

        server->acceptable = event_new(server->base, server->listening.fd, EV_READ | EV_PERSIST,
                                       on_acceptable, server);
        server->accept_again = evtimer_new(server->base, on_accept_again, server);
        server->woken = event_new(server->base, server->driver.wake_fd, EV_READ | EV_PERSIST,
                                  on_woken, server);
        if (!server->acceptable || !server->accept_again || !server->woken ||
            event_add(server->acceptable, NULL) < 0 || event_add(server->woken, NULL) < 0)
                return error_set(ENOMEM, "no memory for the loop's events");
        for (size_t i = 0; i < 2; i++) {
                server->terminate[i] = evsignal_new(server->base, signals[i], on_terminate, server);
                if (!server->terminate[i] || event_add(server->terminate[i], NULL) < 0)
                        return error_set(ENOMEM, "no memory for the loop's events");
        }
        if (watchdog_usec > 0) {
                const struct timeval half = {
                        .tv_sec = (time_t)(watchdog_usec / 2 / 1000000),
                        .tv_usec = (suseconds_t)(watchdog_usec / 2 % 1000000),
                };

                server->watchdog =
                        event_new(server->base, -1, EV_PERSIST | EV_TIMEOUT, on_watchdog, server);
                if (!server->watchdog || event_add(server->watchdog, &half) < 0)
                        return error_set(ENOMEM, "no memory for the loop's events");
        }
        return 0;
}

/* The closer's share of so many open files: a quarter, if they do not suffice for all of it. */
static rlim_t share_of_closer(rlim_t open_files, rlim_t wanted)
{
        rlim_t quarter = open_files / 4;

        if (open_files >= wanted || quarter > CLOSER_PLACES_MAX)
                return CLOSER_PLACES_MAX;
        return quarter < CLOSER_PLACES_MIN ? CLOSER_PLACES_MIN : quarter;
}

/* Makes sure that the sessions allowed can have their descriptors, with the closer's lanes full
 * and a full packet being received. */
static int reserve_descriptors(Server *server)
{
        struct rlimit limit;
        rlim_t wanted, shared;

        server->sessions_max = server->options->sessions_max;
        wanted = DESCRIPTORS_OWN + CLOSER_PLACES_MAX +
                 (rlim_t)server->sessions_max * DESCRIPTORS_PER_SESSION;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return error_set(errno, "no limit of open files: %s", strerror(errno));
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        server->closer_places = (uint32_t)share_of_closer(limit.rlim_cur, wanted);
        shared = DESCRIPTORS_OWN + server->closer_places;
        if (limit.rlim_cur < shared + DESCRIPTORS_PER_SESSION)
                return error_set(EMFILE,
                                 "the limit of open files is %llu: %u is the least, %llu would do",
                                 (unsigned long long)limit.rlim_max,
                                 DESCRIPTORS_OWN + CLOSER_PLACES_MIN + DESCRIPTORS_PER_SESSION,
                                 (unsigned long long)wanted);
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                return error_set(errno, "the limit of open files: %s", strerror(errno));
        if (limit.rlim_cur < wanted) {
                server->sessions_max =
                        (uint32_t)((limit.rlim_cur - shared) / DESCRIPTORS_PER_SESSION);
                log_daemon(LOG_WARNING, "the limit of %llu open files allows %u sessions, not %u",
                           (unsigned long long)limit.rlim_cur, server->sessions_max,
                           server->options->sessions_max);
        }
        return 0;
}

static void find_admin_group(Server *server)
{
        const struct group *group;

        if (server->options->user)
                return;
        group = getgrnam(server->options->admin_group);
        if (!group) {
                log_daemon(LOG_NOTICE, "there is no group %s: only root sees every user's sessions",
                           server->options->admin_group);
                return;
        }
        server->admin_gid = group->gr_gid;
        server->has_admin_gid = true;
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

        r = io_driver_open(&server->driver);
        if (r < 0)
                return error_set(-r, "no number for the scratch descriptor: %s", strerror(-r));
        r = closer_start(&server->closer, server->base, server->driver.wake_fd,
                         server->closer_places);
        if (r < 0)
                return error_set(-r, "no closer: %s", strerror(-r));
        server->closer_runs = true;
        return 0;
}

static int open_parts(Server *server)
{
        const Options *options = server->options;
        int r;

        r = mark_start(server);
        if (r == 0)
                r = reserve_descriptors(server);
        if (r == 0)
                r = make_loop(server);
        if (r == 0)
                r = start_driver(server);
        if (r == 0)
                r = listening_socket_open(&server->listening, options->socket_path, options->user);
        if (r == 0)
                r = make_events(server);
        if (r == 0)
                find_admin_group(server);
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

int server_open(Server **out, const Options *options)
{
        Server *server = calloc(1, sizeof(*server));
        int r;

        if (!server)
                return error_set(ENOMEM, "no memory");
        server->options = options;
        server->listening.fd = -1;
        server->driver = (IoDriver)IO_DRIVER_INIT;
        TAILQ_INIT(&server->sessions);
        frame_arena_init(&server->arena);
        quota_init(&server->quota, options->sessions_per_user_max,
                   options->registrations_per_user_max);
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

int server_run(Server *server)
{
        log_daemon(LOG_INFO, "serving %s", server->listening.path);
        service_manager_ready("serving");
        if (event_base_dispatch(server->base) < 0)
                return error_set(EIO, "the event loop failed");
        service_manager_stopping();
        return 0;
}

Server *server_close(Server *server)
{
        Session *session;
        struct event *events[] = {
                server->acceptable, server->accept_again, server->woken,
                server->watchdog,   server->terminate[0], server->terminate[1],
        };

        /* A second signal must not cut this short; the process ends next, or serves anew. */
        mask_termination(SIG_BLOCK);
        while ((session = TAILQ_FIRST(&server->sessions))) {
                int r = error_set(ESHUTDOWN, "kyron-iod is stopping");

                session_say_goodbye(session, 0, r, error_text());
                session_free(session);
        }
        for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
                if (events[i])
                        event_free(events[i]);
        }
        listening_socket_close(&server->listening);
        quota_deinit(&server->quota);
        if (server->closer_runs && !closer_stop(&server->closer)) {
                log_daemon(LOG_WARNING, "some descriptors do not close: left to the kernel, which "
                                        "keeps the process until they do");
                return NULL;
        }
        if (server->base)
                event_base_free(server->base);
        io_driver_close(&server->driver);
        free(server);
        return NULL;
}
