/* One connected client. See session.h. */
#include "daemon/session/session.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/config/authorise.h"
#include "daemon/process/log.h"
#include "daemon/requests/opening.h"
#include "daemon/server/server.h"
#include "daemon/session/session_batch.h"
#include "daemon/session/session_closed.h"
#include "daemon/session/session_events.h"
#include "proto/frame_socket.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The session's last word: why it ended. The log keeps what the client may not read. */
void session_fail(Session *session, uint32_t sequence, int error)
{
        log_session(LOG_NOTICE, &session->peer, "ends: %s", error_text());
        session->server->refusals++;
        session_say_goodbye(session, sequence, error, error_text());
        session_free(session);
}

static int charge_session(Session *session)
{
        Server *server = session->server;
        uint32_t limits[QUOTA_RESOURCE_COUNT];

        authorise_limits(server->config->policy, &session->peer, limits);
        if (quota_user_ref(&server->quota, session->peer.uid, limits, &session->user) < 0)
                return error_set(ENOMEM, "no memory for another session");
        return quota_charge(session->user, QUOTA_SESSIONS, 1);
}

/* A private instance is its user's, and has no other. */
static bool owns_instance(const Server *server, const Peer *peer)
{
        return server->options->user && peer->uid == geteuid();
}

static int meet_peer(Session *session)
{
        const Peer *peer = &session->peer;
        struct timespec now;
        int r = peer_identify(&session->peer, session->socket_fd);

        if (r < 0)
                return r;
        session->sees_all = peer->uid == 0 ||
                            admin_group_has(&session->server->admin_group, peer) ||
                            owns_instance(session->server, peer);
        clock_gettime(CLOCK_REALTIME, &now);
        session->since = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        return 0;
}

int session_new(Server *server, int take_socket_fd, uint64_t id, Session **out)
{
        /* Frames a client may leave unread are bounded by this; it must hold the largest one. */
        const int send_buffer = FRAME_BYTES_MAX, on = 1;
        Session *session = calloc(1, sizeof(*session));
        int r;

        if (!session) {
                closer_push_own(&server->closer, &server->closer.strangers, take_socket_fd);
                return error_set(ENOMEM, "no memory for another session");
        }
        session->server = server;
        session->id = id;
        session->socket_fd = take_socket_fd;
        peer_init(&session->peer, id);
        session->lane = &server->closer.strangers;
        registration_set_init(&session->registrations,
                              server->options->registrations_per_session_max);
        notifier_init(&session->notifier, session->socket_fd);
        delivery_init(&session->delivery);
        session_events_init(session);
        TAILQ_INIT(&session->workers);
        TAILQ_INIT(&session->connects);

        r = meet_peer(session);
        if (r == 0)
                r = closer_lane_join(&server->closer, session->peer.uid, &session->lane);
        if (r == 0)
                r = charge_session(session);
        if (r < 0) {
                session_say_goodbye(session, 0, r, error_text());
                session->user = quota_user_unref(&server->quota, session->user);
                session_free(session);
                return r;
        }
        TAILQ_INSERT_TAIL(&server->sessions, session, link);
        server->session_count++;

        if (session_events_make(session) < 0 ||
            setsockopt(session->socket_fd, SOL_SOCKET, SO_SNDBUF, &send_buffer,
                       sizeof(send_buffer)) < 0 ||
            setsockopt(session->socket_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0) {
                session_free(session);
                return error_set(ENOMEM, "no memory for another session");
        }
        *out = session;
        return 0;
}

/* What the daemon does for it ends, or goes to others. */
static void give_up_services(Session *session)
{
        Worker *worker;

        opening_cancel_all(session);
        while ((worker = TAILQ_FIRST(&session->workers)))
                worker_lose(worker);
        drain_forget(session);
        answer_give_back_held(session);
        delivery_deinit(session);
        waker_cancel(&session->deliver);
}

Session *session_free(Session *session)
{
        uint64_t began = clock_now_ns();
        Server *server;

        if (!session)
                return NULL;
        server = session->server;
        reconciler_abandon(&server->reconciler, session);
        /* The events go before what they watch. */
        session_events_free(session);
        if (session->user) {
                give_up_services(session);
                time_share_leave(&server->shares, &session->user->share, &session->serve);
                in_flight_discharge(&server->in_flight, session);
                TAILQ_REMOVE(&server->sessions, session, link);
                if (session->held)
                        TAILQ_REMOVE(&session->lane->held, session, held_link);
                server->session_count--;
                server->registration_count -= session->charged_registrations;
                quota_discharge(session->user, QUOTA_REGISTRATIONS, session->charged_registrations);
                session->user->watches -= session->charged_watches;
                quota_discharge(session->user, QUOTA_SESSIONS, 1);
                /* To end a session is something done for its user, too. */
                time_share_use(&server->shares, &session->user->share, clock_now_ns() - began);
                session->user = quota_user_unref(&server->quota, session->user);
        }
        session_batch_drop(session);
        closer_push_own(&server->closer, session->lane,
                        STEAL_FD(session->registrations.selector.epoll_fd));
        /* The client sees the end now; what it had sent may take its time to close. */
        shutdown(session->socket_fd, SHUT_RDWR);
        closer_push_own(&server->closer, session->lane, session->socket_fd);
        closer_lane_leave(&server->closer, session->lane);
        registration_set_deinit(&session->registrations);
        notifier_deinit(&session->notifier);
        peer_deinit(&session->peer);
        free(session);
        return NULL;
}

void session_say_goodbye(Session *session, uint32_t sequence, int error, const char *text)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;
        uint8_t bytes[FRAME_BYTES_MAX];
        char sentence[FRAME_TEXT_MAX];
        int size;

        refused.error = -error;
        snprintf(sentence, sizeof(sentence), "%s", text);
        refused.text = sentence;
        refused.session_ends = true;
        frame.sequence = sequence;
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        size = frame_encode(&frame, bytes);
        /* As far as it goes: a client that has not read gets no more. */
        if (size > 0)
                frame_socket_send(session->socket_fd, bytes, (size_t)size, NULL, 0);
}

int session_reply(Session *session, uint32_t sequence, Iod__Frame *frame)
{
        int r;

        if (session->closed)
                return 0;
        frame->sequence = sequence;
        r = notifier_send_reply(&session->notifier, frame);
        if (session_closed_says(r)) {
                session_closed_begin(session);
                return 0;
        }
        return r < 0 ? error_set(-r, "the reply could not be sent: %s", strerror(-r)) : 0;
}

int session_reply_done(Session *session, uint32_t sequence)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Done done = IOD__DONE__INIT;

        frame.body_case = IOD__FRAME__BODY_DONE;
        frame.done = &done;
        return session_reply(session, sequence, &frame);
}

void session_end(Session *session, int error)
{
        session->failed = error;
        later_wake(&session->server->loop.later, &session->deliver);
}
