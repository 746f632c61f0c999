/* The handle's registrations by slot. */
#include "client/handle/slot_table.h"
#include "tests/support/fixture.h"

#include "core/error.h"
#include "tests/support/deadline.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT = 100 };

/* Only their addresses matter: the table never looks inside. */
static char places[LIMIT + 1];

static KyronAsyncRegistration *registration(size_t number)
{
        return (KyronAsyncRegistration *)(void *)&places[number];
}

START_TEST(ids_find_their_registrations)
{
        SlotTable table;
        IoId ids[LIMIT];

        slot_table_init(&table, LIMIT);
        for (size_t i = 0; i < LIMIT; i++)
                ck_assert_int_eq(slot_table_take(&table, registration(i), &ids[i]), 0);
        for (size_t i = 0; i < LIMIT; i++)
                ck_assert_ptr_eq(slot_table_recreate(&table, ids[i]), registration(i));
        slot_table_deinit(&table);
}
END_TEST

START_TEST(an_id_given_back_finds_nothing)
{
        SlotTable table;
        IoId first, id;

        slot_table_init(&table, LIMIT);
        ck_assert_int_eq(slot_table_take(&table, registration(0), &id), 0);
        first = id;
        slot_table_give_back(&table, registration(0), &id);
        ck_assert_uint_eq(id, IO_ID_NONE);
        ck_assert_ptr_null(slot_table_recreate(&table, first));
        slot_table_deinit(&table);
}
END_TEST

START_TEST(a_slot_used_again_has_another_generation)
{
        SlotTable table;
        IoId first, second, given;

        slot_table_init(&table, LIMIT);
        ck_assert_int_eq(slot_table_take(&table, registration(0), &first), 0);
        given = first;
        slot_table_give_back(&table, registration(0), &given);
        ck_assert_int_eq(slot_table_take(&table, registration(1), &second), 0);
        ck_assert_uint_eq(io_id_slot(first), io_id_slot(second));
        ck_assert_uint_ne(io_id_generation(first), io_id_generation(second));
        ck_assert_ptr_null(slot_table_recreate(&table, first));
        ck_assert_ptr_eq(slot_table_recreate(&table, second), registration(1));
        slot_table_deinit(&table);
}
END_TEST

START_TEST(generations_wrap_around_without_being_0)
{
        SlotTable table;
        IoId id;

        slot_table_init(&table, LIMIT);
        ck_assert_int_eq(slot_table_take(&table, registration(0), &id), 0);
        slot_table_give_back(&table, registration(0), &id);
        table.slots[0].generation = IO_ID_GENERATION_MAX;
        ck_assert_int_eq(slot_table_take(&table, registration(1), &id), 0);
        ck_assert_uint_eq(io_id_generation(id), 1);
        ck_assert_ptr_eq(slot_table_recreate(&table, id), registration(1));
        slot_table_deinit(&table);
}
END_TEST

START_TEST(low_slots_come_first)
{
        SlotTable table;
        IoId id;

        slot_table_init(&table, LIMIT);
        for (uint32_t i = 0; i < LIMIT; i++) {
                ck_assert_int_eq(slot_table_take(&table, registration(i), &id), 0);
                ck_assert_uint_eq(io_id_slot(id), i);
        }
        slot_table_deinit(&table);
}
END_TEST

START_TEST(past_its_limit_it_refuses_and_says_so)
{
        SlotTable table;
        IoId id;

        slot_table_init(&table, LIMIT);
        for (size_t i = 0; i < LIMIT; i++)
                ck_assert_int_eq(slot_table_take(&table, registration(i), &id), 0);
        ck_assert_int_eq(slot_table_take(&table, registration(LIMIT), &id), -EDQUOT);
        ck_assert_ptr_nonnull(strstr(error_text(), "100"));
        ck_assert(!slot_table_has_room(&table));
        slot_table_give_back(&table, registration(LIMIT - 1), &id);
        ck_assert(slot_table_has_room(&table));
        ck_assert_int_eq(slot_table_take(&table, registration(LIMIT), &id), 0);
        slot_table_deinit(&table);
}
END_TEST

START_TEST(a_limit_past_what_an_id_can_name_is_cut)
{
        SlotTable table;

        slot_table_init(&table, UINT32_MAX);
        ck_assert_uint_eq(table.limit, IO_ID_SLOT_MAX);
        slot_table_deinit(&table);
}
END_TEST

START_TEST(a_slot_past_the_table_finds_nothing)
{
        SlotTable table;

        slot_table_init(&table, LIMIT);
        ck_assert_ptr_null(slot_table_recreate(&table, io_id_make(0, 1)));
        ck_assert_ptr_null(slot_table_recreate(&table, io_id_make(IO_ID_SLOT_MAX, 1)));
        slot_table_deinit(&table);
}
END_TEST

START_TEST(a_retired_slot_is_not_used_before_it_is_given_back)
{
        IoId ids[3], first[3], retired[3], again;
        SlotTable table;

        slot_table_init(&table, LIMIT);
        for (size_t i = 0; i < 3; i++)
                ck_assert_int_eq(slot_table_take(&table, registration(i), &ids[i]), 0);
        ck_assert_uint_eq(slot_table_retired(&table, retired, 3), 0);
        memcpy(first, ids, sizeof(ids));
        slot_table_retire(&table, registration(0), &ids[0]);
        slot_table_retire(&table, registration(2), &ids[2]);
        ck_assert_uint_eq(ids[0], IO_ID_NONE);
        ck_assert_ptr_null(slot_table_recreate(&table, first[0]));
        ck_assert_ptr_eq(slot_table_recreate(&table, ids[1]), registration(1));
        ck_assert_int_eq(slot_table_take(&table, registration(3), &again), 0);
        ck_assert_uint_eq(io_id_slot(again), 3);
        /* As many as there is room for, and those first. */
        ck_assert_uint_eq(slot_table_retired(&table, retired, 1), 1);
        ck_assert_uint_eq(retired[0], first[2]);
        ck_assert_uint_eq(slot_table_retired(&table, retired, 3), 2);
        ck_assert_uint_eq(retired[1], first[0]);
        slot_table_give_back_retired(&table, 1);
        ck_assert_int_eq(slot_table_take(&table, registration(4), &again), 0);
        ck_assert_uint_eq(io_id_slot(again), io_id_slot(first[2]));
        ck_assert_uint_ne(again, first[2]);
        ck_assert_uint_eq(slot_table_retired(&table, retired, 3), 1);
        slot_table_give_back_retired(&table, 1);
        ck_assert_uint_eq(slot_table_retired(&table, retired, 3), 0);
        slot_table_deinit(&table);
}
END_TEST

static void take_all(SlotTable *table, uint32_t count, IoId *ids)
{
        for (uint32_t i = 0; i < count; i++)
                ck_assert_int_eq(slot_table_take(table, registration(i), &ids[i]), 0);
}

START_TEST(nothing_past_a_lower_limit_is_given_out)
{
        IoId ids[LIMIT], id;
        SlotTable table;

        slot_table_init(&table, LIMIT);
        take_all(&table, LIMIT, ids);
        slot_table_give_back(&table, registration(1), &ids[1]);
        slot_table_give_back(&table, registration(50), &ids[50]);
        slot_table_set_limit(&table, 8);
        ck_assert(!slot_table_is_past_limit(&table, ids[7]));
        ck_assert(slot_table_is_past_limit(&table, ids[8]));
        slot_table_give_back(&table, registration(60), &ids[60]);
        slot_table_give_back(&table, registration(7), &ids[7]);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(slot_table_take(&table, registration(LIMIT), &id), 0);
                ck_assert_uint_lt(io_id_slot(id), 8);
        }
        ck_assert(!slot_table_has_room(&table));
        ck_assert_int_eq(slot_table_take(&table, registration(LIMIT), &id), -EDQUOT);
        /* What lies above is where it was. */
        ck_assert_ptr_eq(slot_table_recreate(&table, ids[99]), registration(99));
        slot_table_deinit(&table);
}
END_TEST

START_TEST(with_a_higher_limit_again_all_that_is_free_is_given_out_once)
{
        IoId ids[LIMIT], id;
        SlotTable table;
        bool seen[LIMIT] = {false};

        slot_table_init(&table, LIMIT);
        take_all(&table, LIMIT, ids);
        slot_table_set_limit(&table, 4);
        for (uint32_t i = 0; i < LIMIT; i += 2)
                slot_table_give_back(&table, registration(i), &ids[i]);
        slot_table_retire(&table, registration(51), &ids[51]);
        slot_table_set_limit(&table, LIMIT);
        for (uint32_t i = 0; i < LIMIT / 2; i++) {
                ck_assert_int_eq(slot_table_take(&table, registration(LIMIT), &id), 0);
                ck_assert_uint_eq(io_id_slot(id) % 2, 0);
                ck_assert(!seen[io_id_slot(id)]);
                seen[io_id_slot(id)] = true;
        }
        ck_assert_int_eq(slot_table_take(&table, registration(LIMIT), &id), -EDQUOT);
        slot_table_give_back_retired(&table, 1);
        ck_assert_int_eq(slot_table_take(&table, registration(LIMIT), &id), 0);
        ck_assert_uint_eq(io_id_slot(id), 51);
        slot_table_deinit(&table);
}
END_TEST

START_TEST(a_slot_is_given_back_by_who_has_it_only)
{
        const struct {
                bool is_given_back; /* or it is retired */
                size_t number;      /* who gives it back */
                bool once_more;
        } wrong[] = {{true, 1, false}, {true, 0, true}, {false, 1, false}, {false, 0, true}};
        SlotTable table;

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                pid_t pid;
                int status;

                fflush(NULL);
                pid = fork();
                ck_assert_int_ge(pid, 0);
                if (pid == 0) {
                        IoId id, again;

                        close(2);
                        slot_table_init(&table, LIMIT);
                        slot_table_take(&table, registration(0), &id);
                        again = id;
                        if (wrong[i].once_more)
                                slot_table_give_back(&table, registration(0), &again);
                        if (wrong[i].is_given_back)
                                slot_table_give_back(&table, registration(wrong[i].number), &id);
                        else
                                slot_table_retire(&table, registration(wrong[i].number), &id);
                        _exit(0);
                }
                ck_assert(wait_exit(pid, DEADLINE_MS, &status));
                ck_assert_int_eq(WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGABRT);
        }
}
END_TEST

TEST_SUITE(test_slot_table)
{
        TCase *all = tcase_create("all");

        tcase_add_test(all, ids_find_their_registrations);
        tcase_add_test(all, an_id_given_back_finds_nothing);
        tcase_add_test(all, a_slot_used_again_has_another_generation);
        tcase_add_test(all, generations_wrap_around_without_being_0);
        tcase_add_test(all, low_slots_come_first);
        tcase_add_test(all, past_its_limit_it_refuses_and_says_so);
        tcase_add_test(all, a_limit_past_what_an_id_can_name_is_cut);
        tcase_add_test(all, a_slot_past_the_table_finds_nothing);
        tcase_add_test(all, a_retired_slot_is_not_used_before_it_is_given_back);
        tcase_add_test(all, nothing_past_a_lower_limit_is_given_out);
        tcase_add_test(all, with_a_higher_limit_again_all_that_is_free_is_given_out_once);
        tcase_add_test(all, a_slot_is_given_back_by_who_has_it_only);
        suite_add_tcase(suite, all);
}
