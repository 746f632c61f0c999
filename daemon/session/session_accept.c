/* New sessions, and letting those go on that were held. See server.h. */
#include "core/error.h"
#include "daemon/loop/timer.h"
#include "daemon/process/log.h"
#include "daemon/server/server_parts.h"
#include "daemon/session/session_events.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum {
        /* Connections accepted in one turn of the loop. */
        ACCEPTS_PER_TURN = 4, /* of some 30 microseconds each */
        /* And of those, turned away. */
        REFUSALS_PER_TURN = 4,
        /* How long accepting rests when descriptors or memory have run out. */
        ACCEPT_PAUSE_MS = 100,
};

static void pause_accepting(Server *server, int error)
{
        const struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};

        log_daemon(LOG_WARNING, "accepting pauses for %d ms: %s", ACCEPT_PAUSE_MS, strerror(error));
        loop_event_del(server->acceptable);
        timer_arm(&server->loop, server->accept_again, &pause, &server->accept_waker);
}

static void on_accept_again(evutil_socket_t fd, short what, void *data)
{
        Server *server = data;

        (void)fd;
        (void)what;
        if (loop_event_add(server->acceptable, NULL) < 0)
                pause_accepting(server, ENOMEM);
}

/* Accepts again, if nothing else is about to see to it. */
static void look_again(void *data)
{
        Server *server = data;

        if (!loop_event_is_added(server->acceptable) && !loop_event_is_added(server->accept_again))
                on_accept_again(-1, 0, server);
}

/* Tells one that is turned away why, as error_text() says it, and closes. error is a negative
 * errno. */
static void turn_away(Server *server, int take_fd, int error)
{
        Session stranger = {.socket_fd = take_fd};

        log_daemon(LOG_NOTICE, "a connection was turned away: %s", error_text());
        server->refusals++;
        session_say_goodbye(&stranger, 0, error, error_text());
        shutdown(take_fd, SHUT_RDWR);
        closer_push_own(&server->closer, &server->closer.strangers, take_fd);
}

/* Whether there may be another session for who connected, before anything is done for it. 0, or
 * -EDQUOT with error_text(). */
static int check_newcomer(Server *server, int borrow_fd)
{
        const uint32_t pace = server->config->sessions_per_second;
        const uint32_t at_once = server->options->sessions_per_user_max;
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (server->session_count >= server->sessions_max)
                return error_set(EDQUOT,
                                 "the daemon is at its limit of %u sessions: try again later",
                                 server->sessions_max);
        /* Of one that the kernel does not name there will be no session. */
        if (getsockopt(borrow_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
            !session_rate_take(&server->session_rate, peer.uid, pace,
                               at_once > pace ? at_once : pace, clock_now_ns()))
                return error_set(EDQUOT,
                                 "user %u opens more than %u sessions a second: try again later",
                                 (unsigned)peer.uid, pace);
        return 0;
}

static void on_acceptable(evutil_socket_t listening_fd, short what, void *data)
{
        Server *server = data;

        (void)what;
        for (int i = 0, refused = 0; i < ACCEPTS_PER_TURN && refused < REFUSALS_PER_TURN; i++) {
                Session *session;
                int fd, r;

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
                r = check_newcomer(server, fd);
                if (r < 0) {
                        turn_away(server, fd, r);
                        refused++;
                        continue;
                }
                if (session_new(server, fd, server->sessions_total + 1, &session) < 0) {
                        log_daemon(LOG_NOTICE, "a connection was turned away: %s", error_text());
                        server->refusals++;
                        refused++;
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
        reconciler_collect(&server->reconciler);
        timer_look_again(&server->loop);
        LIST_FOREACH(lane, &server->closer.lanes, link)
        more |= release_held(server, lane);
        /* The rest once these have read. */
        if (more)
                eventfd_write(fd, 1);
}

int server_accept_make_events(Server *server)
{
        Loop *loop = &server->loop;

        waker_init(&server->accept_waker, look_again, server);
        server->acceptable = loop_event_new(loop, server->listening.fd, EV_READ | EV_PERSIST,
                                            on_acceptable, server);
        server->accept_again = loop_timer_new(loop, on_accept_again, server);
        server->woken =
                loop_event_new(loop, server->loop.wake_fd, EV_READ | EV_PERSIST, on_woken, server);
        return server->acceptable && server->accept_again && server->woken &&
                               loop_event_add(server->acceptable, NULL) == 0 &&
                               loop_event_add(server->woken, NULL) == 0
                       ? 0
                       : -1;
}
