/*
 * daemon/share: who has used a user's share of the loop's time waits in line, is served in the next
 * round, and in the order of the line.
 */
#include "core/readiness.h"
#include "daemon/session/session_closed.h"
#include "daemon/session/session_life.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/inner_server.h"

#include <event2/event.h>
#include <unistd.h>

static RawClient clients[3];
static Session *sessions[3];

static void set_up(void)
{
        inner_server_set_up();
        for (int i = 0; i < 3; i++)
                sessions[i] = inner_server_open_session(&clients[i]);
}

static void use_share_up_by(Session *session)
{
        time_share_use(&inner.daemon->sessions.shares, &session->user->share, SHARE_ROUND_NS);
}

static void use_share_up(void)
{
        use_share_up_by(sessions[0]);
}

static void request(int i)
{
        raw_client_request(&clients[i], 7, RAW_GET_STATUS);
}

START_TEST(who_has_no_share_left_waits_and_is_served_in_the_next_round)
{
        int writer = inner_server_add_pipe(&clients[0], 0, 1, NULL);

        use_share_up();
        request(0);
        put_byte(writer);
        inner_server_turn();
        ck_assert(waker_waits(&sessions[0]->serve));
        ck_assert(!wait_readable(clients[0].socket_fd, 0));
        inner_server_turn();
        ck_assert(!waker_waits(&sessions[0]->serve));
        ck_assert_ptr_nonnull(raw_client_expect(&clients[0], IOD__FRAME__BODY_STATUS));
        inner_server_expect(&clients[0], IOD__FRAME__BODY_READINESS);
        /* And again as it comes. */
        request(0);
        inner_server_expect(&clients[0], IOD__FRAME__BODY_STATUS);
}
END_TEST

START_TEST(who_comes_while_there_is_a_line_goes_to_its_end)
{
        TimeShares *shares = &inner.daemon->sessions.shares;
        UserShare *share = &sessions[0]->user->share;

        use_share_up();
        ck_assert(time_share_has_to_wait(shares, share, &sessions[1]->serve));
        ck_assert(time_share_has_to_wait(shares, share, &sessions[0]->serve));
        time_shares_renew(shares);
        ck_assert(time_share_has_to_wait(shares, share, &sessions[2]->serve));
        ck_assert_ptr_eq(TAILQ_FIRST(&share->line), &sessions[1]->serve);
        ck_assert_ptr_eq(TAILQ_NEXT(&sessions[1]->serve, link), &sessions[0]->serve);
        ck_assert_ptr_eq(TAILQ_NEXT(&sessions[0]->serve, link), &sessions[2]->serve);
        ck_assert_ptr_eq(TAILQ_FIRST(&shares->users), share);
        ck_assert_ptr_null(TAILQ_NEXT(share, link));
        inner_server_settle();
        ck_assert(TAILQ_EMPTY(&share->line));
        ck_assert(TAILQ_EMPTY(&shares->users));
}
END_TEST

START_TEST(a_round_serves_no_more_than_the_share)
{
        for (int i = 0; i < 3; i++)
                request(i);
        use_share_up();
        inner_server_turn();
        for (int i = 0; i < 3; i++)
                ck_assert(waker_waits(&sessions[i]->serve));
        /* In the round to come, it is gone before any of them is served. */
        inner.daemon->sessions.shares.round++;
        use_share_up();
        inner.daemon->sessions.shares.round--;
        inner_server_turn();
        for (int i = 0; i < 3; i++)
                ck_assert(waker_waits(&sessions[i]->serve));
        for (int i = 0; i < 3; i++)
                inner_server_expect(&clients[i], IOD__FRAME__BODY_STATUS);
}
END_TEST

START_TEST(another_round_brings_another_share)
{
        use_share_up();
        time_shares_renew(&inner.daemon->sessions.shares);
        ck_assert(!time_share_has_to_wait(&inner.daemon->sessions.shares, &sessions[0]->user->share,
                                          &sessions[0]->serve));
        ck_assert(!time_share_use(&inner.daemon->sessions.shares, &sessions[0]->user->share,
                                  SHARE_ROUND_NS / 2));
        ck_assert(!time_share_use(&inner.daemon->sessions.shares, &sessions[1]->user->share,
                                  SHARE_ROUND_NS / 2 - 1));
        ck_assert(time_share_use(&inner.daemon->sessions.shares, &sessions[2]->user->share, 1));
}
END_TEST

START_TEST(a_session_may_end_in_the_line)
{
        use_share_up();
        for (int i = 0; i < 3; i++)
                ck_assert(time_share_has_to_wait(&inner.daemon->sessions.shares,
                                                 &sessions[i]->user->share, &sessions[i]->serve));
        session_free(sessions[1]);
        inner_server_settle();
        for (int i = 0; i < 3; i += 2) {
                request(i);
                inner_server_expect(&clients[i], IOD__FRAME__BODY_STATUS);
        }
        use_share_up();
        ck_assert(time_share_has_to_wait(&inner.daemon->sessions.shares, &sessions[0]->user->share,
                                         &sessions[0]->serve));
        session_free(sessions[0]);
        session_free(sessions[2]);
        ck_assert(TAILQ_EMPTY(&inner.daemon->sessions.shares.users));
}
END_TEST

/* A process may have had hundreds of sessions, and all end at once. */
START_TEST(what_a_sessions_end_takes_is_of_its_users_share)
{
        const UserShare *share = &sessions[2]->user->share;
        uint64_t used;

        time_shares_renew(&inner.daemon->sessions.shares);
        time_share_use(&inner.daemon->sessions.shares, &sessions[0]->user->share, 1);
        used = share->used_ns;
        session_closed_begin(sessions[0]);
        event_active(&sessions[0]->readable->event, EV_READ, 1);
        event_base_loop(inner.daemon->loop.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        ck_assert_uint_eq(inner.daemon->sessions.count, 2);
        ck_assert_uint_gt(share->used_ns, used);

        use_share_up_by(sessions[1]);
        session_closed_begin(sessions[1]);
        event_active(&sessions[1]->readable->event, EV_READ, 1);
        event_base_loop(inner.daemon->loop.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        ck_assert_uint_eq(inner.daemon->sessions.count, 2);
        ck_assert(waker_waits(&sessions[1]->serve));
        inner_server_turn();
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
}
END_TEST

/* Their clients are gone when they are served: the last takes the user's account with it. */
START_TEST(all_of_a_line_may_end_as_they_are_served)
{
        use_share_up();
        for (int i = 0; i < 3; i++) {
                raw_client_close(&clients[i]);
                ck_assert(time_share_has_to_wait(&inner.daemon->sessions.shares,
                                                 &sessions[i]->user->share, &sessions[i]->serve));
        }
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
}
END_TEST

TEST_SUITE(test_time_share)
{
        TCase *lines = tcase_create("lines");

        tcase_add_checked_fixture(lines, set_up, inner_server_tear_down);
        tcase_set_timeout(lines, TEST_TIMEOUT_SECONDS);
        tcase_add_test(lines, who_has_no_share_left_waits_and_is_served_in_the_next_round);
        tcase_add_test(lines, who_comes_while_there_is_a_line_goes_to_its_end);
        tcase_add_test(lines, a_round_serves_no_more_than_the_share);
        tcase_add_test(lines, another_round_brings_another_share);
        tcase_add_test(lines, a_session_may_end_in_the_line);
        tcase_add_test(lines, what_a_sessions_end_takes_is_of_its_users_share);
        tcase_add_test(lines, all_of_a_line_may_end_as_they_are_served);
        suite_add_tcase(suite, lines);
}
