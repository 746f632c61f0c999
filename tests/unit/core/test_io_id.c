/*
 * core/io_id: an id names one use of one slot and keeps its place on the wire.
 */
#include "core/io_id.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

START_TEST(the_places_are_those_of_the_wire)
{
        IoId id = io_id_make(0x123456, 0xabcdef);

        /* Slot in bits 0–23, generation in 24–47, readiness in 48–63. */
        ck_assert_uint_eq(id, UINT64_C(0x0000abcdef123456));
        ck_assert_uint_eq(io_id_pack(id, 0x8421), UINT64_C(0x8421abcdef123456));
        ck_assert_uint_eq(io_id_unpack(UINT64_C(0x8421abcdef123456)), id);
        ck_assert_uint_eq(io_id_unpack_readiness(UINT64_C(0x8421abcdef123456)), 0x8421);
}
END_TEST

START_TEST(whatever_was_packed_is_unpacked)
{
        uint64_t state = 1;

        for (int i = 0; i < 20000; i++) {
                uint32_t slot = random_below(&state, IO_ID_SLOT_MAX + 1);
                uint32_t generation = random_below(&state, IO_ID_GENERATION_MAX + 1);
                Readiness bits = (Readiness)random_next(&state);
                uint64_t packed = io_id_pack(io_id_make(slot, generation), bits);

                ASSERT_IN_LOOP(io_id_slot(io_id_unpack(packed)) == slot);
                ASSERT_IN_LOOP(io_id_generation(io_id_unpack(packed)) == generation);
                ASSERT_IN_LOOP(io_id_unpack_readiness(packed) == bits);
        }
}
END_TEST

START_TEST(the_parts_never_reach_into_each_other)
{
        /* Values too large for their place are cut, so that a bad number harms only itself. */
        ck_assert_uint_eq(io_id_make(UINT32_MAX, 0), IO_ID_SLOT_MAX);
        ck_assert_uint_eq(io_id_make(0, UINT32_MAX), (uint64_t)IO_ID_GENERATION_MAX << 24);
        ck_assert_uint_eq(io_id_pack(io_id_make(0, 0), UINT16_MAX), UINT64_C(0xffff) << 48);
        ck_assert_uint_eq(io_id_unpack(UINT64_MAX),
                          io_id_make(IO_ID_SLOT_MAX, IO_ID_GENERATION_MAX));
}
END_TEST

START_TEST(generations_wrap_past_none)
{
        ck_assert_uint_eq(io_id_next_generation(0), 1);
        ck_assert_uint_eq(io_id_next_generation(1), 2);
        ck_assert_uint_eq(io_id_next_generation(IO_ID_GENERATION_MAX - 1), IO_ID_GENERATION_MAX);
        ck_assert_uint_eq(io_id_next_generation(IO_ID_GENERATION_MAX), 1);
        ck_assert_uint_eq(io_id_next_generation(UINT32_MAX), 1);
}
END_TEST

START_TEST(the_ids_with_a_meaning_of_their_own_are_no_registrations)
{
        static const IoId own[] = {IO_ID_NONE, IO_ID_UNPARKER, IO_ID_DAEMON};

        for (size_t i = 0; i < 3; i++) {
                ck_assert_uint_eq(io_id_generation(own[i]), 0);
                for (size_t j = 0; j < i; j++)
                        ck_assert_uint_ne(own[i], own[j]);
        }
}
END_TEST

TEST_SUITE(test_io_id)
{
        TCase *ids = tcase_create("ids");

        tcase_add_test(ids, the_places_are_those_of_the_wire);
        tcase_add_test(ids, whatever_was_packed_is_unpacked);
        tcase_add_test(ids, the_parts_never_reach_into_each_other);
        tcase_add_test(ids, generations_wrap_past_none);
        tcase_add_test(ids, the_ids_with_a_meaning_of_their_own_are_no_registrations);
        tcase_set_timeout(ids, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, ids);
}
