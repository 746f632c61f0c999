/* Requests that are answered late. See late_request.h. */
#include "daemon/requests/late_request.h"

#include "core/error.h"

#include <errno.h>

int late_request_begin(LateRequest *request, Session *session, uint32_t sequence,
                       void (*forget)(LateRequest *request))
{
        if (session->n_late_requests >= LATE_REQUESTS_MAX)
                return error_set(EAGAIN, "%d requests of this session wait already: try later",
                                 LATE_REQUESTS_MAX);
        *request = (LateRequest){.session = session, .sequence = sequence, .forget = forget};
        TAILQ_INSERT_TAIL(&session->late_requests, request, link);
        session->n_late_requests++;
        return 0;
}

void late_request_end(LateRequest *request)
{
        TAILQ_REMOVE(&request->session->late_requests, request, link);
        request->session->n_late_requests--;
}

Session *late_request_answer(LateRequest *request)
{
        Session *session = request->session;

        late_request_end(request);
        session->replies_late = true;
        return session;
}

void late_request_answered(Session *session)
{
        session->replies_late = false;
}

static void forget(LateRequest *request)
{
        late_request_end(request);
        request->forget(request);
}

bool late_request_cancel(Session *session, uint32_t sequence)
{
        LateRequest *request;

        TAILQ_FOREACH(request, &session->late_requests, link)
        {
                if (request->sequence == sequence) {
                        forget(request);
                        return true;
                }
        }
        return false;
}

void late_request_cancel_all(Session *session)
{
        LateRequest *request;

        while ((request = TAILQ_FIRST(&session->late_requests)))
                forget(request);
}
