/* A held descriptor on its way to who takes it. See held_answer.h. */
#include "daemon/hold/held_answer.h"

#include "core/error.h"
#include "daemon/hold/hold_record.h"
#include "daemon/session/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct HeldAnswer {
        Answer answer; /* first */
        HoldSet *set;
        HoldTaken taken;
} HeldAnswer;

static void forget(const HoldSet *set, const HoldTaken *taken)
{
        if (taken->stored != 0)
                hold_record_forget(set->store, taken->stored, taken->note_fd >= 0);
}

static void sent(Answer *answer)
{
        const HeldAnswer *held = (HeldAnswer *)answer;

        forget(held->set, &held->taken);
}

/* Its places in the lane are the hold's again. false: another is held under its name by now. */
static bool unsent(Answer *answer, Session *session)
{
        HeldAnswer *held = (HeldAnswer *)answer;

        held->taken.was.user = session->user;
        if (hold_set_restore(held->set, &held->taken.was) < 0)
                return false;
        kept_remove(session->sessions->kept, &session->user->kept);
        if (answer->note_fd >= 0)
                kept_remove(session->sessions->kept, &session->user->kept);
        return true;
}

static const AnswerKind held_kind = {.sent = sent, .unsent = unsent};

int held_answer_queue(HoldSet *set, Session *session, uint32_t sequence, const char *name,
                      const HoldTaken *take)
{
        Kept *kept = session->sessions->kept;
        uint64_t *mine = &session->user->kept;
        HeldAnswer *held = malloc(sizeof(*held));

        kept_add(kept, mine);
        if (take->note_fd >= 0)
                kept_add(kept, mine);
        if (!held) {
                forget(set, take);
                kept_close(kept, mine, session->lane, take->fd);
                if (take->note_fd >= 0)
                        kept_close(kept, mine, session->lane, take->note_fd);
                return error_set(ENOMEM, "no memory for an answer");
        }
        *held = (HeldAnswer){
                .answer =
                        {
                                .kind = &held_kind,
                                .body = IOD__FRAME__BODY_HELD,
                                .sequence = sequence,
                                .fd = take->fd,
                                .note_fd = take->note_fd,
                                .note_size = take->note_size,
                                .held_ms = take->held_ms,
                        },
                .set = set,
                .taken = *take,
        };
        snprintf(held->answer.text, sizeof(held->answer.text), "%s", name);
        answer_queue(session, &held->answer);
        return 0;
}
