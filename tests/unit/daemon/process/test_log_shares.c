/*
 * daemon/log_shares: nobody's noise takes the room of others' lines in the log, nor the daemon's;
 * and what found none is said, with whose it was.
 */
#include "daemon/process/log_shares.h"
#include "tests/support/fixture.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)

static LogShares shares;
static uint64_t now;
static char said[256];

static void set_up(void)
{
        shares = (LogShares)LOG_SHARES_INIT;
        now = 1000 * SECOND;
}

/* Takes up to so many lines for the owner, each written at once; how many there was room for. */
static unsigned take(int64_t owner, unsigned lines)
{
        unsigned taken = 0;

        for (unsigned i = 0; i < lines; i++) {
                int64_t charged;

                if (!log_shares_take(&shares, owner, now, &charged))
                        continue;
                log_shares_written(&shares, charged);
                taken++;
        }
        return taken;
}

START_TEST(one_alone_has_half_and_the_next_always_finds_some)
{
        ck_assert_uint_eq(take(1000, 10000), LOG_USERS_LINES_MAX / 2);
        ck_assert_uint_eq(take(1001, 10000), LOG_USERS_LINES_MAX / 4);
        ck_assert_uint_eq(take(1002, 20), 20);
        ck_assert_uint_eq(take(1000, 1), 0);
}
END_TEST

START_TEST(the_daemons_own_lines_have_room_of_their_own)
{
        for (int64_t uid = 1000; uid < 1300; uid++)
                take(uid, 1000);
        ck_assert_uint_eq(take(LOG_OWNER_DAEMON, 1000), LOG_DAEMON_LINES_MAX);
        now += SECOND;
        ck_assert_uint_eq(take(LOG_OWNER_DAEMON, 1000), LOG_LINES_PER_SECOND);
}
END_TEST

/* However many make noise: what all of them write in a second is bounded, and one who writes little
 * is heard. */
START_TEST(who_writes_little_is_heard_among_many_who_write_much)
{
        const int64_t loud = _i;
        unsigned written = 0, said_little = 0, heard = 0;

        for (int tenth = 0; tenth < 100; tenth++) {
                for (int64_t uid = 0; uid < loud; uid++)
                        written += take(1000 + uid, 50);
                if (tenth >= 50 && tenth % loud == 0) {
                        said_little++;
                        heard += take(5000, 1);
                }
                now += SECOND / 10;
        }
        ck_assert_uint_le(written, LOG_USERS_LINES_MAX + 10 * LOG_LINES_PER_SECOND);
        ck_assert_uint_ge(written, 9 * LOG_LINES_PER_SECOND);
        ck_assert_uint_eq(heard, said_little);
}
END_TEST

START_TEST(lines_that_wait_count_however_long)
{
        int64_t charged;
        unsigned waiting = 0;

        while (log_shares_take(&shares, 1000, now, &charged))
                waiting++;
        now += 3600 * SECOND;
        ck_assert(!log_shares_take(&shares, 1000, now, &charged));
        ck_assert_uint_eq(take(1001, 20), 20);
        while (waiting-- > 0)
                log_shares_written(&shares, 1000);
        now += 3600 * SECOND;
        ck_assert(log_shares_take(&shares, 1000, now, &charged));
}
END_TEST

START_TEST(who_has_not_written_for_long_takes_no_place)
{
        for (int64_t uid = 0; uid < 10 * LOG_SHARES_USERS_MAX; uid++) {
                ck_assert_uint_eq(take(uid, 1), 1);
                now += SECOND / 10;
        }
        ck_assert_uint_lt(shares.count, 16);
}
END_TEST

START_TEST(those_without_a_place_share_one)
{
        for (int64_t uid = 0; uid < LOG_SHARES_USERS_MAX; uid++)
                ck_assert_uint_eq(take(uid, 1), 1);
        ck_assert_uint_eq(take(5000, 1), 1);
        ck_assert_uint_eq(take(5001, 1), 1);
        ck_assert_uint_eq(take(LOG_OWNER_DAEMON, 1), 1);
        now += 3600 * SECOND;
        ck_assert_uint_eq(take(5000, 1), 1);
        ck_assert_uint_eq(shares.count, 1);
}
END_TEST

START_TEST(what_was_left_out_is_said_once_and_whose_it_was)
{
        ck_assert(!log_shares_say(&shares, now, said, sizeof(said)));
        take(LOG_OWNER_DAEMON, LOG_DAEMON_LINES_MAX + 5);
        ck_assert(log_shares_left_out(&shares));
        ck_assert(!log_shares_say(&shares, now, said, sizeof(said)));
        now += SECOND;
        ck_assert(log_shares_say(&shares, now, said, sizeof(said)));
        ck_assert_str_eq(said, "5 lines were left out of the log");
        ck_assert(!log_shares_left_out(&shares));
        ck_assert(!log_shares_say(&shares, now + SECOND, said, sizeof(said)));

        take(1000, LOG_USERS_LINES_MAX / 2 + 7);
        take(1001, LOG_USERS_LINES_MAX / 4 + 30);
        take(LOG_OWNER_DAEMON, LOG_DAEMON_LINES_MAX + 1);
        now += SECOND;
        ck_assert(log_shares_say(&shares, now, said, sizeof(said)));
        ck_assert_str_eq(said, "38 lines were left out of the log: 30 of user 1001, 7 of user "
                               "1000, 1 of the daemon's own");
}
END_TEST

START_TEST(only_those_who_had_most_left_out_are_named)
{
        for (int64_t uid = 4294967000; uid < 4294967008; uid++)
                take(uid, LOG_USERS_LINES_MAX);
        now += SECOND;
        ck_assert(log_shares_say(&shares, now, said, sizeof(said)));
        ck_assert_ptr_nonnull(strstr(said, " of user 4294967007, "));
        ck_assert_ptr_nonnull(strstr(said, " of other users"));
        ck_assert_ptr_null(strstr(said, "4294967000"));
        ck_assert(!log_shares_left_out(&shares));
}
END_TEST

TEST_SUITE(test_log_shares)
{
        TCase *tcase = tcase_create("shares");

        tcase_add_checked_fixture(tcase, set_up, NULL);
        tcase_add_test(tcase, one_alone_has_half_and_the_next_always_finds_some);
        tcase_add_test(tcase, the_daemons_own_lines_have_room_of_their_own);
        tcase_add_loop_test(tcase, who_writes_little_is_heard_among_many_who_write_much, 1, 12);
        tcase_add_test(tcase, lines_that_wait_count_however_long);
        tcase_add_test(tcase, who_has_not_written_for_long_takes_no_place);
        tcase_add_test(tcase, those_without_a_place_share_one);
        tcase_add_test(tcase, what_was_left_out_is_said_once_and_whose_it_was);
        tcase_add_test(tcase, only_those_who_had_most_left_out_are_named);
        suite_add_tcase(suite, tcase);
}
