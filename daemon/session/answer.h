/*
 * Answer: what a session asked for and is sent late, in the order in which it was ready: a
 * descriptor, a refusal, that something is done, or any other frame. It waits until the session can
 * be sent it (delivery.h).
 *
 * Its descriptors are counted in Kept, and closed after they were sent. Who needs to know what has
 * become of it gives it a kind.
 */
#pragma once

#include "core/address.h"
#include "daemon/session/not_done.h"
#include "proto/frame.h"

#include <stdbool.h>
#include <sys/queue.h>

typedef struct Answer Answer;
typedef struct Session Session;

typedef struct AnswerKind {
        /* It was sent, or is not to be had any more; its descriptors are closed next. */
        void (*sent)(Answer *answer);
        /* Its session ends before it was sent. Whether somebody has taken its descriptors back. */
        bool (*unsent)(Answer *answer, Session *session);
} AnswerKind;

struct Answer {
        TAILQ_ENTRY(Answer) link;
        const AnswerKind *kind;    /* NULL: nobody needs to know */
        Iod__Frame__BodyCase body; /* OPENED, HELD, DONE or REFUSED; NOT_SET: an AnswerFrame */
        uint32_t sequence;
        int fd;      /* OPENED and HELD; else -1 */
        int note_fd; /* HELD; or -1 */
        uint32_t note_size;
        uint64_t source; /* OPENED: to register it under; REFUSED: this source was; 0: none */
        uint64_t held_ms;
        int error;                   /* REFUSED: a positive errno */
        Iod__Frame__BodyCase asked;  /* REFUSED: which request; or NOT_SET */
        NotDoneWhy why;              /* REFUSED */
        char text[ADDRESS_TEXT_MAX]; /* the address, the name, or the sentence */
};

/* A frame that goes as it is, in a packet of its own. */
typedef struct AnswerFrame {
        Answer answer; /* first */
        size_t size;
        uint8_t bytes[];
} AnswerFrame;

typedef TAILQ_HEAD(AnswerList, Answer) AnswerList;

/*
 * Each queues one answer, and takes the descriptor also on failure. 0, or -ENOMEM with
 * error_text(): the session has to end.
 */
int answer_opened(Session *session, uint32_t sequence, int take_fd, uint64_t source,
                  const Address *address);
int answer_done(Session *session, uint32_t sequence);
/* error is a negative errno, the sentence error_text(); asked is what was. */
int answer_refused(Session *session, uint32_t sequence, Iod__Frame__BodyCase asked, int error);
/* The same of what was tried, and of what its client wants no more. */
int answer_failed(Session *session, uint32_t sequence, Iod__Frame__BodyCase asked, int error);
int answer_cancelled(Session *session, uint32_t sequence, int error);
/* Of an offered id, which no connection can be registered under. */
int answer_refused_source(Session *session, uint64_t source, int error);

/* One that brings no descriptors. Or -errno: it cannot be encoded. */
int answer_frame(Session *session, const Iod__Frame *frame);

/* Queues one that was allocated, perhaps as the beginning of something larger. Its descriptors are
 * counted and have their places. */
void answer_queue(Session *session, Answer *take_answer);

/* Gives up one that is in no queue: its descriptors are closed. */
void answer_free(Session *session, Answer *answer);
/* The session ends, or is about to: what was not sent goes back to those who take it back. */
void answer_take_back(Session *session);
