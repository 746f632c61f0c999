/*
 * daemon/programs: sessions are counted under their programs' names while there is room, no user
 * takes all the room, and what was counted is never lost.
 */
#include "daemon/session/programs.h"
#include "tests/support/fixture.h"

#include <stdio.h>
#include <string.h>

static Programs programs;

static void set_up(void)
{
        memset(&programs, 0, sizeof(programs));
}

static ProgramCounts *join_numbered(unsigned number, uid_t uid)
{
        char name[FRAME_PROGRAM_MAX + 1];

        snprintf(name, sizeof(name), "program-%u", number);
        return programs_join(&programs, name, uid);
}

static uint64_t sessions_ever(void)
{
        uint64_t all = programs.others.sessions_total;

        for (size_t i = 0; i < PROGRAMS_MAX; i++)
                all += programs.places[i].sessions_total;
        return all;
}

START_TEST(sessions_of_one_name_are_counted_together)
{
        ProgramCounts *one = programs_join(&programs, "web", 1);

        ck_assert_ptr_eq(programs_join(&programs, "web", 2), one);
        ck_assert_ptr_ne(programs_join(&programs, "mail", 1), one);
        ck_assert_uint_eq(one->sessions, 2);
        one->direct = 1;
        one->registrations = 7;
        programs_leave(one, true, 7);
        ck_assert_uint_eq(one->sessions, 1);
        ck_assert_uint_eq(one->direct, 0);
        ck_assert_uint_eq(one->registrations, 0);
        ck_assert_uint_eq(one->sessions_total, 2);
}
END_TEST

START_TEST(nobody_takes_all_the_places)
{
        for (unsigned i = 0; i < PROGRAMS_PER_USER_MAX; i++)
                ck_assert_ptr_ne(join_numbered(i, 1), &programs.others);
        ck_assert_ptr_eq(join_numbered(100, 1), &programs.others);
        ck_assert_ptr_ne(join_numbered(101, 2), &programs.others);
        /* A name that has a place is for everybody. */
        ck_assert_ptr_ne(join_numbered(101, 1), &programs.others);
}
END_TEST

START_TEST(one_without_sessions_makes_room_and_what_it_counted_is_the_others)
{
        ProgramCounts *first = NULL;

        for (unsigned i = 0; i < PROGRAMS_MAX; i++) {
                ProgramCounts *place = join_numbered(i, 1 + i / PROGRAMS_PER_USER_MAX);

                first = first ? first : place;
        }
        ck_assert_ptr_eq(join_numbered(200, 99), &programs.others);
        first->events = 5;
        first->frames = 3;
        programs_leave(first, false, 0);
        ck_assert_str_eq(first->name, "program-0");
        ck_assert_ptr_eq(join_numbered(201, 99), first);
        ck_assert_str_eq(first->name, "program-201");
        ck_assert_uint_eq(first->events, 0);
        ck_assert_uint_eq(programs.others.events, 5);
        ck_assert_uint_eq(programs.others.frames, 3);
        ck_assert_uint_eq(sessions_ever(), PROGRAMS_MAX + 2);
}
END_TEST

/* Else a user's names of yesterday would keep out those of today. */
START_TEST(a_user_with_as_many_as_may_be_uses_its_own_again)
{
        ProgramCounts *first = join_numbered(0, 1);

        for (unsigned i = 1; i < PROGRAMS_PER_USER_MAX; i++)
                join_numbered(i, 1);
        programs_leave(first, false, 0);
        ck_assert_ptr_eq(join_numbered(300, 1), first);
        ck_assert_ptr_eq(join_numbered(301, 1), &programs.others);
}
END_TEST

TEST_SUITE(test_programs)
{
        TCase *counting = tcase_create("programs");

        tcase_add_checked_fixture(counting, set_up, NULL);
        tcase_add_test(counting, sessions_of_one_name_are_counted_together);
        tcase_add_test(counting, nobody_takes_all_the_places);
        tcase_add_test(counting, one_without_sessions_makes_room_and_what_it_counted_is_the_others);
        tcase_add_test(counting, a_user_with_as_many_as_may_be_uses_its_own_again);
        suite_add_tcase(suite, counting);
}
