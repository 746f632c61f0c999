/* What is asked about one name. See name_questions.h. */
#include "daemon/connect/name_questions.h"

#include "core/error.h"

#include <errno.h>
#include <stdio.h>

enum { ASK_BOTH, ASK_V6, ASK_V4 };

static const int families[NAME_QUESTIONS_MAX] = {AF_UNSPEC, AF_INET6, AF_INET};

static void ask(NameQuestions *questions, int which);

static void take(NameQuestion *question, const NameAnswer *answer)
{
        NameQuestions *questions = question->questions;

        questions->take(questions->data, answer);
        if (question != &questions->each[ASK_BOTH] || !answer->is_doubtful)
                return;
        ask(questions, ASK_V6);
        ask(questions, ASK_V4);
}

static void on_answer(void *data, const NameAnswer *answer)
{
        NameQuestion *question = data;
        NameQuestions *questions = question->questions;

        question->question = NULL;
        take(question, answer);
        questions->taken(questions->data);
}

static void ask(NameQuestions *questions, int which)
{
        NameQuestion *question = &questions->each[which];
        NameAnswer failure = {.error = 0};
        const NameAnswer *answer = &failure;
        int r;

        if (question->was_asked)
                return;
        *question = (NameQuestion){.questions = questions, .was_asked = true};
        r = resolver_ask(questions->resolver, questions->uid, questions->name, families[which],
                         &answer, on_answer, question, &question->question);
        if (r == 0)
                return;
        if (r < 0) {
                failure.error = r;
                snprintf(failure.sentence, sizeof(failure.sentence), "%s", error_text());
        }
        take(question, answer);
}

static void on_late(evutil_socket_t fd, short what, void *data)
{
        NameQuestions *questions = data;

        (void)fd;
        (void)what;
        if (questions->each[ASK_BOTH].question)
                ask(questions, ASK_V4);
        questions->taken(questions->data);
}

int name_questions_open(NameQuestions *questions, Loop *loop, Resolver *resolver)
{
        questions->resolver = resolver;
        questions->late = loop_timer_new(loop, on_late, questions);
        return questions->late ? 0 : -ENOMEM;
}

void name_questions_close(NameQuestions *questions)
{
        for (size_t i = 0; i < NAME_QUESTIONS_MAX; i++) {
                if (questions->each[i].question)
                        resolver_give_up(questions->each[i].question);
                questions->each[i].question = NULL;
        }
        questions->late = loop_event_free(questions->late);
}

void name_questions_ask(NameQuestions *questions, uid_t uid, const char *name)
{
        const struct timeval late = {.tv_usec = NAME_LATE_MS * 1000};

        questions->uid = uid;
        questions->name = name;
        ask(questions, ASK_BOTH);
        /* Without the memory to wait, it is late already. */
        if (questions->each[ASK_BOTH].question && loop_event_add(questions->late, &late) < 0)
                ask(questions, ASK_V4);
}

bool name_questions_are_open(const NameQuestions *questions)
{
        for (size_t i = 0; i < NAME_QUESTIONS_MAX; i++) {
                if (questions->each[i].question)
                        return true;
        }
        return false;
}
