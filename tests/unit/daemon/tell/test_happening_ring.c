/*
 * daemon/happening_ring: what goes in comes out, in order and whole; what has no room is counted
 * where it is missing, and nothing is ever written outside the ring's memory.
 */
#include "daemon/tell/happening_ring.h"

#include "core/address.h"
#include "core/error.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 1024, GUARD = 64, PATTERN = 0xa5 };

static unsigned char *memory;
static HappeningRing ring;

static void set_up(void)
{
        memory = malloc(SMALL + GUARD);
        ck_assert_ptr_nonnull(memory);
        memset(memory, PATTERN, SMALL + GUARD);
        happening_ring_init(&ring, memory, SMALL);
}

static void tear_down(void)
{
        for (size_t i = SMALL; i < SMALL + GUARD; i++)
                ck_assert_uint_eq(memory[i], PATTERN);
        free(memory);
}

/* The text of one has as many letters as its session's number says. */
static const char *text_of(uint64_t session)
{
        static char text[ERROR_WIRE_MAX + 1];
        size_t n = session * 31 % ERROR_WIRE_MAX;

        memset(text, 'a' + (int)(session % 26), n);
        text[n] = '\0';
        return text;
}

static bool put(uint64_t session)
{
        const Happening happening = {
                .what = IOD__WHAT__SESSION_BEGAN,
                .uid = (uid_t)(session % 3),
                .session = session,
                .text = text_of(session),
        };

        return happening_ring_put(&ring, &happening);
}

static void expect_first(uint64_t session, uint64_t lost)
{
        const HappeningRecord *record = happening_ring_next(&ring, NULL);

        ck_assert_ptr_nonnull(record);
        ck_assert_uint_eq(record->happening.session, session);
        ck_assert_str_eq(record->happening.text, text_of(session));
        ck_assert_uint_eq(record->lost, lost);
        happening_ring_drop(&ring, 1);
}

START_TEST(all_that_is_said_of_one_comes_out)
{
        const Happening happening = {
                .what = IOD__WHAT__REQUEST_REFUSED,
                .owner = HAPPENING_OF_USER,
                .uid = 1000,
                .time = 12345,
                .session = 7,
                .pid = 312,
                .listener = 3,
                .error = 13,
                .count = 2,
                .request = "connect",
                .program = "echo_server",
                .name = "web",
                .address = "tcp:127.0.0.1:80",
                .text = "no policy allows it",
        };
        const Happening *out;

        ck_assert(!happening_ring_is_due(&ring));
        ck_assert(happening_ring_put(&ring, &happening));
        ck_assert(happening_ring_is_due(&ring));
        out = &happening_ring_next(&ring, NULL)->happening;
        ck_assert_int_eq(out->what, happening.what);
        ck_assert_uint_eq(out->uid, 1000);
        ck_assert_uint_eq(out->time, 12345);
        ck_assert_uint_eq(out->session, 7);
        ck_assert_int_eq(out->pid, 312);
        ck_assert_uint_eq(out->listener, 3);
        ck_assert_int_eq(out->error, 13);
        ck_assert_uint_eq(out->count, 2);
        ck_assert_str_eq(out->request, "connect");
        ck_assert_str_eq(out->program, "echo_server");
        ck_assert_str_eq(out->name, "web");
        ck_assert_str_eq(out->address, "tcp:127.0.0.1:80");
        ck_assert_str_eq(out->text, "no policy allows it");
        happening_ring_drop(&ring, 1);
        ck_assert(!happening_ring_is_due(&ring));
        ck_assert_uint_eq(happening_ring_used(&ring), 0);
}
END_TEST

START_TEST(strings_that_there_are_not_come_out_empty_and_long_ones_cut)
{
        char longest[2 * ADDRESS_TEXT_MAX];
        Happening happening = {.what = IOD__WHAT__SESSION_ENDED};
        const Happening *out;

        ck_assert(happening_ring_put(&ring, &happening));
        out = &happening_ring_next(&ring, NULL)->happening;
        ck_assert_ptr_null(out->request);
        ck_assert_str_eq(out->program, "");
        ck_assert_str_eq(out->text, "");
        happening_ring_drop(&ring, 1);
        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        happening.program = happening.name = happening.address = happening.text = longest;
        ck_assert(happening_ring_put(&ring, &happening));
        out = &happening_ring_next(&ring, NULL)->happening;
        ck_assert_uint_eq(strlen(out->text), ERROR_WIRE_MAX);
        ck_assert_uint_eq(strlen(out->address), ADDRESS_TEXT_MAX - 1);
}
END_TEST

START_TEST(what_has_no_room_is_counted_with_the_next_that_has)
{
        uint64_t n = 0, kept;

        while (put(n))
                n++;
        kept = n;
        ck_assert_uint_gt(kept, 2);
        for (int i = 0; i < 9; i++)
                put(n++);
        expect_first(0, 0);
        expect_first(1, 0);
        ck_assert(put(n));
        for (uint64_t i = 2; i < kept; i++)
                expect_first(i, 0);
        expect_first(n, 10);
        ck_assert(!happening_ring_is_due(&ring));
}
END_TEST

START_TEST(what_was_lost_last_of_all_is_due_too)
{
        uint64_t n = 0;

        while (put(n))
                n++;
        happening_ring_drop(&ring, ring.count);
        ck_assert_ptr_null(happening_ring_next(&ring, NULL));
        ck_assert(happening_ring_is_due(&ring));
        ck_assert_uint_eq(ring.lost, 1);
}
END_TEST

static bool put_of(HappeningOwner owner, uid_t uid)
{
        const Happening happening = {.what = IOD__WHAT__SESSION_BEGAN, .owner = owner, .uid = uid};

        return happening_ring_put(&ring, &happening);
}

START_TEST(nobodys_noise_hides_the_others)
{
        size_t noise = 0;

        while (put_of(HAPPENING_OF_USER, 1))
                noise++;
        ck_assert_uint_ge(noise, 2);
        ck_assert_uint_le(happening_ring_used(&ring), SMALL / 2);
        ck_assert(put_of(HAPPENING_OF_USER, 2));
        ck_assert(put_of(HAPPENING_OF_DAEMON, 1));
        ck_assert(!put_of(HAPPENING_OF_USER, 1));
        /* And has what it had, once that has gone. */
        happening_ring_drop(&ring, noise + 2);
        ck_assert_uint_eq(ring.n_shares, 0);
        for (size_t i = 0; i < noise; i++)
                ck_assert(put_of(HAPPENING_OF_USER, 1));
}
END_TEST

/* More than have a place in the table share one. */
START_TEST(many_users_find_room_and_leave_nothing)
{
        enum { LARGE = 64 * 1024, USERS = 3 * HAPPENING_SHARES_MAX };
        unsigned char *bytes = malloc(LARGE);

        ck_assert_ptr_nonnull(bytes);
        happening_ring_init(&ring, bytes, LARGE);
        for (int round = 0; round < 3; round++) {
                for (uid_t uid = 0; uid < USERS; uid++)
                        ck_assert(put_of(HAPPENING_OF_USER, uid));
                ck_assert_uint_eq(ring.n_shares, HAPPENING_SHARES_MAX);
                ck_assert_uint_gt(ring.others.used, 0);
                /* Those that went first leave places for others in between. */
                happening_ring_drop(&ring, USERS / 2);
                ck_assert(put_of(HAPPENING_OF_USER, USERS - 1));
                happening_ring_drop(&ring, ring.count);
                ck_assert_uint_eq(ring.n_shares, 0);
                ck_assert_uint_eq(ring.others.used, 0);
        }
        free(bytes);
}
END_TEST

/* Beside a list of what should be there; round and round. */
START_TEST(whatever_is_put_and_dropped_is_in_order)
{
        enum { STEPS = 20000 };
        uint64_t seed = 7 + (uint64_t)_i, next_in = 0, next_out = 0, lost_in[SMALL] = {0}, lost = 0;

        for (int step = 0; step < STEPS; step++) {
                const HappeningRecord *record = NULL;
                size_t seen = 0;

                if (random_below(&seed, 2) == 0) {
                        if (put(next_in)) {
                                lost_in[next_in++ % SMALL] = lost;
                                lost = 0;
                        } else {
                                lost++;
                        }
                } else if (ring.count > 0) {
                        expect_first(next_out, lost_in[next_out % SMALL]);
                        next_out++;
                }
                while ((record = happening_ring_next(&ring, record)))
                        ASSERT_IN_LOOP(record->happening.session == next_out + seen++);
                ASSERT_IN_LOOP(seen == next_in - next_out);
                ASSERT_IN_LOOP(ring.count == seen);
                ASSERT_IN_LOOP(happening_ring_used(&ring) <= SMALL);
                ASSERT_IN_LOOP(ring.lost == lost);
        }
        ck_assert_uint_gt(next_out, 100);
}
END_TEST

TEST_SUITE(test_happening_ring)
{
        TCase *cases = tcase_create("happening_ring");

        tcase_add_checked_fixture(cases, set_up, tear_down);
        tcase_add_test(cases, all_that_is_said_of_one_comes_out);
        tcase_add_test(cases, strings_that_there_are_not_come_out_empty_and_long_ones_cut);
        tcase_add_test(cases, what_has_no_room_is_counted_with_the_next_that_has);
        tcase_add_test(cases, what_was_lost_last_of_all_is_due_too);
        tcase_add_test(cases, nobodys_noise_hides_the_others);
        tcase_add_test(cases, many_users_find_room_and_leave_nothing);
        tcase_add_loop_test(cases, whatever_is_put_and_dropped_is_in_order, 0, 4);
        suite_add_tcase(suite, cases);
}
