/*
 * Answer: what a session asked for and is sent late, in the order in which it was ready: a
 * descriptor, a refusal, or that something is done. It waits until the session can be sent it
 * (delivery.h).
 *
 * Its descriptors are counted in Server.kept, and closed after they were sent.
 */
#pragma once

#include "core/address.h"
#include "daemon/hold/hold.h"
#include "proto/frame.h"

#include <sys/queue.h>

typedef struct Session Session;

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

typedef TAILQ_HEAD(AnswerList, Answer) AnswerList;

/*
 * Each queues one answer, and takes the descriptors also on failure. What was held has its places
 * in the lane of the session's user, as the Hold reserved them. 0, or -ENOMEM
 * with error_text(): the session has to end.
 */
int answer_opened(Session *session, uint32_t sequence, int take_fd, uint64_t source,
                  const Address *address);
int answer_held(Session *session, uint32_t sequence, const char *name, const HoldTaken *take);
int answer_done(Session *session, uint32_t sequence);
/* error is a negative errno, the sentence error_text(). */
int answer_refused(Session *session, uint32_t sequence, int error);
/* Of an offered id, which no connection can be registered under. */
int answer_refused_source(Session *session, uint64_t source, int error);

/* What was held and has not been sent is held again: the session ends. */
void answer_give_back_held(Session *session);

/* Frees one that is in no queue: its descriptors are closed; of what was held, nothing is stored
 * any more. */
void answer_free(Session *session, Answer *answer);
