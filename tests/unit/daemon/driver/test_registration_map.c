/*
 * daemon/registration_map: what a slot has is found whatever came and went beside it; and the
 * memory goes by how many there are, however their slots were chosen and however many there were.
 */
#include "core/io_id.h"
#include "daemon/driver/registration_map.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"
#include "tests/support/scale.h"

#include <malloc.h>
#include <string.h>

enum {
        LIMIT = 65536, /* of a session, by default */
        /* What kyron-iod(8) says of each. */
        BYTES_MAX = 112,
        /* What malloc() keeps at hand of what was freed. */
        CACHED = 32768,
        /* And what it gives more than it was asked for, rather than keep a piece. */
        SPLIT = 1024,
};

static RegistrationMap map;
static bool in_use[LIMIT];

static void set_up(void)
{
        registration_map_init(&map, LIMIT);
        memset(in_use, 0, sizeof(in_use));
}

static void tear_down(void)
{
        registration_map_deinit(&map);
}

static void insert(RegistrationMap *into, uint32_t slot)
{
        ASSERT_IN_LOOP(registration_map_insert(into, slot, &(RegistrationInfo){.inode = slot}) ==
                       0);
}

static bool has(uint32_t slot)
{
        const RegistrationInfo *info = registration_map_find(&map, slot);

        ASSERT_IN_LOOP(!info || info->inode == slot);
        return info;
}

/* ---- what is found ---- */

START_TEST(whatever_comes_and_goes_each_slot_has_its_own)
{
        static const uint32_t ranges[] = {1, 40, 64, 65, 4000, LIMIT};
        uint32_t range = ranges[_i];
        uint64_t state = 7;

        for (int round = 0; round < 40000; round++) {
                uint32_t slot = random_below(&state, range);

                ASSERT_IN_LOOP(has(slot) == in_use[slot]);
                if (in_use[slot])
                        registration_map_remove(&map, slot);
                else
                        insert(&map, slot);
                in_use[slot] = !in_use[slot];
        }
        for (uint32_t slot = 0; slot < LIMIT; slot++)
                ASSERT_IN_LOOP(has(slot) == in_use[slot]);
}
END_TEST

START_TEST(the_next_is_the_lowest_that_is_not_below)
{
        uint64_t state = 8;

        for (int i = 0; i < 300; i++) {
                uint32_t slot = random_below(&state, LIMIT);

                if (!in_use[slot])
                        insert(&map, slot);
                in_use[slot] = true;
        }
        for (uint32_t from = 0, expected = 0; from <= LIMIT; from++) {
                uint32_t slot = from;
                const RegistrationInfo *info = registration_map_next(&map, &slot);

                if (expected < from)
                        expected = from;
                while (expected < LIMIT && !in_use[expected])
                        expected++;
                ASSERT_IN_LOOP(expected == LIMIT ? !info : info && slot == expected);
                ASSERT_IN_LOOP(!info || info->inode == slot);
        }
}
END_TEST

START_TEST(every_limit_can_be_used_to_its_end)
{
        static const uint32_t limits[] = {1, 64, 65, 4096, 4097, LIMIT, 262145, IO_ID_SLOT_MAX};
        uint32_t slot = 0;

        registration_map_init(&map, limits[_i]);
        insert(&map, limits[_i] - 1);
        ck_assert(has(limits[_i] - 1));
        ck_assert_ptr_nonnull(registration_map_next(&map, &slot));
        ck_assert_uint_eq(slot, limits[_i] - 1);
        slot = limits[_i];
        ck_assert_ptr_null(registration_map_next(&map, &slot));
        slot = UINT32_MAX;
        ck_assert_ptr_null(registration_map_next(&map, &slot));
}
END_TEST

START_TEST(it_is_cleared_in_steps)
{
        for (uint32_t slot = 0; slot < 64 * 100; slot++)
                insert(&map, slot);
        ck_assert(!registration_map_clear_some(&map, 0));
        for (int i = 0; i < 100; i++)
                ck_assert(!registration_map_clear_some(&map, 1));
        /* Beside the hundred there are those of the levels above. */
        ck_assert(registration_map_clear_some(&map, 4));
        ck_assert_uint_eq(map.root.used, 0);
        ck_assert(registration_map_clear_some(&map, 1));
        insert(&map, 9);
        ck_assert(has(9));
}
END_TEST

/* ---- what it takes ---- */

static size_t allocated(void)
{
        return mallinfo2().uordblks;
}

/* So many in each range of that many slots, which are as far apart. */
static const struct Pattern {
        uint32_t together, apart, limit;
} patterns[] = {
        {1, 1, LIMIT},   {1, 64, LIMIT},   {2, 64, LIMIT},          {3, 64, LIMIT},
        {5, 64, LIMIT},  {9, 64, LIMIT},   {17, 64, LIMIT},         {33, 64, LIMIT},
        {1, 256, LIMIT}, {1, 4096, LIMIT}, {1, 64, IO_ID_SLOT_MAX}, {1, 4096, IO_ID_SLOT_MAX},
};

START_TEST(a_registration_costs_no_more_than_is_said_wherever_it_is)
{
        const struct Pattern *pattern = &patterns[_i];
        size_t before = allocated(), taken;
        uint32_t count = 0;

        if (BUILT_WITH_SANITIZER)
                SKIP_TEST("a sanitizer has an allocator of its own");
        registration_map_init(&map, pattern->limit);
        for (uint32_t i = 0; count < LIMIT && i < pattern->limit - pattern->apart;
             i += pattern->apart) {
                for (uint32_t j = 0; j < pattern->together; j++, count++)
                        insert(&map, i + j);
        }
        taken = allocated() - before;
        ck_assert_uint_le(taken, count * BYTES_MAX + SPLIT);
        printf("%u in %u of %u: %.1f bytes each\n", pattern->together, pattern->apart,
               pattern->limit, (double)taken / count);
        registration_map_deinit(&map);
        ck_assert_uint_le(allocated(), before + CACHED);
}
END_TEST

START_TEST(what_has_gone_leaves_nothing)
{
        size_t before = allocated();

        if (BUILT_WITH_SANITIZER)
                SKIP_TEST("a sanitizer has an allocator of its own");
        for (uint32_t slot = 0; slot < LIMIT; slot++)
                insert(&map, slot);
        for (uint32_t left = LIMIT - 1, slot = 0; left >= 64; slot = (slot + 40503) % LIMIT) {
                if (!has(slot))
                        continue;
                registration_map_remove(&map, slot);
                if (left-- % 1000 == 0)
                        ck_assert_uint_le(allocated(), before + CACHED + left * BYTES_MAX);
        }
        for (uint32_t slot = 0; registration_map_next(&map, &slot); slot++)
                registration_map_remove(&map, slot);
        ck_assert_uint_le(allocated(), before + CACHED);
}
END_TEST

TEST_SUITE(test_registration_map)
{
        TCase *found = tcase_create("found");
        TCase *taken = tcase_create("taken");

        tcase_add_checked_fixture(found, set_up, tear_down);
        tcase_add_loop_test(found, whatever_comes_and_goes_each_slot_has_its_own, 0, 6);
        tcase_add_test(found, the_next_is_the_lowest_that_is_not_below);
        tcase_add_loop_test(found, every_limit_can_be_used_to_its_end, 0, 8);
        tcase_add_test(found, it_is_cleared_in_steps);
        tcase_set_timeout(found, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, found);

        tcase_add_checked_fixture(taken, set_up, tear_down);
        tcase_add_loop_test(taken, a_registration_costs_no_more_than_is_said_wherever_it_is, 0,
                            (int)(sizeof(patterns) / sizeof(patterns[0])));
        tcase_add_test(taken, what_has_gone_leaves_nothing);
        tcase_set_timeout(taken, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, taken);
}
