/* The events of a session. See session_events.h. */
#include "daemon/session/session_events.h"

#include "core/error.h"
#include "daemon/process/log.h"
#include "daemon/session/session_arming.h"
#include "daemon/session/session_batch.h"
#include "daemon/session/session_closed.h"
#include "daemon/session/session_direct.h"
#include "daemon/session/session_source.h"
#include "daemon/session/session_unread.h"
#include "daemon/session/sessions.h"
#include "proto/frame_socket.h"

#include <errno.h>
#include <string.h>

/* A packet that took so long is a long one: those of a few descriptors or requests are not. */
enum { LONG_NS = 25000 };

/* Its client has closed: it is only read to the end. */
static void begin_to_end(Session *session)
{
        session_closed_begin(session);
        session_rearm(session);
}

/* Whether it has to wait until its user has a share of the loop's time again. */
static bool waits_in_line(Session *session)
{
        if (!time_share_has_to_wait(&session->sessions->shares, &session->user->share,
                                    &session->serve))
                return false;
        session_rearm(session);
        return true;
}

static void begin_to_end_for_its_process(Session *session)
{
        uint64_t began = clock_now_ns();

        begin_to_end(session);
        time_share_use(&session->sessions->shares, &session->user->share, clock_now_ns() - began);
}

/* What it is a worker of is told that, which takes a while for many; and a process may have had
 * many sessions. */
static void on_process_ended(evutil_socket_t fd, short what, void *data)
{
        Session *session = data;

        (void)fd;
        (void)what;
        log_session(LOG_DEBUG, &session->peer, "its process has ended");
        session->process_gone = true;
        if (!waits_in_line(session))
                begin_to_end_for_its_process(session);
}

/*
 * A session ends with the process that opened it. The connection does not always tell: the
 * client's end of it may be open in a child, or in a packet of its own that is not read yet. On a
 * kernel that cannot tell either, the connection has to do.
 */
static int watch_process(Session *session)
{
        if (session->peer.process_fd < 0)
                return 0;
        session->process_ended = loop_event_new(session->sessions->loop, session->peer.process_fd,
                                                EV_READ, on_process_ended, session);
        return session->process_ended ? loop_event_add(session->process_ended, NULL) : -1;
}

/* Whether the session has to wait until the registrations whose files are gone are forgotten. */
static bool cleanup_registration_infos(Session *session)
{
        bool waits = !session->reconciled.reconciliation;
        int r = reconciler_holds(session->sessions->reconciler, &session->reconciled,
                                 session_is_crowded(session));

        if (r < 0)
                log_session(LOG_WARNING, &session->peer,
                            "its files cannot be looked through, yet: %s", strerror(-r));
        if (r <= 0)
                return false;
        if (waits)
                session_rearm(session);
        return true;
}

static void on_forgot(void *data)
{
        session_settle_registrations(data);
}

/* Its registrations were compared with the kernel's: it is served again. */
static void on_reconciled(void *data, int error)
{
        Session *session = data;

        /* Where more files than the limit are alive, the next question is not paid for by as many
         * registrations: it has to wait. */
        session_settle_registrations(session);
        if (error < 0 || io_driver_stays_crowded(&session->registrations) ||
            session_is_crowded(session))
                reconciler_put_off(&session->reconciled);
        session_deliver_soon(session);
        session_rearm(session);
}

bool session_deliver(Session *session)
{
        uint64_t sent = session->delivery.sent;
        int r;

        if (session->ended || session->closed || cleanup_registration_infos(session))
                return false;
        r = delivery_flush(session);
        if (session_closed_says(r)) {
                begin_to_end(session);
                return false;
        }
        if (r < 0) {
                session_fail(session, 0, r);
                return false;
        }
        session_watch_unread(session, session->delivery.sent != sent);
        if (!session->pauses || delivery_is_full(session))
                return true;
        session->pauses = false;
        session_rearm(session);
        return !session->ended;
}

/* One packet: 1 served, 0 nothing there or ended by the client, or -errno with error_text(). */
static int read_packet(Session *session, FdList *fds, uint32_t *sequence, bool *closed)
{
        Sessions *sessions = session->sessions;
        struct ucred sender;
        int size = frame_socket_receive_from(session->socket_fd, sessions->packet, FRAME_BYTES_MAX,
                                             fds, &sender);

        if (size == -EAGAIN)
                return 0;
        /* It had not read everything; what it sent comes after this. */
        if (session_closed_says(size) && !session->closed) {
                session_closed_begin(session);
                return 1;
        }
        if (size == 0 || session_closed_says(size)) {
                *closed = true;
                return 0;
        }
        if (size < 0)
                return size;
        int r = peer_check_sender(&session->peer, &sender);

        session->heard_ms = clock_coarse_ms();
        if (r == 0)
                r = sessions->service->serve(sessions->service_data, session, sessions->packet,
                                             (size_t)size, fds, sequence);
        return r < 0 ? r : 1;
}

static void hold(Session *session)
{
        waker_wait(&session->room, &session->lane->waiting);
        loop_event_del(session->readable);
}

/*
 * The kernel lists what is ready in the order it became so, but who has more to be read is listed
 * again when the list is handed out: before all that become ready while the packet is served. A
 * packet that takes a while would have others wait for two of them; for a short one it is not worth
 * two system calls.
 */
static void queue_up_again(Session *session)
{
        loop_event_del(session->readable);
        session_rearm(session);
}

/* One packet: who sends many has a turn for each, as everybody has. false: it has ended, or waits
 * for something. */
static bool read_request(Session *session)
{
        Sessions *sessions = session->sessions;
        uint64_t began = clock_now_ns();
        FdList fds = {.count = 0};
        uint32_t sequence = 0;
        bool closed = false;
        uint64_t took;
        int r;

        if (cleanup_registration_infos(session))
                return false;
        if (closer_room(sessions->closer, session->lane) == 0) {
                hold(session);
                return true;
        }
        r = read_packet(session, &fds, &sequence, &closed);
        closer_push(sessions->closer, session->lane, &fds);
        if (closed) {
                log_session(LOG_DEBUG, &session->peer, "closed");
                session_end(session);
                return false;
        }
        if (r < 0) {
                session_fail(session, sequence, r);
                return false;
        }
        took = clock_now_ns() - began;
        time_share_use(&sessions->shares, &session->user->share, took);
        if (session->closed && !session_has_request(session)) {
                queue_up_again(session);
                return false;
        }
        if (session_has_request(session) || notifier_is_waiting(&session->notifier) ||
            delivery_is_full(session)) {
                session_rearm(session);
                return false;
        }
        if (took < LONG_NS)
                return true;
        queue_up_again(session);
        return false;
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
        Session *session = data;

        (void)fd;
        if (what & EV_TIMEOUT) {
                session_fail(session, 0,
                             error_set(ETIMEDOUT, "no hello came within %d seconds",
                                       SESSION_GREETING_SECONDS));
                return;
        }
        if (!waits_in_line(session))
                read_request(session);
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
        Session *session = data;
        int r;

        (void)fd;
        (void)what;
        r = notifier_flush(&session->notifier);
        if (r < 0) {
                log_session(LOG_DEBUG, &session->peer, "closed with frames unread");
                begin_to_end(session);
                return;
        }
        session_watch_unread(session, true);
        if (r != 0)
                return;
        session_deliver_soon(session);
        session_rearm(session);
}

/* Tells what is ready. */
static void tell_readiness(Session *session)
{
        uint64_t began = clock_now_ns();
        int notified, told;

        if (cleanup_registration_infos(session))
                return;
        /* Perhaps it was the client that has read. Then what waits for it goes first: after more
         * readiness, which a busy client always has, it could not go. */
        if (session->delivery.awaits_reading && !session_deliver(session))
                return;
        told = io_driver_process_io(session->sessions->driver, &session->registrations,
                                    &session->notifier, &notified);
        if (session_closed_says(told)) {
                log_session(LOG_DEBUG, &session->peer, "closed with readiness untold");
                begin_to_end(session);
                return;
        }
        if (told < 0) {
                log_session(LOG_WARNING, &session->peer, "cannot look for readiness: %s",
                            strerror(-told));
                session_fail(session, 0, session_refuse_to_wait());
                return;
        }
        session_settle_registrations(session);
        if (told > 0) {
                session->events += (uint64_t)told;
                session->frames++;
                session->program->events += (uint64_t)told;
                session->program->frames++;
        }
        time_share_use(&session->sessions->shares, &session->user->share, clock_now_ns() - began);
        /* And it may have read meanwhile: that edge is used up now. */
        if (session->delivery.awaits_reading)
                session_deliver_soon(session);
        if (notified == NOTIFIER_WAITING)
                session_rearm(session);
}

static void on_set_ready(evutil_socket_t fd, short what, void *data)
{
        Session *session = data;

        (void)fd;
        (void)what;
        if (!waits_in_line(session))
                tell_readiness(session);
}

/* Some more of the request under way. */
static void go_on_with_request(Session *session)
{
        uint64_t began = clock_now_ns();
        uint32_t sequence = session->batch ? session->batch->sequence : session->move.sequence;
        int r;

        if (session->reconciled.reconciliation ||
            (!session->closed && notifier_is_waiting(&session->notifier)))
                return;
        r = session->batch ? session_batch_go_on(session) : session_direct_go_on(session);
        time_share_use(&session->sessions->shares, &session->user->share, clock_now_ns() - began);
        if (r < 0)
                session_fail(session, sequence, r);
}

/* Serves it, and has it served again as it is ready, after it was in its user's line. */
static void serve(void *data)
{
        Session *session = data;

        if (session->process_gone && !session->closed)
                begin_to_end_for_its_process(session);
        if (session->ended)
                return;
        if (session_has_request(session)) {
                go_on_with_request(session);
                session_rearm(session);
                if (session_has_request(session))
                        return;
                /* Else the next packet, which may be there already, would go before it. */
        } else {
                session_rearm(session);
                if (loop_event_is_added(session->readable) && !read_request(session))
                        return;
        }
        if (loop_event_is_added(session->set_watch.ready))
                tell_readiness(session);
}

/* It reads requests again after the closer had no room. */
static void go_on_reading(void *data)
{
        session_rearm(data);
}

static void deliver(void *data)
{
        session_deliver(data);
}

void session_events_init(Session *session)
{
        waker_init(&session->deliver, deliver, session);
        waker_init(&session->serve, serve, session);
        waker_init(&session->room, go_on_reading, session);
        session->reconciled = (Reconciled){
                .set = &session->registrations,
                .watch = &session->set_watch,
                .forgot = on_forgot,
                .done = on_reconciled,
                .data = session,
        };
}

int session_events_make(Session *session)
{
        Loop *loop = session->sessions->loop;

        session->readable = loop_event_new(loop, session->socket_fd, EV_READ | EV_PERSIST,
                                           on_readable, session);
        session->writable = loop_event_new(loop, session->socket_fd, EV_WRITE | EV_PERSIST,
                                           on_writable, session);
        set_watch_init(&session->set_watch, loop, on_set_ready, session);
        if (!session->readable || !session->writable ||
            loop_event_add(session->readable, &session_greeting_time) < 0 ||
            watch_process(session) < 0)
                return -ENOMEM;
        return 0;
}

void session_events_stop(Session *session)
{
        LoopEvent *const events[] = {session->readable, session->writable, session->process_ended,
                                     session->unread};

        for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
                if (events[i])
                        loop_event_del(events[i]);
        }
        set_watch_arm(&session->set_watch, false);
}

void session_events_free(Session *session)
{
        loop_event_free(session->readable);
        loop_event_free(session->writable);
        set_watch_close(&session->set_watch);
        loop_event_free(session->process_ended);
        loop_event_free(session->unread);
}
