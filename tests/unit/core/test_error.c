/*
 * core/error: the errno that a function returns and the sentence that is kept for the person.
 */
#include "core/error.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <wchar.h>

START_TEST(before_any_error_there_is_no_sentence)
{
        ck_assert_str_eq(error_text(), "");
}
END_TEST

START_TEST(an_error_is_the_negative_errno_and_its_sentence)
{
        ck_assert_int_eq(error_set(EEXIST, "slot %d is taken by %s", 7, "nobody"), -EEXIST);
        ck_assert_str_eq(error_text(), "slot 7 is taken by nobody");
}
END_TEST

START_TEST(the_last_error_has_the_sentence)
{
        error_set(EEXIST, "a long sentence that came first");
        error_set(EPERM, "short");
        ck_assert_str_eq(error_text(), "short");
}
END_TEST

START_TEST(a_sentence_is_cut_where_it_must_end)
{
        char fits[ERROR_TEXT_MAX], longer[ERROR_TEXT_MAX + 1];

        memset(fits, 'x', sizeof(fits) - 1);
        fits[sizeof(fits) - 1] = '\0';
        error_set(EINVAL, "%s", fits);
        ck_assert_str_eq(error_text(), fits);

        memset(longer, 'x', sizeof(longer) - 1);
        longer[sizeof(longer) - 1] = '\0';
        error_set(EINVAL, "%s", longer);
        ck_assert_str_eq(error_text(), fits);
}
END_TEST

START_TEST(errno_survives)
{
        /* No character of the C locale: to print it is an error, EILSEQ. */
        const wchar_t strange[] = {0x20ac, 0};

        errno = ENOSPC;
        ck_assert_int_eq(error_set(EINVAL, "a %ls", strange), -EINVAL);
        ck_assert_int_eq(errno, ENOSPC);
}
END_TEST

static void *fail_in_thread(void *seen)
{
        strcpy(seen, error_text());
        error_set(EPERM, "of the other thread");
        return NULL;
}

START_TEST(each_thread_has_its_own_sentence)
{
        char seen[ERROR_TEXT_MAX] = "unset";
        pthread_t thread;

        error_set(EEXIST, "of this thread");
        ck_assert_int_eq(pthread_create(&thread, NULL, fail_in_thread, seen), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_str_eq(seen, "");
        ck_assert_str_eq(error_text(), "of this thread");
}
END_TEST

TEST_SUITE(test_error)
{
        TCase *sentences = tcase_create("sentences");

        tcase_add_test(sentences, before_any_error_there_is_no_sentence);
        tcase_add_test(sentences, an_error_is_the_negative_errno_and_its_sentence);
        tcase_add_test(sentences, the_last_error_has_the_sentence);
        tcase_add_test(sentences, a_sentence_is_cut_where_it_must_end);
        tcase_add_test(sentences, errno_survives);
        tcase_add_test(sentences, each_thread_has_its_own_sentence);
        tcase_set_timeout(sentences, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, sentences);
}
