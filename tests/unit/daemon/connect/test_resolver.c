/*
 * daemon/connect/resolver: a name is asked for once while it is being asked for, and nobody waits
 * in another user's share; every question ends once, or is given up. The name service is the
 * test's.
 */
#include "core/error.h"
#include "daemon/connect/resolver.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/stub_names.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ALICE = 1000, BOB, SHARE = BLOCKING_THREADS_MAX / 2 };

typedef struct Asker {
        int calls;
        NameAnswer answer;
        ResolverQuestion *question;
} Asker;

static BlockingPool *pool;
static Resolver *resolver;
static int wake_fd;

static void set_up(void)
{
        stub_names_open();
        wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        ck_assert_int_ge(wake_fd, 0);
        ck_assert_int_eq(blocking_pool_open(&pool, wake_fd), 0);
        ck_assert_int_eq(resolver_open(&resolver, pool, NULL, 0), 0);
}

static void tear_down(void)
{
        resolver = resolver_close(resolver);
        stub_names_hang(false);
        /* The threads may have just begun to return. */
        ck_assert(WAIT_UNTIL((pool = blocking_pool_close(pool)) == NULL, DEADLINE_MS));
        close(wake_fd);
        ck_assert(!stub_names_loop_asked());
}

static void on_answered(void *data, const NameAnswer *answer)
{
        Asker *asker = data;

        asker->calls++;
        asker->answer = *answer;
        asker->question = NULL;
}

/* As resolver_ask(). */
static int ask(Asker *asker, uid_t uid, const char *name, int family)
{
        const NameAnswer *answer;
        int r;

        *asker = (Asker){.calls = 0};
        r = resolver_ask(resolver, uid, name, family, &answer, on_answered, asker,
                         &asker->question);
        ck_assert_int_eq(asker->calls, 0);
        ck_assert_int_eq(r == 0, asker->question != NULL);
        if (r == 1)
                asker->answer = *answer;
        return r;
}

/* As the loop does, until it was answered. */
static void await(const Asker *asker)
{
        while (asker->calls == 0) {
                struct pollfd woken = {.fd = wake_fd, .events = POLLIN};
                eventfd_t value;

                ck_assert_int_eq(poll(&woken, 1, DEADLINE_MS), 1);
                eventfd_read(wake_fd, &value);
                blocking_pool_collect(pool);
        }
        ck_assert_int_eq(asker->calls, 1);
}

START_TEST(an_answer_has_the_addresses_of_the_family)
{
        static const struct {
                int family;
                size_t count;
        } asked[] = {{AF_UNSPEC, 2}, {AF_INET, 1}, {AF_INET6, 1}};
        Asker asker;

        for (size_t i = 0; i < 3; i++) {
                ck_assert_int_eq(ask(&asker, ALICE, "some.test", asked[i].family), 0);
                await(&asker);
                ck_assert_int_eq(asker.answer.error, 0);
                ck_assert_uint_eq(asker.answer.count, asked[i].count);
        }
        ck_assert_int_eq(asker.answer.addresses[0].any.sa_family, AF_INET6);
}
END_TEST

START_TEST(what_is_being_asked_for_is_asked_for_once)
{
        enum { ASKERS = 100 };
        Asker askers[ASKERS], other;

        stub_names_hang(true);
        for (int i = 0; i < ASKERS; i++) {
                ck_assert_int_eq(ask(&askers[i], i % 2 ? ALICE : BOB, "some.test", AF_INET), 0);
                /* Bob's is begun, before Alice joins it. */
                stub_names_await(1);
        }
        ck_assert_int_eq(ask(&other, ALICE, "some.test", AF_INET6), 0);
        stub_names_await(2);
        stub_names_hang(false);
        for (int i = 0; i < ASKERS; i++)
                await(&askers[i]);
        await(&other);
        ck_assert_int_eq(stub_names_begun(), 2);
}
END_TEST

START_TEST(an_answer_counts_for_a_moment_and_a_failure_does_not)
{
        Asker asker;
        const struct timespec until_it_is_old = {.tv_sec = 1, .tv_nsec = 100000000};

        ck_assert_int_eq(ask(&asker, ALICE, "some.test", AF_INET), 0);
        await(&asker);
        ck_assert_int_eq(ask(&asker, BOB, "some.test", AF_INET), 1);
        ck_assert_uint_eq(asker.answer.count, 1);
        ck_assert_int_eq(ask(&asker, ALICE, "unknown", AF_INET), 0);
        await(&asker);
        ck_assert_int_eq(asker.answer.error, -ENOENT);
        ck_assert_int_eq(ask(&asker, BOB, "unknown", AF_INET), 1);
        ck_assert_str_eq(asker.answer.sentence, "no such name");
        stub_names.host_error = EAI_AGAIN;
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(ask(&asker, ALICE, "failing.test", AF_INET), 0);
                await(&asker);
                ck_assert_int_eq(asker.answer.error, -EAGAIN);
        }
        ck_assert_int_eq(stub_names_begun(), 4);
        /* Time itself is what it is about. */
        nanosleep(&until_it_is_old, NULL);
        ck_assert_int_eq(ask(&asker, ALICE, "some.test", AF_INET), 0);
        await(&asker);
}
END_TEST

START_TEST(so_many_answers_are_kept)
{
        char name[32];
        Asker asker;

        for (int i = 0; i <= RESOLVER_ANSWERS_MAX; i++) {
                snprintf(name, sizeof(name), "%d.test", i);
                ck_assert_int_eq(ask(&asker, ALICE, name, AF_INET), 0);
                await(&asker);
        }
        ck_assert_int_eq(ask(&asker, ALICE, "0.test", AF_INET), 0);
        await(&asker);
}
END_TEST

/* All that one user may have hang, and one more waits. */
static void fill_share(Asker *askers)
{
        char name[32];

        stub_names_hang(true);
        for (int i = 0; i <= SHARE; i++) {
                snprintf(name, sizeof(name), "%d.test", i);
                ck_assert_int_eq(ask(&askers[i], ALICE, name, AF_INET), 0);
        }
        stub_names_await(SHARE);
}

START_TEST(nobody_waits_in_another_users_share)
{
        Asker askers[SHARE + 1], bobs, another;
        char waiting[32];

        fill_share(askers);
        snprintf(waiting, sizeof(waiting), "%d.test", SHARE);
        /* Alice joins her own; Bob's begins at once, and can be joined then. */
        ck_assert_int_eq(ask(&another, ALICE, waiting, AF_INET), 0);
        ck_assert_int_eq(ask(&bobs, BOB, waiting, AF_INET), 0);
        stub_names_await(SHARE + 1);
        ck_assert_int_eq(stub_names_begun(), SHARE + 1);
        stub_names_hang(false);
        await(&bobs);
        await(&another);
        for (int i = 0; i <= SHARE; i++)
                await(&askers[i]);
}
END_TEST

START_TEST(what_was_given_up_is_never_answered_and_makes_room)
{
        Asker askers[SHARE + 1], again;
        char name[32];

        fill_share(askers);
        for (int i = 0; i <= SHARE; i++)
                resolver_give_up(askers[i].question);
        /* What had not begun is not asked for any more. */
        for (int i = 0; i < 2 * BLOCKING_WAITING_MAX; i++) {
                snprintf(name, sizeof(name), "more-%d.test", i);
                ck_assert_int_eq(ask(&again, ALICE, name, AF_INET), 0);
                resolver_give_up(again.question);
        }
        ck_assert_int_eq(stub_names_begun(), SHARE);
        /* What has is there for whoever asks for the same. */
        ck_assert_int_eq(ask(&again, BOB, "0.test", AF_INET), 0);
        stub_names_hang(false);
        await(&again);
        ck_assert_int_eq(stub_names_begun(), SHARE);
        for (int i = 0; i <= SHARE; i++)
                ck_assert_int_eq(askers[i].calls, 0);
}
END_TEST

START_TEST(one_that_hangs_is_not_joined_for_ever)
{
        const struct timespec long_enough = {.tv_sec = RESOLVER_JOIN_MS / 1000,
                                             .tv_nsec = 100000000};
        Asker first, second;

        stub_names_hang(true);
        ck_assert_int_eq(ask(&first, ALICE, "some.test", AF_INET), 0);
        stub_names_await(1);
        nanosleep(&long_enough, NULL);
        ck_assert_int_eq(ask(&second, ALICE, "some.test", AF_INET), 0);
        stub_names_await(2);
        stub_names_hang(false);
        await(&first);
        await(&second);
}
END_TEST

START_TEST(closing_leaves_nothing_but_what_hangs)
{
        Asker askers[SHARE + 1];

        fill_share(askers);
        resolver = resolver_close(resolver);
        if (_i == 0)
                stub_names_hang(false);
        /* What hangs keeps nobody from closing, and returns to nobody. */
        pool = blocking_pool_close(pool);
        ck_assert_int_eq(_i == 0 || pool != NULL, 1);
        for (int i = 0; i <= SHARE; i++)
                ck_assert_int_eq(askers[i].calls, 0);
}
END_TEST

static ResolverQuestion *to_give_up;

static void on_answered_give_up(void *data, const NameAnswer *answer)
{
        on_answered(data, answer);
        resolver_give_up(to_give_up);
}

START_TEST(an_answer_may_end_another_question)
{
        Asker first = {.calls = 0}, second;
        const NameAnswer *answer;

        stub_names_hang(true);
        ck_assert_int_eq(resolver_ask(resolver, ALICE, "some.test", AF_INET, &answer,
                                      on_answered_give_up, &first, &first.question),
                         0);
        ck_assert_int_eq(ask(&second, ALICE, "some.test", AF_INET), 0);
        to_give_up = second.question;
        stub_names_hang(false);
        await(&first);
        ck_assert_int_eq(second.calls, 0);
}
END_TEST

START_TEST(a_user_with_too_much_waiting_is_refused)
{
        static Asker askers[SHARE + BLOCKING_WAITING_MAX];
        Asker more;
        char name[32];

        stub_names_hang(true);
        for (int i = 0; i < SHARE + BLOCKING_WAITING_MAX; i++) {
                snprintf(name, sizeof(name), "%d.test", i);
                ck_assert_int_eq(ask(&askers[i], ALICE, name, AF_INET), 0);
                if (i + 1 == SHARE)
                        stub_names_await(SHARE);
        }
        ck_assert_int_eq(ask(&more, ALICE, "more.test", AF_INET), -EAGAIN);
        ck_assert_str_eq(error_text(), "4096 names and paths of user 1000 wait already: try later");
        ck_assert_int_eq(ask(&more, BOB, "more.test", AF_INET), 0);
        stub_names_await(SHARE + 1);
}
END_TEST

TEST_SUITE(test_resolver)
{
        TCase *resolving = tcase_create("resolving");

        tcase_add_checked_fixture(resolving, set_up, tear_down);
        tcase_add_test(resolving, an_answer_has_the_addresses_of_the_family);
        tcase_add_test(resolving, what_is_being_asked_for_is_asked_for_once);
        tcase_add_test(resolving, an_answer_counts_for_a_moment_and_a_failure_does_not);
        tcase_add_test(resolving, so_many_answers_are_kept);
        tcase_add_test(resolving, nobody_waits_in_another_users_share);
        tcase_add_test(resolving, what_was_given_up_is_never_answered_and_makes_room);
        tcase_add_test(resolving, one_that_hangs_is_not_joined_for_ever);
        tcase_add_loop_test(resolving, closing_leaves_nothing_but_what_hangs, 0, 2);
        tcase_add_test(resolving, an_answer_may_end_another_question);
        tcase_add_test(resolving, a_user_with_too_much_waiting_is_refused);
        tcase_set_timeout(resolving, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, resolving);
}
