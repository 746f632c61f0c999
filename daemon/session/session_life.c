/* How a session begins and ends. See session_life.h. */
#include "daemon/session/session_life.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/config/authorise.h"
#include "daemon/process/log.h"
#include "daemon/session/session_batch.h"
#include "daemon/session/session_direct.h"
#include "daemon/session/session_events.h"
#include "daemon/session/session_remains.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A few anybody may have while there are any: of few, half would be too little. */
static int check_share(const Session *session)
{
        const Sessions *sessions = session->sessions;
        uint32_t mine = session->user->used[QUOTA_SESSIONS];
        const Share all = {
                .used = sessions->count + sessions->remains_count,
                .max = sessions->max,
        };

        return mine < SESSIONS_FEW ? 0 : share_check(&all, mine, 1, "sessions", "end some");
}

static int charge_session(Session *session)
{
        Sessions *sessions = session->sessions;
        uint32_t limits[QUOTA_RESOURCE_COUNT];
        int r;

        authorise_limits(sessions->config->policy, &session->peer, limits);
        if (quota_user_ref(sessions->quota, session->peer.uid, limits, &session->user) < 0)
                return error_set(ENOMEM, "no memory for another session");
        session->in_flight.user = session->user;
        r = check_share(session);
        return r < 0 ? r : quota_charge(session->user, QUOTA_SESSIONS, 1);
}

/* A private instance is its user's, and has no other. */
static bool owns_instance(const Sessions *sessions, const Peer *peer)
{
        return sessions->options->user && peer->uid == geteuid();
}

static int meet_peer(Session *session)
{
        const Peer *peer = &session->peer;
        struct timespec now;
        int r = peer_identify(&session->peer, session->socket_fd);

        if (r < 0)
                return r;
        session->sees_all = peer->uid == 0 ||
                            admin_group_has(session->sessions->admin_group, peer) ||
                            owns_instance(session->sessions, peer);
        clock_gettime(CLOCK_REALTIME, &now);
        session->since = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        session->heard_ms = clock_coarse_ms();
        return 0;
}

static void end(void *data);

/* Of one that has not begun: its socket stays the caller's. -errno, and error_text() stays. */
static int give_up(Session *session, int error)
{
        session->user = quota_user_unref(session->sessions->quota, session->user);
        session->socket_fd = -1;
        session_free(session);
        return error;
}

int session_new(Sessions *sessions, int take_socket_fd, uint64_t id, Session **out)
{
        /* Frames a client may leave unread are bounded by this; it must hold the largest one. */
        const int send_buffer = FRAME_BYTES_MAX, on = 1;
        Session *session = calloc(1, sizeof(*session));
        int r;

        if (!session)
                return error_set(ENOMEM, "no memory for another session");
        session->sessions = sessions;
        session->id = id;
        session->socket_fd = take_socket_fd;
        session->program = &sessions->programs.greeting;
        peer_init(&session->peer, id);
        session->lane = &sessions->closer->strangers;
        registration_set_init(&session->registrations,
                              sessions->options->registrations_per_session_max);
        session->in_flight.borrow_socket_fd = take_socket_fd;
        notifier_init(&session->notifier, session->socket_fd, &sessions->waiting);
        delivery_init(&session->delivery);
        session_events_init(session);
        session_direct_init(session);
        waker_init(&session->end, end, session);
        TAILQ_INIT(&session->outgoing);
        TAILQ_INIT(&session->workers);
        TAILQ_INIT(&session->drains_asked);
        TAILQ_INIT(&session->drains_awaited);
        TAILQ_INIT(&session->connects);
        TAILQ_INIT(&session->late_requests);

        r = meet_peer(session);
        if (r == 0)
                r = closer_lane_join(sessions->closer, session->peer.uid, &session->lane);
        if (r == 0)
                r = charge_session(session);
        if (r < 0)
                return give_up(session, r);
        if (sessions_add(sessions, session) < 0 || session_events_make(session) < 0 ||
            setsockopt(session->socket_fd, SOL_SOCKET, SO_SNDBUF, &send_buffer,
                       sizeof(send_buffer)) < 0 ||
            setsockopt(session->socket_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0) {
                session->socket_fd = -1;
                session_free(session);
                return error_set(ENOMEM, "no memory for another session");
        }
        *out = session;
        return 0;
}

/* The client sees the end now; what it had sent may take its time to close. */
static void leave_socket(Session *session)
{
        Sessions *sessions = session->sessions;

        if (session->socket_fd >= 0)
                shutdown(session->socket_fd, SHUT_RDWR);
        if (session->user && remains_keep(session))
                return;
        in_flight_discharge(sessions->in_flight, &session->in_flight);
        if (session->user)
                quota_discharge(session->user, QUOTA_SESSIONS, 1);
        session->user = quota_user_unref(sessions->quota, session->user);
        closer_push_own(sessions->closer, session->lane, session->socket_fd);
        closer_lane_leave(sessions->closer, session->lane);
}

/* Nothing of it is served any more, and nobody wakes it but to give back what it has. */
static void stop(Session *session)
{
        Sessions *sessions = session->sessions;

        session->ended = session->stopped = true;
        waker_cancel(&session->end);
        waker_cancel(&session->deliver);
        waker_cancel(&session->room);
        session_direct_deinit(session);
        reconciler_abandon(sessions->reconciler, &session->reconciled);
        session_batch_drop(session);
        if (!session->user)
                return;
        time_share_leave(&sessions->shares, &session->user->share, &session->serve);
        waker_init(&session->serve, end, session);
        sessions->service->ended(sessions->service_data, session);
}

/* Some of what it has. Whether that was all. */
static bool give_back_some(Session *session)
{
        Sessions *sessions = session->sessions;
        uint64_t began = clock_now_ns();
        bool all = true;

        if (!session->stopped)
                stop(session);
        if (session->user)
                all = sessions->service->let_go(sessions->service_data, session,
                                                SESSION_END_CONNECTIONS);
        all = all && registration_map_clear_some(&session->registrations.map, SESSION_END_ARRAYS);
        /* To end a session is something done for its user, too. */
        if (session->user)
                time_share_use(&sessions->shares, &session->user->share, clock_now_ns() - began);
        return all;
}

static void end(void *data)
{
        Session *session = data;

        if (give_back_some(session))
                session_free(session);
        else
                time_share_wait(&session->sessions->shares, &session->user->share, &session->serve);
}

Session *session_free(Session *session)
{
        Sessions *sessions;

        if (!session)
                return NULL;
        while (!give_back_some(session)) {
        }
        sessions = session->sessions;
        /* The events go before what they watch. */
        session_events_free(session);
        if (session->user) {
                delivery_deinit(session);
                time_share_leave(&sessions->shares, &session->user->share, &session->serve);
                if (session->listed)
                        sessions_remove(sessions, session);
                sessions->registration_count -= session->charged_registrations;
                if (session->open)
                        programs_leave(session->program, session->is_direct,
                                       session->charged_registrations);
                quota_discharge(session->user, QUOTA_REGISTRATIONS, session->charged_registrations);
                share_give_back(&sessions->watches->share, &session->user->watches,
                                session->charged_watches);
        }
        session_pulse_end(session);
        closer_push_own(sessions->closer, session->lane,
                        STEAL_FD(session->registrations.selector.epoll_fd));
        leave_socket(session);
        registration_set_deinit(&session->registrations);
        notifier_deinit(&session->notifier);
        peer_deinit(&session->peer);
        not_done_free(&session->not_done);
        free(session);
        return NULL;
}
