/* Answers that come late. See answer.h. */
#include "daemon/session/answer.h"

#include "core/error.h"
#include "daemon/hold/hold_record.h"
#include "daemon/server/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void close_answered(Session *session, const Answer *answer)
{
        /* Only now: had the daemon died before it was sent, it would still be held. */
        if (answer->stored != 0)
                hold_record_forget(&session->server->store, answer->stored, answer->note_fd >= 0);
        if (answer->fd >= 0)
                kept_close(&session->server->kept, session->lane, answer->fd);
        if (answer->note_fd >= 0)
                kept_close(&session->server->kept, session->lane, answer->note_fd);
}

void answer_free(Session *session, Answer *answer)
{
        close_answered(session, answer);
        free(answer);
}

static int queue_answer(Session *session, const Answer *value)
{
        Answer *answer = malloc(sizeof(*answer));

        if (!answer)
                return error_set(ENOMEM, "no memory for an answer");
        *answer = *value;
        TAILQ_INSERT_TAIL(&session->delivery.answers, answer, link);
        session->delivery.count++;
        later_wake(&session->server->loop.later, &session->deliver);
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
        r = kept_add_descriptor(&session->server->kept, session->lane);
        if (r < 0) {
                close(take_fd); /* ours alone as yet */
                return r;
        }
        r = queue_answer(session, &answer);
        if (r < 0)
                kept_close(&session->server->kept, session->lane, take_fd);
        return r;
}

int answer_held(Session *session, uint32_t sequence, const char *name, const HoldTaken *take)
{
        Answer answer = {
                .body = IOD__FRAME__BODY_HELD,
                .sequence = sequence,
                .fd = take->fd,
                .note_fd = take->note_fd,
                .note_size = take->note_size,
                .held_ms = take->held_ms,
                .was = take->was,
                .stored = take->stored,
        };
        int r;

        snprintf(answer.text, sizeof(answer.text), "%s", name);
        kept_add(&session->server->kept);
        if (take->note_fd >= 0)
                kept_add(&session->server->kept);
        r = queue_answer(session, &answer);
        if (r < 0)
                close_answered(session, &answer);
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

        return queue_answer(session, &answer);
}

static int queue_refused(Session *session, uint32_t sequence, uint64_t source, int error)
{
        Answer answer = {
                .body = IOD__FRAME__BODY_REFUSED,
                .sequence = sequence,
                .fd = -1,
                .note_fd = -1,
                .source = source,
                .error = -error,
        };

        snprintf(answer.text, FRAME_TEXT_MAX, "%s", error_text());
        return queue_answer(session, &answer);
}

int answer_refused(Session *session, uint32_t sequence, int error)
{
        return queue_refused(session, sequence, 0, error);
}

int answer_refused_source(Session *session, uint64_t source, int error)
{
        return queue_refused(session, 0, source, error);
}

/* Its places in the lane are the hold's again. false: another is held under its name by now. */
static bool give_back(Session *session, const Answer *answer)
{
        Hold hold = answer->was;

        hold.user = session->user;
        if (hold_set_restore(&session->server->holds, &hold) < 0)
                return false;
        kept_remove(&session->server->kept);
        if (answer->note_fd >= 0)
                kept_remove(&session->server->kept);
        return true;
}

void answer_give_back_held(Session *session)
{
        Answer *answer, *next;

        for (answer = TAILQ_FIRST(&session->delivery.answers); answer; answer = next) {
                next = TAILQ_NEXT(answer, link);
                if (answer->body != IOD__FRAME__BODY_HELD || !give_back(session, answer))
                        continue;
                TAILQ_REMOVE(&session->delivery.answers, answer, link);
                session->delivery.count--;
                free(answer);
        }
}
