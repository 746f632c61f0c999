/*
 * daemon/teller: each hears of what it asked for, and of nobody's but its own unless it may.
 */
#include "daemon/tell/teller.h"

#include "tests/support/fixture.h"

#include <stdlib.h>
#include <time.h>

enum { SIZE = 4096, MINE = 1000, ANOTHERS = 1001 };

typedef struct Ear {
        Hearer hearer; /* first */
        unsigned heard;
        _Alignas(HappeningRecord) unsigned char bytes[SIZE];
} Ear;

static Teller teller;
static Ear mine, all;

static void hear(Hearer *hearer)
{
        ((Ear *)hearer)->heard++;
}

static void add(Ear *ear, uint32_t kinds, bool hears_all)
{
        *ear = (Ear){
                .hearer = {.kinds = kinds, .uid = MINE, .hears_all = hears_all, .heard = hear},
        };
        happening_ring_init(&ear->hearer.ring, ear->bytes, SIZE);
        teller_add(&teller, &ear->hearer);
}

static void set_up(void)
{
        teller_init(&teller);
        add(&mine, UINT32_MAX, false);
        add(&all, UINT32_MAX, true);
}

static void tell(Iod__What what, HappeningOwner owner, uid_t uid)
{
        const Happening happening = {.what = what, .owner = owner, .uid = uid};

        teller_tell(&teller, &happening);
}

START_TEST(each_hears_of_its_own_and_who_may_of_all)
{
        tell(IOD__WHAT__SESSION_BEGAN, HAPPENING_OF_USER, MINE);
        ck_assert_uint_eq(mine.heard, 1);
        ck_assert_uint_eq(all.heard, 1);
        tell(IOD__WHAT__SESSION_BEGAN, HAPPENING_OF_USER, ANOTHERS);
        ck_assert_uint_eq(mine.heard, 1);
        ck_assert_uint_eq(all.heard, 2);
        /* That a number is the same makes nothing of the daemon's a user's. */
        tell(IOD__WHAT__LISTENER_PAUSED, HAPPENING_OF_DAEMON, MINE);
        ck_assert_uint_eq(mine.heard, 1);
        ck_assert_uint_eq(all.heard, 3);
        tell(IOD__WHAT__DAEMON_STOPPED, HAPPENING_OF_ALL, 0);
        ck_assert_uint_eq(mine.heard, 2);
        ck_assert_uint_eq(all.heard, 4);
        ck_assert_uint_eq(mine.hearer.ring.count, 2);
        ck_assert_uint_eq(all.hearer.ring.count, 4);
}
END_TEST

START_TEST(each_hears_of_the_kinds_it_asked_for)
{
        all.hearer.kinds = happening_kind_bit(IOD__KIND__KIND_REFUSAL) |
                           happening_kind_bit(IOD__KIND__KIND_POLICY);
        tell(IOD__WHAT__SESSION_ENDED, HAPPENING_OF_USER, MINE);
        tell(IOD__WHAT__SESSION_FAILED, HAPPENING_OF_USER, MINE);
        ck_assert_uint_eq(all.heard, 0);
        tell(IOD__WHAT__CONNECTION_TURNED_AWAY, HAPPENING_OF_USER, MINE);
        teller_tell_of_daemon(&teller, IOD__WHAT__POLICY_NOT_RELOADED, 22, "a mistake");
        ck_assert_uint_eq(all.heard, 2);
}
END_TEST

START_TEST(nobody_is_heard_by_who_has_gone)
{
        ck_assert(teller_is_heard(&teller));
        teller_remove(&mine.hearer);
        tell(IOD__WHAT__SESSION_BEGAN, HAPPENING_OF_USER, MINE);
        ck_assert_uint_eq(mine.heard, 0);
        teller_remove(&all.hearer);
        ck_assert(!teller_is_heard(&teller));
        teller_tell_everybody(&teller, IOD__WHAT__DAEMON_STOPPED, "it stops");
}
END_TEST

START_TEST(it_says_when)
{
        struct timespec before, after;
        uint64_t time;

        clock_gettime(CLOCK_REALTIME, &before);
        tell(IOD__WHAT__SESSION_BEGAN, HAPPENING_OF_USER, MINE);
        clock_gettime(CLOCK_REALTIME, &after);
        time = happening_ring_next(&mine.hearer.ring, NULL)->happening.time;
        ck_assert_uint_ge(time, (uint64_t)before.tv_sec * 1000000000u + (uint64_t)before.tv_nsec);
        ck_assert_uint_le(time, (uint64_t)after.tv_sec * 1000000000u + (uint64_t)after.tv_nsec);
}
END_TEST

TEST_SUITE(test_teller)
{
        TCase *cases = tcase_create("teller");

        tcase_add_checked_fixture(cases, set_up, NULL);
        tcase_add_test(cases, each_hears_of_its_own_and_who_may_of_all);
        tcase_add_test(cases, each_hears_of_the_kinds_it_asked_for);
        tcase_add_test(cases, nobody_is_heard_by_who_has_gone);
        tcase_add_test(cases, it_says_when);
        suite_add_tcase(suite, cases);
}
