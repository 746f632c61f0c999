/*
 * daemon/reconciler: registrations whose files are gone are forgotten some each turn; the session
 * they are of waits for it, nobody else does, and it may end at any time.
 */
#include "daemon/session/session_life.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/inner_server.h"
#include "tests/support/random.h"

#include <unistd.h>

enum { FILES = 3 * RECONCILER_FORGET_STEP };

static RawClient client, neighbour;
static int readers[FILES], writers[FILES];

/* A session with so many pipes registered. A packet waits while the closer, which has a thread of
 * its own, has no room for its descriptors. */
static Session *open_with_pipes(uint32_t n)
{
        Session *session = inner_server_open_session(&client);

        for (uint32_t i = 0; i < n; i++) {
                writers[i] = inner_server_add_pipe(&client, i, 1, &readers[i]);
                ck_assert(WAIT_UNTIL(({
                                             inner_server_settle();
                                             session->registrations.count == i + 1;
                                     }),
                                     DEADLINE_MS));
        }
        return session;
}

/* As after so many registrations that the kernel has to be asked. */
static void become_due(Session *session)
{
        session->registrations.watches = UINT64_MAX / 2;
}

static bool answers(RawClient *asked)
{
        const Iod__Frame *frame = inner_server_next(asked);

        return frame && frame->body_case == IOD__FRAME__BODY_STATUS;
}

static void start(Session *session)
{
        become_due(session);
        raw_client_request(&client, 7, RAW_GET_STATUS);
        while (!session->reconciled.reconciliation)
                inner_server_turn();
}

START_TEST(registrations_whose_files_are_gone_are_forgotten_and_the_others_are_not)
{
        Session *session = open_with_pipes(FILES);

        for (uint32_t i = 0; i < FILES; i++) {
                if (i % 2)
                        close(readers[i]);
        }
        inner_server_await_closer();
        start(session);
        ck_assert(WAIT_UNTIL(answers(&client), DEADLINE_MS));
        ck_assert_ptr_null(session->reconciled.reconciliation);
        ck_assert_uint_eq(session->registrations.count, FILES / 2);
        ck_assert_uint_eq(session->registrations.watches, FILES / 2);
        ck_assert_uint_eq(session->charged_registrations, FILES / 2);
        for (uint32_t i = 0; i < FILES; i++)
                ck_assert(registration_set_is_occupied(&session->registrations, io_id_make(i, 1)) ==
                          (i % 2 == 0));
        /* And what is left tells its events. */
        put_byte(writers[0]);
        inner_server_expect(&client, IOD__FRAME__BODY_READINESS);
}
END_TEST

START_TEST(the_session_waits_and_nobody_else_does)
{
        Session *session = open_with_pipes(1);

        inner_server_open_session(&neighbour);
        start(session);
        /* The answer is collected by the loop only: until then the session stays as it is. */
        put_byte(writers[0]);
        for (int i = 0; i < 10; i++)
                inner_server_turn();
        raw_client_request(&neighbour, 7, RAW_GET_STATUS);
        ck_assert(WAIT_UNTIL(answers(&neighbour), DEADLINE_MS));
        /* Nothing was lost: its request and its event come. */
        ck_assert(WAIT_UNTIL(answers(&client) || answers(&client), DEADLINE_MS));
        ck_assert_uint_eq(session->events, 1);
}
END_TEST

START_TEST(no_turn_forgets_more_than_its_share)
{
        Session *session = open_with_pipes(FILES);
        uint32_t before = FILES;

        for (uint32_t i = 0; i < FILES; i++)
                close(readers[i]);
        inner_server_await_closer(); /* then nobody has them */
        start(session);
        while (session->reconciled.reconciliation) {
                inner_server_turn();
                ASSERT_IN_LOOP(before - session->registrations.count <= RECONCILER_FORGET_STEP);
                before = session->registrations.count;
        }
        ck_assert_uint_eq(before, 0);
}
END_TEST

/* 0: while the kernel is asked, 1: while the answer is applied. */
START_TEST(a_session_may_end_meanwhile)
{
        Session *session = open_with_pipes(FILES);

        for (uint32_t i = 0; i < FILES; i++)
                close(readers[i]);
        start(session);
        while (_i == 1 && session->registrations.count == FILES)
                inner_server_turn();
        ck_assert_ptr_nonnull(session->reconciled.reconciliation);
        session_free(session);
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        inner_server_open_session(&neighbour);
}
END_TEST

START_TEST(a_crowded_set_is_not_asked_about_again_at_once)
{
        Session *session = open_with_pipes(FILES);

        session->registrations.limit = 100;
        start(session);
        ck_assert(WAIT_UNTIL(answers(&client), DEADLINE_MS));
        ck_assert_uint_ne(session->registrations.reconcile_after, 0);
        raw_client_request(&client, 7, RAW_GET_STATUS);
        ck_assert(answers(&client));
        session->registrations.limit = inner.options.registrations_per_session_max;
}
END_TEST

TEST_SUITE(test_reconciler)
{
        TCase *sessions = tcase_create("sessions");

        tcase_add_checked_fixture(sessions, inner_server_set_up, inner_server_tear_down);
        tcase_set_timeout(sessions, TEST_TIMEOUT_SECONDS);
        tcase_add_test(sessions,
                       registrations_whose_files_are_gone_are_forgotten_and_the_others_are_not);
        tcase_add_test(sessions, the_session_waits_and_nobody_else_does);
        tcase_add_test(sessions, no_turn_forgets_more_than_its_share);
        tcase_add_loop_test(sessions, a_session_may_end_meanwhile, 0, 2);
        tcase_add_test(sessions, a_crowded_set_is_not_asked_about_again_at_once);
        suite_add_tcase(suite, sessions);
}
