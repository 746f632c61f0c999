/*
 * The question whether another program takes the state, which is asked with the state, and its
 * answer. The question has a random number in it, so that who answers has read it.
 */
#pragma once

#include "daemon/store/state.pb-c.h"

enum {
        /* The descriptor that the program that is asked answers to. */
        HANDOVER_ANSWER_FD = 4,
        /* Bytes of an answer. */
        HANDOVER_ANSWER_MAX = 1024,
};

/* A new one. 0, or -errno with error_text(). */
int handover_question_make(State__Question *out);
/* The answer to the state's question: refusal "", or a sentence why not. A state of an older
 * release has none: its exit status is all that it looks at. */
void handover_answer(const State__State *state, const char *refusal);
/* After the program at path has ended: 0 if it takes the state, or with error_text(): -EPROTO it
 * says that it does not, -ENOMSG it does not say so. */
int handover_answer_check(int borrow_answer_fd, const State__Question *question, const char *path);
