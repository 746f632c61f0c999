/*
 * LateRequest: a request whose answer comes once something has happened off the loop; part of what
 * its handler keeps of it.
 *
 * It waits in its session's list until it is answered, cancelled, or the session ends. Whoever
 * keeps it is told of the last two, and lets go of it.
 */
#pragma once

#include "daemon/session/session.h"

enum {
        /* Of one session, at a time. */
        LATE_REQUESTS_MAX = 64,
};

typedef struct LateRequest LateRequest;
struct LateRequest {
        TAILQ_ENTRY(LateRequest) link; /* the session's */
        Session *session;
        uint32_t sequence;
        /* It is not wanted any more; it is in no list, and its keeper's to free. */
        void (*forget)(LateRequest *request);
};

/* Begins to wait. 0, or -EAGAIN with error_text(): the session has too many that wait. */
int late_request_begin(LateRequest *request, Session *session, uint32_t sequence,
                       void (*forget)(LateRequest *request));
/* It waits no more, and is not to be answered. */
void late_request_end(LateRequest *request);
/* It waits no more, and is answered now, by what may reply at once, too: until
 * late_request_answered(). Returns its session. */
Session *late_request_answer(LateRequest *request);
void late_request_answered(Session *session);

/* Whether there was one of that sequence, which is forgotten. */
bool late_request_cancel(Session *session, uint32_t sequence);
void late_request_cancel_all(Session *session);
