/* The handle's registrations by slot. */
#include "client/handle/slot_table.h"
#include "tests/support/fixture.h"

#include "core/error.h"

#include <errno.h>
#include <string.h>

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
        IoId id;

        slot_table_init(&table, LIMIT);
        ck_assert_int_eq(slot_table_take(&table, registration(0), &id), 0);
        slot_table_give_back(&table, id);
        ck_assert_ptr_null(slot_table_recreate(&table, id));
        slot_table_deinit(&table);
}
END_TEST

START_TEST(a_slot_used_again_has_another_generation)
{
        SlotTable table;
        IoId first, second;

        slot_table_init(&table, LIMIT);
        ck_assert_int_eq(slot_table_take(&table, registration(0), &first), 0);
        slot_table_give_back(&table, first);
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
        slot_table_give_back(&table, id);
        table.slots[io_id_slot(id)].generation = IO_ID_GENERATION_MAX;
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
        slot_table_give_back(&table, id);
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
        IoId ids[3], retired[3], again;
        SlotTable table;

        slot_table_init(&table, LIMIT);
        for (size_t i = 0; i < 3; i++)
                ck_assert_int_eq(slot_table_take(&table, registration(i), &ids[i]), 0);
        ck_assert_uint_eq(slot_table_retired(&table, retired, 3), 0);
        slot_table_retire(&table, ids[0]);
        slot_table_retire(&table, ids[2]);
        ck_assert_ptr_null(slot_table_recreate(&table, ids[0]));
        ck_assert_ptr_eq(slot_table_recreate(&table, ids[1]), registration(1));
        ck_assert_int_eq(slot_table_take(&table, registration(3), &again), 0);
        ck_assert_uint_eq(io_id_slot(again), 3);
        /* As many as there is room for, and those first. */
        ck_assert_uint_eq(slot_table_retired(&table, retired, 1), 1);
        ck_assert_uint_eq(retired[0], ids[2]);
        ck_assert_uint_eq(slot_table_retired(&table, retired, 3), 2);
        ck_assert_uint_eq(retired[1], ids[0]);
        slot_table_give_back_retired(&table, 1);
        ck_assert_int_eq(slot_table_take(&table, registration(4), &again), 0);
        ck_assert_uint_eq(io_id_slot(again), io_id_slot(ids[2]));
        ck_assert_uint_ne(again, ids[2]);
        ck_assert_uint_eq(slot_table_retired(&table, retired, 3), 1);
        slot_table_give_back_retired(&table, 1);
        ck_assert_uint_eq(slot_table_retired(&table, retired, 3), 0);
        slot_table_deinit(&table);
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
        suite_add_tcase(suite, all);
}
