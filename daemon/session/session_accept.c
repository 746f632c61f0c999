/* Accepting new sessions. See sessions.h. */
#include "core/error.h"
#include "daemon/loop/timer.h"
#include "daemon/process/log.h"
#include "daemon/session/session_life.h"
#include "daemon/session/session_remains.h"
#include "daemon/session/sessions.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum {
        /* Connections accepted in one turn of the loop. */
        ACCEPTS_PER_TURN = 4, /* of some 30 microseconds each */
        /* And of those, turned away. */
        REFUSALS_PER_TURN = 4,
        /* How long accepting rests when descriptors or memory have run out. */
        ACCEPT_PAUSE_MS = 100,
};

static void pause_accepting(Sessions *sessions, int error)
{
        const struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};

        log_daemon(LOG_WARNING, "accepting pauses for %d ms: %s", ACCEPT_PAUSE_MS, strerror(error));
        teller_tell_of_daemon(sessions->teller, IOD__WHAT__ACCEPTING_PAUSED, error,
                              strerror(error));
        loop_event_del(sessions->acceptable);
        timer_arm(sessions->loop, sessions->accept_again, &pause, &sessions->accept_waker);
}

static void on_accept_again(evutil_socket_t fd, short what, void *data)
{
        Sessions *sessions = data;

        (void)fd;
        (void)what;
        if (loop_event_add(sessions->acceptable, NULL) < 0)
                pause_accepting(sessions, ENOMEM);
}

/* Accepts again, if nothing else is about to see to it. */
static void look_again(void *data)
{
        Sessions *sessions = data;

        if (!loop_event_is_added(sessions->acceptable) &&
            !loop_event_is_added(sessions->accept_again))
                on_accept_again(-1, 0, sessions);
}

/* Who connected. Of one that the kernel does not name there will be no session. */
static uid_t find_newcomer(int borrow_fd)
{
        struct ucred peer = {.uid = (uid_t)-1}; /* nobody */
        socklen_t size = sizeof(peer);

        getsockopt(borrow_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
        return peer.uid;
}

static void tell_turned_away(const Sessions *sessions, uid_t uid, int error)
{
        const Happening happening = {
                .what = IOD__WHAT__CONNECTION_TURNED_AWAY,
                .uid = uid,
                .error = -error,
                .text = error_text(),
        };

        if (teller_is_heard(sessions->teller))
                teller_tell(sessions->teller, &happening);
}

/* Tells one that is turned away why, as error_text() says it, and closes; without a word if too
 * many of its user's have not read theirs. error is a negative errno. */
static void turn_away(Sessions *sessions, uid_t uid, int take_fd, int error)
{
        Session stranger = {.socket_fd = take_fd};

        log_user(LOG_NOTICE, uid, "a connection of user %u was turned away: %s", (unsigned)uid,
                 error_text());
        not_done_note_stranger(sessions);
        tell_turned_away(sessions, uid, error);
        if (!remains_have_room_for(sessions, uid)) {
                closer_push_own(sessions->closer, &sessions->closer->strangers, take_fd);
                return;
        }
        session_say_goodbye(&stranger, 0, error, error_text());
        shutdown(take_fd, SHUT_RDWR);
        remains_keep_stranger(sessions, uid, take_fd);
}

/* Whether there may be another session for who connected, before anything is done for it. 0, or
 * -EDQUOT with error_text(). */
static int check_newcomer(Sessions *sessions, uid_t uid)
{
        const uint32_t pace = sessions->config->sessions_per_second;
        const uint32_t at_once = sessions->options->sessions_per_user_max;

        if (sessions->count + sessions->remains_count >= sessions->max)
                return error_set(EDQUOT,
                                 "the daemon is at its limit of %u sessions: try again later",
                                 sessions->max);
        if (!session_rate_take(&sessions->rate, uid, pace, at_once > pace ? at_once : pace,
                               clock_now_ns()))
                return error_set(EDQUOT,
                                 "user %u opens more than %u sessions a second: try again later",
                                 (unsigned)uid, pace);
        return 0;
}

static void on_acceptable(evutil_socket_t listening_fd, short what, void *data)
{
        Sessions *sessions = data;

        (void)what;
        for (int i = 0, refused = 0; i < ACCEPTS_PER_TURN && refused < REFUSALS_PER_TURN; i++) {
                Session *session;
                uid_t uid;
                int fd, r;

                if (closer_is_full(sessions->closer)) {
                        pause_accepting(sessions, EBUSY);
                        return;
                }
                fd = accept4(listening_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd < 0) {
                        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                            errno == ENOMEM)
                                pause_accepting(sessions, errno);
                        /* Anything else is over, or about one connection that is gone. */
                        return;
                }
                uid = find_newcomer(fd);
                r = check_newcomer(sessions, uid);
                if (r == 0)
                        r = session_new(sessions, fd, sessions->total + 1, &session);
                if (r < 0) {
                        turn_away(sessions, uid, fd, r);
                        refused++;
                } else {
                        sessions->total++;
                }
        }
}

int sessions_open(Sessions *sessions, int borrow_listening_fd)
{
        Loop *loop = sessions->loop;

        waker_init(&sessions->accept_waker, look_again, sessions);
        sessions->acceptable = loop_event_new(loop, borrow_listening_fd, EV_READ | EV_PERSIST,
                                              on_acceptable, sessions);
        sessions->accept_again = loop_timer_new(loop, on_accept_again, sessions);
        return time_shares_open(&sessions->shares, loop) == 0 && sessions->acceptable &&
                               sessions->accept_again &&
                               loop_event_add(sessions->acceptable, NULL) == 0
                       ? 0
                       : -1;
}

void sessions_close(Sessions *sessions)
{
        waker_cancel(&sessions->accept_waker);
        sessions->acceptable = loop_event_free(sessions->acceptable);
        sessions->accept_again = loop_event_free(sessions->accept_again);
        time_shares_close(&sessions->shares);
}
