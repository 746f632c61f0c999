/* The requests of a session. See dispatch.h. */
#include "daemon/requests/dispatch.h"

#include "core/error.h"
#include "daemon/daemon.h"
#include "daemon/listen/drain.h"
#include "daemon/listen/listener.h"
#include "daemon/process/log.h"
#include "daemon/requests/asked.h"
#include "daemon/requests/claiming.h"
#include "daemon/requests/ending.h"
#include "daemon/requests/inspect.h"
#include "daemon/requests/keeping.h"
#include "daemon/requests/late_request.h"
#include "daemon/requests/metrics.h"
#include "daemon/requests/moving.h"
#include "daemon/requests/opening.h"
#include "daemon/requests/operating.h"
#include "daemon/requests/policy_testing.h"
#include "daemon/requests/registering.h"
#include "daemon/requests/sharing.h"
#include "daemon/requests/subscribing.h"
#include "daemon/session/answer.h"
#include "daemon/session/subscription.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* 0, a positive errno to refuse the request and go on, or -errno to end the session; with
 * error_text() unless 0. */
typedef int (*Handler)(Daemon *daemon, Session *session, const Iod__Frame *request, FdList *fds);

/* Ends what an earlier request of the session began, if it has not ended. */
static int cancel(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        uint32_t sequence = request->cancel->request;

        if (!opening_cancel(session, sequence) && !late_request_cancel(session, sequence) &&
            !drain_cancel(&daemon->listeners.drains, session, sequence))
                return 0;
        return answer_cancelled(session, sequence, error_set(ECANCELED, "cancelled as asked for"));
}

static int serve_many(Daemon *daemon, Session *session, const Iod__Frame *request, FdList *fds);

typedef struct RequestRow {
        Iod__Frame__BodyCase body;
        bool before_open; /* else after */
        /* One of them: of a request that comes with descriptors, and of one that does not. */
        Handler handler;
        int (*plain_handler)(Daemon *daemon, Session *session, const Iod__Frame *request);
} RequestRow;

static const RequestRow requests[] = {
        {IOD__FRAME__BODY_HELLO, true, .plain_handler = registering_hello},
        {IOD__FRAME__BODY_ADD_IO_SOURCE, false, .handler = registering_add},
        {IOD__FRAME__BODY_REMOVE_IO_SOURCE, false, .handler = registering_remove},
        {IOD__FRAME__BODY_SET_DELIVERY, false, .plain_handler = moving_set_delivery},
        {IOD__FRAME__BODY_CONNECT, false, .plain_handler = opening_serve_connect},
        {IOD__FRAME__BODY_BIND, false, .plain_handler = opening_serve_bind},
        {IOD__FRAME__BODY_TAKE_LISTENER, false, .plain_handler = opening_serve_take_listener},
        {IOD__FRAME__BODY_JOIN, false, .plain_handler = sharing_join},
        {IOD__FRAME__BODY_OFFER, false, .plain_handler = sharing_offer},
        {IOD__FRAME__BODY_CLAIM, false, .handler = claiming_claim},
        {IOD__FRAME__BODY_LEAVE, false, .plain_handler = sharing_leave},
        {IOD__FRAME__BODY_HOLD, false, .handler = keeping_hold},
        {IOD__FRAME__BODY_TAKE_HELD, false, .plain_handler = keeping_take_held},
        {IOD__FRAME__BODY_CANCEL, false, .plain_handler = cancel},
        {IOD__FRAME__BODY_REQUESTS, false, .handler = serve_many},
        {IOD__FRAME__BODY_SET_LISTENER, false, .plain_handler = operating_set_listener},
        {IOD__FRAME__BODY_DRAIN, false, .plain_handler = operating_drain},
        {IOD__FRAME__BODY_END_SESSION, false, .plain_handler = ending_end_session},
        {IOD__FRAME__BODY_CLOSE_LISTENER, false, .plain_handler = ending_close_listener},
        {IOD__FRAME__BODY_RELOAD, false, .plain_handler = operating_reload},
        {IOD__FRAME__BODY_TEST_POLICY, false, .plain_handler = policy_testing_serve},
        {IOD__FRAME__BODY_SUBSCRIBE, false, .plain_handler = subscribing_subscribe},
        {IOD__FRAME__BODY_UNSUBSCRIBE, false, .plain_handler = subscribing_unsubscribe},
        {IOD__FRAME__BODY_GET_STATUS, false, .plain_handler = inspect_get_status},
        {IOD__FRAME__BODY_GET_METRICS, false, .plain_handler = metrics_serve},
        {IOD__FRAME__BODY_LIST_SESSIONS, false, .plain_handler = inspect_list_sessions},
        {IOD__FRAME__BODY_LIST_REGISTRATIONS, false, .plain_handler = inspect_list_registrations},
        {IOD__FRAME__BODY_LIST_LISTENERS, false, .plain_handler = inspect_list_listeners},
        {IOD__FRAME__BODY_LIST_GROUPS, false, .plain_handler = inspect_list_groups},
        {IOD__FRAME__BODY_LIST_HOLDS, false, .plain_handler = inspect_list_holds},
        {IOD__FRAME__BODY_LIST_USERS, false, .plain_handler = inspect_list_users},
        {IOD__FRAME__BODY_LIST_POLICIES, false, .plain_handler = inspect_list_policies},
};

/* Refuses a request as a whole; the session goes on. */
static int refuse(Session *session, const Iod__Frame *request, int error)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;
        char text[FRAME_TEXT_MAX];

        not_done_note(session, not_done_why(error), 1, error, error_text());
        log_session(log_refusal_level(error), &session->peer, "refused: %s", error_text());
        refused.error = error;
        snprintf(text, sizeof(text), "%s", error_text());
        refused.text = text;
        asked_tell_refused(session, request, error, text);
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        return session_reply(session, request->sequence, &frame);
}

static int refuse_unknown(Session *session, const Iod__Frame *request)
{
        if (request->body_case != IOD__FRAME__BODY__NOT_SET)
                error_set(EOPNOTSUPP, "%s is a frame from the daemon, not to it",
                          frame_body_name(request->body_case));
        else if (frame_unknown_body(request) != 0)
                error_set(EOPNOTSUPP, "frame %u of iod.proto is unknown to this daemon (%s)",
                          frame_unknown_body(request), PACKAGE_VERSION);
        else
                error_set(EOPNOTSUPP, "a frame without a body asks for nothing");
        return refuse(session, request, EOPNOTSUPP);
}

/* Its row of the table; NULL: there is none. */
static const RequestRow *find_row(Iod__Frame__BodyCase body)
{
        for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
                if (requests[i].body == body)
                        return &requests[i];
        }
        return NULL;
}

/* As a Handler. */
static int call_handler(const RequestRow *row, Daemon *daemon, Session *session,
                        const Iod__Frame *request, FdList *fds)
{
        if (fds->count > 0 && !row->handler)
                return error_set(EBADMSG, "%s takes no descriptors and came with %zu",
                                 frame_body_name(request->body_case), fds->count);
        return row->handler ? row->handler(daemon, session, request, fds)
                            : row->plain_handler(daemon, session, request);
}

/* ---- Many in a packet ---------------------------------------------------------------------- */

/* The frame that it would have been alone. */
static void frame_one(Iod__Frame *frame, const Iod__Request *one)
{
        frame->descriptors = one->descriptors;
        frame->sequence = one->sequence;
        frame->body_case = (Iod__Frame__BodyCase)one->body_case;
        switch (one->body_case) {
        case IOD__REQUEST__BODY_CONNECT:
                frame->connect = one->connect;
                break;
        case IOD__REQUEST__BODY_BIND:
                frame->bind = one->bind;
                break;
        case IOD__REQUEST__BODY_HOLD:
                frame->hold = one->hold;
                break;
        case IOD__REQUEST__BODY_TAKE_HELD:
                frame->take_held = one->take_held;
                break;
        case IOD__REQUEST__BODY_CANCEL:
                frame->cancel = one->cancel;
                break;
        default:
                break;
        }
}

/* One of them, with its descriptors. A refusal waits with the other answers. */
static int serve_one(Daemon *daemon, Session *session, const Iod__Request *one, FdList *fds)
{
        Iod__Frame request = IOD__FRAME__INIT;
        const RequestRow *row;
        int r;

        frame_one(&request, one);
        row = find_row(request.body_case);
        r = row ? call_handler(row, daemon, session, &request, fds)
                : -error_set(EOPNOTSUPP, "requests takes connect, bind, hold, take_held, cancel");
        return r > 0 ? answer_refused(session, one->sequence, request.body_case, -r) : r;
}

static int check_many(const Iod__Requests *many, const FdList *fds)
{
        size_t expected = 0;

        for (size_t i = 0; i < many->n_request; i++)
                expected += many->request[i]->descriptors;
        if (expected != fds->count)
                return error_set(EBADMSG, "requests names %zu descriptors and came with %zu",
                                 expected, fds->count);
        if (many->n_request > FRAME_REQUESTS_MAX)
                return -error_set(EINVAL, "requests has at most %d, not %zu", FRAME_REQUESTS_MAX,
                                  many->n_request);
        return 0;
}

/* What one of them leaves of its descriptors is the packet's again. */
static int serve_many(Daemon *daemon, Session *session, const Iod__Frame *frame, FdList *fds)
{
        const Iod__Requests *many = frame->requests;
        size_t first = 0;
        int r = check_many(many, fds);

        for (size_t i = 0; r == 0 && i < many->n_request && !session->ended; i++) {
                FdList part = {.count = 0};
                size_t count = many->request[i]->descriptors;

                for (size_t n = 0; n < count; n++)
                        fd_list_add(&part, fd_list_steal(fds, first + n));
                r = serve_one(daemon, session, many->request[i], &part);
                for (size_t n = 0; n < count; n++)
                        fds->fds[first + n] = fd_list_steal(&part, n);
                first += count;
        }
        return r;
}

static int dispatch_serve(void *data, Session *session, const void *bytes, size_t size, FdList *fds,
                          uint32_t *sequence)
{
        Daemon *daemon = data;
        Iod__Frame *request = NULL;
        const RequestRow *row;
        int r;

        r = frame_decode(&daemon->sessions.arena, bytes, size, fds->count, &request);
        if (request)
                *sequence = request->sequence;
        if (r < 0 || !request)
                return r;

        row = find_row(request->body_case);
        if (!session->open && request->body_case != IOD__FRAME__BODY_HELLO)
                return error_set(EPROTO, "the first frame has to be hello, and was %s",
                                 frame_unknown_body(request) ? "unknown"
                                                             : frame_body_name(request->body_case));
        if (!row)
                return refuse_unknown(session, request);
        if (session->open && row->before_open)
                return error_set(EPROTO, "hello came twice: a session has one");
        r = call_handler(row, daemon, session, request, fds);
        return r > 0 ? refuse(session, request, r) : r;
}

static void closed(void *data, Session *session)
{
        (void)data;
        drain_set(session, true);
}

static void ended(void *data, Session *session)
{
        Worker *worker;

        (void)data;
        subscription_end(session);
        opening_cancel_all(session);
        late_request_cancel_all(session);
        TAILQ_FOREACH(worker, &session->workers, session_link)
        worker_stop(worker);
}

static bool let_go(void *data, Session *session, uint32_t connections)
{
        Daemon *daemon = data;
        Worker *worker;

        while ((worker = TAILQ_FIRST(&session->workers))) {
                if (!worker_lose(worker, &connections))
                        return false;
        }
        drain_forget(&daemon->listeners.drains, session);
        return true;
}

const SessionService dispatch_service = {
        .serve = dispatch_serve,
        .closed = closed,
        .ended = ended,
        .let_go = let_go,
};
