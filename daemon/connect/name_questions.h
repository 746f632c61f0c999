/*
 * NameQuestions: what is asked about one name, and when.
 *
 * Both families are asked for at once, so that a source that knows one of them alone, as the hosts
 * file may, is not asked past. A name server that has no answer to one family keeps back the
 * other's, too: where there is none within NAME_LATE_MS IPv4 is asked for alone as well. And where
 * the answer is doubtful, each family is.
 *
 * Owned by who asks, single-threaded, on the loop.
 */
#pragma once

#include "daemon/connect/resolver.h"
#include "daemon/loop/loop_event.h"

enum {
        NAME_LATE_MS = 250,
        /* For both families, for each alone. */
        NAME_QUESTIONS_MAX = 3,
};

typedef struct NameQuestions NameQuestions;

/* One of them. */
typedef struct NameQuestion {
        NameQuestions *questions;
        ResolverQuestion *question; /* NULL: answered, or not asked */
        bool was_asked;
} NameQuestion;

struct NameQuestions {
        Resolver *resolver;
        uid_t uid;
        const char *name;
        LoopEvent *late; /* a timer: the answer for both families is */
        NameQuestion each[NAME_QUESTIONS_MAX];
        /* An answer, also that there is none: any number of times. The one from
         * name_questions_ask() too; the other from the loop, after one or more of the first, and
         * may end the questions. */
        void (*take)(void *data, const NameAnswer *answer);
        void (*taken)(void *data);
        void *data;
};

/* 0 or -ENOMEM. take, taken and data are set before. */
int name_questions_open(NameQuestions *questions, Loop *loop, Resolver *resolver);
/* They are answered no more. Also of one that is zero. */
void name_questions_close(NameQuestions *questions);

/* Asks, once, for this user. name stays in place. */
void name_questions_ask(NameQuestions *questions, uid_t uid, const char *name);
/* Whether there may be more to take. */
bool name_questions_are_open(const NameQuestions *questions);
