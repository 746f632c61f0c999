/*
 * Delivery: what a session is sent beside readiness and the answers given at once: descriptors, and
 * answers that come late.
 *
 * Answers wait in a queue (answer.h), and those that have gathered there go together
 * (answer_packet.h); what others have for it waits with them (outgoing.h). A packet with
 * descriptors is sent only when the client has read all that was sent before: unread descriptors
 * count against the daemon's own limit in the kernel, for every client together. To learn when the
 * client has read, its socket is added to the session's own epoll set, for the edge of becoming
 * writable that every read makes.
 *
 * While DELIVERY_ANSWERS_MAX answers wait, the session's requests are not read: who reads no
 * answers can ask for no more.
 */
#pragma once

#include "daemon/session/answer.h"

#include <stdbool.h>

enum {
        /* Answers that wait, and no more requests are read; those under way may add theirs. */
        DELIVERY_ANSWERS_MAX = 64,
};

typedef struct Delivery {
        AnswerList answers;
        uint32_t count;
        uint64_t sent;
        bool watches_socket; /* it is in the session's set */
        bool awaits_reading; /* and its edges are asked for */
} Delivery;

void delivery_init(Delivery *delivery);
/* Closes what was not sent. Before the session's set is closed. */
void delivery_deinit(Session *session);

/* The session's set has gone: what waits for the client to read waits in the next one. */
void delivery_lose_set(Session *session);

/* Whether so much waits that no more requests are to be read. */
bool delivery_is_full(const Session *session);
/* Whether the client has left a packet unread. */
bool delivery_has_unread(const Session *session);
/* Whether a packet with descriptors could be sent now, with nothing before it. */
bool delivery_can_send(const Session *session);
/* Whether so many descriptors may be sent to a client that has read everything. */
bool delivery_has_room(Session *session, uint32_t n);
/* Sends a frame with descriptors, which count as in flight then. As notifier_send_descriptors(). */
int delivery_send_descriptors(Session *session, Iod__Frame *frame, const int *borrow_fds,
                              uint32_t n);
/* Whether there is something to be sent. */
bool delivery_is_due(const Session *session);
/* Sends what can be sent now. 0, or -errno: the session has to end. */
int delivery_flush(Session *session);
