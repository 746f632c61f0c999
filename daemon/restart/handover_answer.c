/* Whether another program takes the state. See handover_answer.h. */
#include "daemon/restart/handover_answer.h"

#include "core/error.h"
#include "daemon/store/record.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

int handover_question_make(State__Question *out)
{
        *out = (State__Question)STATE__QUESTION__INIT;
        out->answer_fd = HANDOVER_ANSWER_FD;
        if (getrandom(&out->nonce, sizeof(out->nonce), 0) == sizeof(out->nonce))
                return 0;
        return error_set(errno, "no random number: %s", strerror(errno));
}

void handover_answer(const State__State *state, const char *refusal)
{
        State__Answer answer = STATE__ANSWER__INIT;
        uint8_t bytes[HANDOVER_ANSWER_MAX];
        size_t size;

        if (!state->question)
                return;
        answer.nonce = state->question->nonce;
        answer.version = RECORD_VERSION;
        answer.release = (char *)PACKAGE_VERSION;
        answer.refusal = (char *)refusal;
        size = state__answer__get_packed_size(&answer);
        if (size > sizeof(bytes))
                return;
        state__answer__pack(&answer, bytes);
        /* Who asked sees it if nothing comes. */
        if (write(state->question->answer_fd, bytes, size) < 0)
                return;
}

int handover_answer_check(int borrow_answer_fd, const State__Question *question, const char *path)
{
        uint8_t bytes[HANDOVER_ANSWER_MAX];
        ssize_t size = read(borrow_answer_fd, bytes, sizeof(bytes));
        State__Answer *answer = size > 0 ? state__answer__unpack(NULL, (size_t)size, bytes) : NULL;
        int r = 0;

        if (!answer || answer->nonce != question->nonce)
                r = error_set(ENOMSG,
                              "%s does not answer whether it takes over: is it kyron-iod, and no "
                              "older release?",
                              path);
        else if (*answer->refusal)
                r = error_set(EPROTO, "%s does not take over: %s", path, answer->refusal);
        else if (answer->version != RECORD_VERSION)
                r = error_set(EPROTO, "%s, release %.32s, takes states of version %u", path,
                              answer->release, answer->version);
        if (answer)
                state__answer__free_unpacked(answer, NULL);
        return r;
}
