/* proto/readiness_frame: the same bytes as protobuf-c's, and nothing else is taken for them. */
#include "proto/readiness_frame.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <string.h>

static uint64_t events[FRAME_EVENTS_MAX], decoded[FRAME_EVENTS_MAX];
static uint8_t bytes[READINESS_FRAME_BYTES_MAX + 1], expected[FRAME_BYTES_MAX];
static FrameArena arena;
static uint64_t state = 1;

static void set_up(void)
{
        frame_arena_init(&arena);
        for (size_t i = 0; i < FRAME_EVENTS_MAX; i++)
                events[i] = random_next(&state);
}

/* protobuf-c's. */
static size_t pack(size_t n)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Readiness readiness = IOD__READINESS__INIT;
        int size;

        readiness.n_event = n;
        readiness.event = events;
        frame.body_case = IOD__FRAME__BODY_READINESS;
        frame.readiness = &readiness;
        size = frame_encode(&frame, expected);
        ck_assert_int_gt(size, 0);
        return (size_t)size;
}

START_TEST(it_is_as_protobuf_packs_it)
{
        for (size_t n = 1; n <= FRAME_EVENTS_MAX; n++) {
                size_t size = pack(n);

                ck_assert_uint_eq(readiness_frame_encode(bytes, events, n), size);
                ck_assert_uint_le(size, READINESS_FRAME_BYTES_MAX);
                ck_assert_mem_eq(bytes, expected, size);
        }
}
END_TEST

START_TEST(what_was_packed_is_understood)
{
        for (size_t n = 1; n <= FRAME_EVENTS_MAX; n++) {
                size_t size = pack(n);

                memset(decoded, 0, sizeof(decoded));
                ck_assert_uint_eq(readiness_frame_decode(expected, size, decoded), n);
                ck_assert_mem_eq(decoded, events, n * sizeof(*events));
        }
}
END_TEST

/* Whatever is understood is what protobuf-c understands. Returns whether it is. */
static bool check(size_t size)
{
        size_t n = readiness_frame_decode(bytes, size, decoded);
        Iod__Frame *frame;

        if (n == 0)
                return false;
        ck_assert_int_eq(frame_decode(&arena, bytes, size, 0, &frame), 0);
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_READINESS);
        ck_assert_uint_eq(frame->readiness->n_event, n);
        ck_assert_mem_eq(frame->readiness->event, decoded, n * sizeof(*decoded));
        return true;
}

START_TEST(a_part_is_not_taken_for_the_whole)
{
        size_t counts[] = {1, 2, 15, 16, FRAME_EVENTS_MAX};

        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
                size_t size = readiness_frame_encode(bytes, events, counts[i]);

                ck_assert(check(size));
                for (size_t part = 0; part < size; part++)
                        ck_assert(!check(part));
                ck_assert(!check(size + 1));
        }
}
END_TEST

START_TEST(whatever_is_changed_it_agrees_with_protobuf)
{
        size_t understood = 0;

        for (int i = 0; i < 200000; i++) {
                size_t n = 1 + random_below(&state, 20);
                size_t size = readiness_frame_encode(bytes, events, n);

                for (uint64_t changes = random_below(&state, 4); changes > 0; changes--)
                        bytes[random_below(&state, 7)] = (uint8_t)random_next(&state);
                if (random_below(&state, 2) == 0)
                        size = random_below(&state, (uint32_t)size);
                understood += check(size);
        }
        ck_assert_uint_gt(understood, 20000);
        ck_assert_uint_lt(understood, 190000);
}
END_TEST

START_TEST(another_frame_is_none)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        int size;

        frame.sequence = 7;
        frame.body_case = IOD__FRAME__BODY_GET_STATUS;
        frame.get_status = (Iod__GetStatus[]){IOD__GET_STATUS__INIT};
        size = frame_encode(&frame, expected);
        ck_assert_uint_eq(readiness_frame_decode(expected, (size_t)size, decoded), 0);
        ck_assert_uint_eq(readiness_frame_decode(expected, pack(0), decoded), 0);
}
END_TEST

TEST_SUITE(test_readiness_frame)
{
        TCase *codes = tcase_create("codes");

        tcase_add_checked_fixture(codes, set_up, NULL);
        tcase_set_timeout(codes, TEST_TIMEOUT_SECONDS);
        tcase_add_test(codes, it_is_as_protobuf_packs_it);
        tcase_add_test(codes, what_was_packed_is_understood);
        tcase_add_test(codes, a_part_is_not_taken_for_the_whole);
        tcase_add_test(codes, whatever_is_changed_it_agrees_with_protobuf);
        tcase_add_test(codes, another_frame_is_none);
        suite_add_tcase(suite, codes);
}
