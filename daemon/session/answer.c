/* Answers that come late. See answer.h. */
#include "daemon/session/answer.h"

#include "core/error.h"
#include "daemon/session/sessions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void answer_free(Session *session, Answer *answer)
{
        Sessions *sessions = session->sessions;

        /* Only now: had the daemon died before it was sent, it would still be kept. */
        if (answer->kind)
                answer->kind->sent(answer);
        if (answer->fd >= 0)
                kept_close(sessions->kept, &session->user->kept, session->lane, answer->fd);
        if (answer->note_fd >= 0)
                kept_close(sessions->kept, &session->user->kept, session->lane, answer->note_fd);
        free(answer);
}

void answer_queue(Session *session, Answer *take_answer)
{
        TAILQ_INSERT_TAIL(&session->delivery.answers, take_answer, link);
        session->delivery.count++;
        session_deliver_soon(session);
}

static int queue_copy(Session *session, const Answer *value)
{
        Answer *answer = malloc(sizeof(*answer));

        if (!answer)
                return error_set(ENOMEM, "no memory for an answer");
        *answer = *value;
        answer_queue(session, answer);
        return 0;
}

int answer_opened(Session *session, uint32_t sequence, int take_fd, uint64_t source,
                  const Address *address)
{
        Answer answer = {
                .body = IOD__FRAME__BODY_OPENED,
                .sequence = sequence,
                .fd = take_fd,
                .note_fd = -1,
                .source = source,
        };

        int r;

        address_format(address, answer.text);
        r = kept_add_descriptor(session->sessions->kept, &session->user->kept, session->lane);
        if (r < 0) {
                close(take_fd); /* ours alone as yet */
                return r;
        }
        r = queue_copy(session, &answer);
        if (r < 0)
                kept_close(session->sessions->kept, &session->user->kept, session->lane, take_fd);
        return r;
}

int answer_done(Session *session, uint32_t sequence)
{
        const Answer answer = {
                .body = IOD__FRAME__BODY_DONE,
                .sequence = sequence,
                .fd = -1,
                .note_fd = -1,
        };

        return queue_copy(session, &answer);
}

static int queue_refused(Session *session, uint32_t sequence, uint64_t source,
                         Iod__Frame__BodyCase asked, int error, NotDoneWhy why)
{
        Answer answer = {
                .body = IOD__FRAME__BODY_REFUSED,
                .sequence = sequence,
                .fd = -1,
                .note_fd = -1,
                .source = source,
                .error = -error,
                .asked = asked,
                .why = why,
        };

        snprintf(answer.text, FRAME_TEXT_MAX, "%s", error_text());
        return queue_copy(session, &answer);
}

int answer_refused(Session *session, uint32_t sequence, Iod__Frame__BodyCase asked, int error)
{
        return queue_refused(session, sequence, 0, asked, error, NOT_DONE_REFUSED);
}

int answer_failed(Session *session, uint32_t sequence, Iod__Frame__BodyCase asked, int error)
{
        return queue_refused(session, sequence, 0, asked, error, NOT_DONE_FAILED);
}

int answer_cancelled(Session *session, uint32_t sequence, int error)
{
        return queue_refused(session, sequence, 0, IOD__FRAME__BODY__NOT_SET, error,
                             NOT_DONE_CANCELLED);
}

int answer_refused_source(Session *session, uint64_t source, int error)
{
        return queue_refused(session, 0, source, IOD__FRAME__BODY_OFFER, error, NOT_DONE_REFUSED);
}

int answer_frame(Session *session, const Iod__Frame *frame)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        AnswerFrame *queued;
        int size = frame_encode(frame, bytes);

        if (size < 0)
                return size;
        queued = malloc(sizeof(*queued) + (size_t)size);
        if (!queued)
                return error_set(ENOMEM, "no memory for an answer");
        queued->answer = (Answer){.sequence = frame->sequence, .fd = -1, .note_fd = -1};
        queued->size = (size_t)size;
        memcpy(queued->bytes, bytes, (size_t)size);
        answer_queue(session, &queued->answer);
        return 0;
}

void answer_take_back(Session *session)
{
        Answer *answer, *next;

        for (answer = TAILQ_FIRST(&session->delivery.answers); answer; answer = next) {
                next = TAILQ_NEXT(answer, link);
                if (!answer->kind || !answer->kind->unsent(answer, session))
                        continue;
                TAILQ_REMOVE(&session->delivery.answers, answer, link);
                session->delivery.count--;
                free(answer);
        }
}
