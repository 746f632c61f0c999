/* daemon/loop/waker: who waits is called once, in order, and may wait again or be gone by then. */
#include "daemon/loop/waker.h"
#include "tests/support/fixture.h"

#include <string.h>

static WakerList list = TAILQ_HEAD_INITIALIZER(list), other = TAILQ_HEAD_INITIALIZER(other);
static Waker wakers[3];
static char calls[16];

static void add(const char *word)
{
        strncat(calls, word, sizeof(calls) - strlen(calls) - 1);
}

static void note(void *data)
{
        add(data);
}

static void wait_again(void *data)
{
        add("again ");
        waker_wait(data, &list);
}

static void cancel_the_next(void *data)
{
        add("a");
        waker_cancel(data);
}

static void set_up(void)
{
        TAILQ_INIT(&list);
        TAILQ_INIT(&other);
        *calls = '\0';
        waker_init(&wakers[0], note, (char *)"a");
        waker_init(&wakers[1], note, (char *)"b");
        waker_init(&wakers[2], note, (char *)"c");
}

START_TEST(those_who_wait_are_called_once_and_in_order)
{
        for (int i = 0; i < 3; i++)
                waker_wait(&wakers[i], &list);
        waker_wait(&wakers[0], &list); /* it keeps its place */
        ck_assert(waker_list_wake_first(&list));
        ck_assert_str_eq(calls, "a");
        ck_assert(!waker_waits(&wakers[0]));
        waker_list_wake_all(&list);
        ck_assert_str_eq(calls, "abc");
        ck_assert(!waker_list_wake_first(&list));
        waker_list_wake_all(&list);
        ck_assert_str_eq(calls, "abc");
}
END_TEST

START_TEST(one_waits_in_one_list_at_most)
{
        waker_wait(&wakers[0], &list);
        waker_wait(&wakers[0], &other);
        waker_list_wake_all(&list);
        ck_assert_str_eq(calls, "");
        waker_cancel(&wakers[0]);
        waker_cancel(&wakers[0]);
        waker_list_wake_all(&other);
        ck_assert_str_eq(calls, "");
}
END_TEST

START_TEST(who_waits_again_is_called_the_next_time)
{
        waker_init(&wakers[0], wait_again, &wakers[0]);
        waker_wait(&wakers[0], &list);
        waker_list_wake_all(&list);
        ck_assert_str_eq(calls, "again ");
        ck_assert(waker_waits(&wakers[0]));
}
END_TEST

START_TEST(one_may_be_cancelled_while_others_are_called)
{
        waker_init(&wakers[0], cancel_the_next, &wakers[1]);
        for (int i = 0; i < 3; i++)
                waker_wait(&wakers[i], &list);
        waker_list_wake_all(&list);
        ck_assert_str_eq(calls, "ac");
}
END_TEST

TEST_SUITE(test_waker)
{
        TCase *waking = tcase_create("waking");

        tcase_add_checked_fixture(waking, set_up, NULL);
        tcase_add_test(waking, those_who_wait_are_called_once_and_in_order);
        tcase_add_test(waking, one_waits_in_one_list_at_most);
        tcase_add_test(waking, who_waits_again_is_called_the_next_time);
        tcase_add_test(waking, one_may_be_cancelled_while_others_are_called);
        tcase_set_timeout(waking, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, waking);
}
