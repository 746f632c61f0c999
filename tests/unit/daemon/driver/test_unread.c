/*
 * daemon/unread: what is told to be unread is, and for at least that long; of packets of one kind,
 * for exactly that long.
 */
#include "daemon/driver/unread.h"

#include "proto/frame.h"
#include "proto/frame_socket.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        FIRST_MS = 1000,
        APART_MS = 10,
        PACKETS = 8,
};

static int pair[2]; /* [0] sends, [1] reads */
static UnreadCharges charges;
static Unread unread;
static uint64_t now_ms;
static uint8_t packet[FRAME_BYTES_MAX];

static void set_up(void)
{
        const int room = FRAME_BYTES_MAX;

        unix_pair(SOCK_SEQPACKET | SOCK_NONBLOCK, pair);
        ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
        unread_measure_charges(&charges);
        memset(&unread, 0, sizeof(unread));
        now_ms = FIRST_MS;
}

static void tear_down(void)
{
        close(pair[0]);
        close(pair[1]);
}

static bool send_packet(size_t size)
{
        if (frame_socket_send(pair[0], packet, size, NULL, 0) != 0)
                return false;
        unread_note(&unread, size, now_ms);
        now_ms += APART_MS;
        return true;
}

static void read_packet(void)
{
        ASSERT_IN_LOOP(recv(pair[1], packet, sizeof(packet), 0) > 0);
}

static uint64_t told(void)
{
        return unread_for_ms(&unread, &charges, frame_socket_charged(pair[0]), now_ms);
}

/* Of packets sent since FIRST_MS, when so many were read. */
static uint64_t age_after(uint64_t n_read)
{
        return now_ms - FIRST_MS - n_read * APART_MS;
}

START_TEST(nothing_is_unread_before_anything_is_sent_and_when_all_was_read)
{
        ck_assert_uint_eq(told(), 0);
        ck_assert(send_packet(20));
        ck_assert_uint_eq(told(), APART_MS);
        read_packet();
        ck_assert_uint_eq(told(), 0);
}
END_TEST

static const size_t sizes[] = {1, 20, 32, 100, 500, 1000, 4096};

START_TEST(the_oldest_that_was_left_is_found)
{
        for (int i = 0; i < PACKETS; i++)
                ck_assert(send_packet(sizes[_i]));
        for (uint64_t n_read = 0; n_read < PACKETS; n_read++) {
                ck_assert_uint_le(told(), age_after(n_read));
                ck_assert_uint_ge(told(), APART_MS);
                /* Sizes that charges are measured for. */
                if (sizes[_i] <= 32 || sizes[_i] == 4096)
                        ck_assert_uint_eq(told(), age_after(n_read));
                read_packet();
        }
        ck_assert_uint_eq(told(), 0);
}
END_TEST

START_TEST(a_full_socket_of_the_smallest_is_known_whole)
{
        size_t count = 0;

        while (send_packet(1))
                count++;
        ck_assert_uint_le(count, UNREAD_PACKETS_MAX);
        ck_assert_uint_eq(told(), age_after(0));
}
END_TEST

START_TEST(whatever_is_sent_and_read_no_more_is_told_than_is_so)
{
        uint64_t sent_ms[UNREAD_PACKETS_MAX], state = 1 + (uint64_t)_i;
        size_t first = 0, next = 0;

        for (int i = 0; i < 2000; i++) {
                uint64_t at_ms = now_ms;

                if (next - first < UNREAD_PACKETS_MAX && random_below(&state, 2) == 0) {
                        if (send_packet(1 + random_below(&state, 9000)))
                                sent_ms[next++ % UNREAD_PACKETS_MAX] = at_ms;
                } else if (first < next) {
                        read_packet();
                        first++;
                }
                if (first == next)
                        ASSERT_IN_LOOP(told() == 0);
                else
                        ASSERT_IN_LOOP(told() > 0 &&
                                       told() <= now_ms - sent_ms[first % UNREAD_PACKETS_MAX]);
        }
}
END_TEST

START_TEST(of_packets_that_are_far_apart_it_is_so_long_at_least)
{
        ck_assert(send_packet(20));
        now_ms += 3600000;
        ck_assert(send_packet(20));
        ck_assert_uint_le(told(), age_after(0));
        ck_assert_uint_ge(told(), 60000);
        read_packet();
        ck_assert_uint_eq(told(), APART_MS);
}
END_TEST

START_TEST(less_than_a_millisecond_counts_as_one)
{
        ck_assert(send_packet(20));
        now_ms = FIRST_MS;
        ck_assert_uint_eq(told(), 1);
}
END_TEST

START_TEST(without_charges_the_newest_is_told)
{
        memset(&charges, 0xff, sizeof(charges));
        ck_assert(send_packet(20) && send_packet(20));
        ck_assert_uint_eq(told(), APART_MS);
}
END_TEST

TEST_SUITE(test_unread)
{
        TCase *ages = tcase_create("ages");

        tcase_add_checked_fixture(ages, set_up, tear_down);
        tcase_set_timeout(ages, TEST_TIMEOUT_SECONDS);
        tcase_add_test(ages, nothing_is_unread_before_anything_is_sent_and_when_all_was_read);
        tcase_add_loop_test(ages, the_oldest_that_was_left_is_found, 0,
                            sizeof(sizes) / sizeof(sizes[0]));
        tcase_add_test(ages, a_full_socket_of_the_smallest_is_known_whole);
        tcase_add_loop_test(ages, whatever_is_sent_and_read_no_more_is_told_than_is_so, 0, 5);
        tcase_add_test(ages, of_packets_that_are_far_apart_it_is_so_long_at_least);
        tcase_add_test(ages, less_than_a_millisecond_counts_as_one);
        tcase_add_test(ages, without_charges_the_newest_is_told);
        suite_add_tcase(suite, ages);
}
