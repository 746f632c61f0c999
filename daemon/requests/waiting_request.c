/* Requests that wait for a listener. See waiting_request.h. */
#include "daemon/requests/waiting_request.h"

#include "core/error.h"
#include "daemon/daemon.h"
#include "daemon/listen/listener_waiter.h"
#include "daemon/requests/dispatch.h"
#include "daemon/requests/late_request.h"
#include "daemon/session/answer.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

typedef struct WaitingRequest {
        LateRequest late; /* first */
        ListenerWaiter waiter;
        Daemon *daemon;
        bool ends_with_it;
        Iod__Frame__BodyCase body;
        size_t size;
        uint8_t bytes[];
} WaitingRequest;

static size_t size_of(const WaitingRequest *request)
{
        return sizeof(*request) + request->size;
}

static WaitingRequest *waiting_request_free(WaitingRequest *request)
{
        Session *session = request->late.session;

        listener_waiter_cancel(&request->waiter);
        share_give_back(&session->sessions->late_bytes, &session->user->late_bytes,
                        size_of(request));
        free(request);
        return NULL;
}

static void forget(LateRequest *late)
{
        waiting_request_free((WaitingRequest *)late);
}

static int serve_again(WaitingRequest *request, Session *session)
{
        FdList none = {.count = 0};
        uint32_t sequence;

        return dispatch_service.serve(request->daemon, session, request->bytes, request->size,
                                      &none, &sequence);
}

static void on_opened(ListenerWaiter *waiter, int r)
{
        WaitingRequest *request =
                (WaitingRequest *)((char *)waiter - offsetof(WaitingRequest, waiter));
        Session *session = late_request_answer(&request->late);
        uint32_t sequence = request->late.sequence;

        /* Nothing more is done for one whose client has gone. */
        if (session->closed || session->ended)
                r = 0;
        else if (r < 0 && request->ends_with_it)
                r = answer_failed(session, sequence, request->body, r);
        else
                r = serve_again(request, session);
        late_request_answered(session);
        waiting_request_free(request);
        if (r < 0)
                session_fail(session, sequence, r);
}

int waiting_request_keep(Daemon *daemon, Session *session, const Iod__Frame *frame,
                         Listener *listener, bool has_opened)
{
        const size_t size = iod__frame__get_packed_size(frame);
        WaitingRequest *request = malloc(sizeof(*request) + size);
        int r;

        if (!request)
                return -error_set(ENOMEM, "no memory to go on");
        r = share_check(&session->sessions->late_bytes, session->user->late_bytes,
                        sizeof(*request) + size, "bytes of requests that wait", "try later");
        if (r == 0)
                r = late_request_begin(&request->late, session, frame->sequence, forget);
        if (r < 0) {
                free(request);
                return -r;
        }
        request->daemon = daemon;
        request->body = frame->body_case;
        /* With a configured one there is nothing else to try. */
        request->ends_with_it = has_opened || listener->configured;
        request->size = iod__frame__pack(frame, request->bytes);
        share_take(&session->sessions->late_bytes, &session->user->late_bytes, size_of(request));
        listener_waiter_wait(&request->waiter, listener, on_opened);
        return 0;
}
