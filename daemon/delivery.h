/*
 * Delivery: what a session is sent beside readiness and the answers given at once: descriptors, and
 * answers that come late.
 *
 * Answers wait in a queue until they are sent; connections of a worker wait with it (passing.h). A
 * packet with descriptors is sent only when the client has read all that was sent before: unread
 * descriptors count against the daemon's own limit in the kernel, for every client together. To
 * learn when the client has read, its socket is added to the session's own epoll set, for the edge
 * of becoming writable that every read makes.
 *
 * Descriptors waiting here are counted in Server.kept, and closed after they were sent. While
 * DELIVERY_ANSWERS_MAX answers wait, the session's requests are not read: who reads no answers can
 * ask for no more.
 */
#pragma once

#include "core/address.h"
#include "daemon/hold.h"
#include "proto/frame.h"

#include <stdbool.h>
#include <sys/queue.h>

typedef struct Session Session;

enum {
        /* Answers that wait, and no more requests are read; those under way may add theirs. */
        DELIVERY_ANSWERS_MAX = 64,
};

/* One answer. */
typedef struct Answer {
        TAILQ_ENTRY(Answer) link;
        Iod__Frame__BodyCase body; /* OPENED, HELD, DONE or REFUSED */
        uint32_t sequence;
        int fd;      /* OPENED and HELD; else -1 */
        int note_fd; /* HELD; or -1 */
        uint32_t note_size;
        uint64_t source; /* OPENED: to register it under; REFUSED: this source was; 0: none */
        uint64_t held_ms;
        Hold was;        /* HELD */
        uint64_t stored; /* HELD: the hold's number, if it is in the store yet; else 0 */
        int error;       /* REFUSED: a positive errno */
        char text[ADDRESS_TEXT_MAX]; /* the address, the name, or the sentence */
} Answer;

typedef struct Delivery {
        TAILQ_HEAD(, Answer) answers;
        uint32_t count;
        uint64_t sent;
        bool watches_socket; /* it is in the session's set */
        bool awaits_reading; /* and its edges are asked for */
} Delivery;

void delivery_init(Delivery *delivery);
/* Closes what was not sent. Before the session's set is closed. */
void delivery_deinit(Session *session);

/*
 * Each queues one answer, and takes the descriptors also on failure. What was held has its places
 * in the lane of the session's user, as the Hold reserved them. 0, or -ENOMEM
 * with error_text(): the session has to end.
 */
int delivery_opened(Session *session, uint32_t sequence, int take_fd, uint64_t source,
                    const Address *address);
int delivery_held(Session *session, uint32_t sequence, const char *name, const HoldTaken *take);
int delivery_done(Session *session, uint32_t sequence);
/* error is a negative errno, the sentence error_text(). */
int delivery_refused(Session *session, uint32_t sequence, int error);
/* Of an offered id, which no connection can be registered under. */
int delivery_refused_source(Session *session, uint64_t source, int error);

/* What was held and has not been sent is held again: the session ends. */
void delivery_give_back_held(Session *session);

/* Whether so much waits that no more requests are to be read. */
bool delivery_is_full(const Session *session);
/* Whether the client has left a packet unread. */
bool delivery_has_unread(const Session *session);
/* Whether a packet with descriptors could be sent now, with nothing before it. */
bool delivery_can_send(const Session *session);
/* Whether there is something to be sent. */
bool delivery_is_due(const Session *session);
/* Sends what can be sent now. 0, or -errno: the session has to end. */
int delivery_flush(Session *session);
