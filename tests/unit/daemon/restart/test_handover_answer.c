/*
 * daemon/handover_answer: only who has read the question answers it, and why not is passed on.
 */
#include "core/error.h"
#include "daemon/restart/handover_answer.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int ends[2];
static State__State state;
static State__Question question;

static void set_up(void)
{
        pipe_pair(ends);
        state = (State__State)STATE__STATE__INIT;
        ck_assert_msg(handover_question_make(&question) == 0, "%s", error_text());
        question.answer_fd = ends[1];
        state.question = &question;
}

static void tear_down(void)
{
        close(ends[0]);
        close(ends[1]);
}

static int check(void)
{
        return handover_answer_check(ends[0], &question, "/new");
}

START_TEST(each_question_is_another)
{
        State__Question second;

        ck_assert_int_eq(handover_question_make(&second), 0);
        ck_assert_uint_ne(second.nonce, question.nonce);
        ck_assert_int_eq(second.answer_fd, HANDOVER_ANSWER_FD);
}
END_TEST

START_TEST(who_has_read_the_state_says_yes)
{
        handover_answer(&state, "");
        ck_assert_msg(check() == 0, "%s", error_text());
}
END_TEST

START_TEST(why_not_is_passed_on)
{
        handover_answer(&state, "/etc/x.conf:3: no");
        ck_assert_int_eq(check(), -EPROTO);
        ck_assert_str_eq(error_text(), "/new does not take over: /etc/x.conf:3: no");
}
END_TEST

START_TEST(no_answer_and_one_to_another_question_are_none)
{
        static const char sentence[] = "/new does not answer whether it takes over: is it "
                                       "kyron-iod, and no older release?";

        ck_assert_int_eq(check(), -ENOMSG);
        ck_assert_str_eq(error_text(), sentence);
        handover_answer(&state, "");
        question.nonce++;
        ck_assert_int_eq(check(), -ENOMSG);
        ck_assert_int_eq(write(ends[1], "kyron-iod: yes\n", 15), 15);
        ck_assert_int_eq(check(), -ENOMSG);
        ck_assert_str_eq(error_text(), sentence);
}
END_TEST

START_TEST(another_version_of_the_state_is_none_of_ours)
{
        State__Answer answer = STATE__ANSWER__INIT;
        uint8_t bytes[HANDOVER_ANSWER_MAX];
        size_t size;

        answer.nonce = question.nonce;
        answer.version = 2;
        answer.release = (char *)"9";
        size = state__answer__pack(&answer, bytes);
        ck_assert_int_eq(write(ends[1], bytes, size), (ssize_t)size);
        ck_assert_int_eq(check(), -EPROTO);
        ck_assert_str_eq(error_text(), "/new, release 9, takes states of version 2");
}
END_TEST

START_TEST(a_state_without_a_question_is_not_answered)
{
        state.question = NULL;
        handover_answer(&state, "");
        ck_assert_int_eq(check(), -ENOMSG);
}
END_TEST

TEST_SUITE(test_handover_answer)
{
        TCase *tcase = tcase_create("answer");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, each_question_is_another);
        tcase_add_test(tcase, who_has_read_the_state_says_yes);
        tcase_add_test(tcase, why_not_is_passed_on);
        tcase_add_test(tcase, no_answer_and_one_to_another_question_are_none);
        tcase_add_test(tcase, another_version_of_the_state_is_none_of_ours);
        tcase_add_test(tcase, a_state_without_a_question_is_not_answered);
        suite_add_tcase(suite, tcase);
}
