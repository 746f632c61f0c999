/*
 * daemon/in_flight: descriptors that nobody reads leave room for those of others; what would exceed
 * it waits, and comes when somebody has read.
 */
#include "daemon/budget/in_flight.h"

#include "tests/support/sharing_scene.h"

#include <sys/resource.h>

static void ask_to_bind(int i, uint32_t sequence)
{
        SCENE_SEND(i, sequence, BIND, bind,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__bind__descriptor),
                    .address = (char *)"udp:127.0.0.1:0"});
        inner_server_settle();
}

static bool has_descriptor(int i)
{
        inner_server_settle();
        return wait_readable(sharing.clients[i].socket_fd, 0);
}

static void read_descriptor(int i)
{
        const Iod__Frame *frame;

        fd_list_close(&sharing.received);
        frame = service_receive(&sharing.clients[i], &sharing.received);
        ck_assert_ptr_nonnull(frame);
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_OPENED);
        ck_assert_uint_eq(sharing.received.count, 1);
}

START_TEST(what_would_exceed_waits_and_comes_when_somebody_has_read)
{
        InFlight *in_flight = &inner.daemon->in_flight;
        Session *sessions[3];

        for (int i = 0; i < 3; i++)
                sessions[i] = scene_open(i);
        /* All of one user, who has half of what there is. */
        in_flight->share.max = 4;
        for (int i = 0; i < 3; i++)
                ask_to_bind(i, 1);
        ck_assert(has_descriptor(0) && has_descriptor(1) && !has_descriptor(2));
        ck_assert_uint_eq(in_flight->share.used, 2);
        ck_assert_uint_eq(sessions[2]->delivery.count, 1);
        read_descriptor(0);
        ck_assert(WAIT_UNTIL(has_descriptor(2), DEADLINE_MS));
        ck_assert_uint_eq(in_flight->share.used, 2);
        read_descriptor(1);
        read_descriptor(2);
        ck_assert_uint_eq(inner.daemon->sessions.count, 3);
}
END_TEST

START_TEST(what_a_session_has_unread_ends_with_it)
{
        InFlight *in_flight = &inner.daemon->in_flight;

        scene_open(0);
        scene_open(1);
        in_flight->share.max = 2;
        ask_to_bind(0, 1);
        ask_to_bind(1, 1);
        ck_assert(has_descriptor(0) && !has_descriptor(1));
        inner_server_close_client(&sharing.clients[0]);
        ck_assert(WAIT_UNTIL(has_descriptor(1), DEADLINE_MS));
        ck_assert_uint_eq(in_flight->share.used, 1);
}
END_TEST

/* So many as two users who read nothing can have of a hundred, and what is left for a third. */
START_TEST(who_reads_nothing_leaves_room_for_another_user)
{
        static InFlightEntry entries[3][100], last;
        QuotaUser users[3] = {{.uid = 1}, {.uid = 2}, {.uid = 3}};
        InFlight in_flight;
        uint32_t n[3] = {0};

        in_flight_init(&in_flight, NULL);
        in_flight.share.max = 99;
        in_flight.asked_ns = clock_now_ns(); /* nobody has read */
        for (int i = 0; i < 3; i++) {
                for (int k = 0; k < 100; k++) {
                        entries[i][k] = (InFlightEntry){.user = &users[i]};
                        if (!in_flight_has_room(&in_flight, &entries[i][k], 1))
                                break;
                        in_flight_charge(&in_flight, &entries[i][k], 1);
                        n[i]++;
                }
        }
        ck_assert_uint_eq(n[0], 50);
        ck_assert_uint_eq(n[1], 25);
        ck_assert_uint_eq(n[2], 12);
        /* A packet of many has room as long as so many are free, and not beyond. */
        last.user = &(QuotaUser){.uid = 4};
        ck_assert(in_flight_has_room(&in_flight, &last, 12));
        ck_assert(!in_flight_has_room(&in_flight, &last, 13));
}
END_TEST

START_TEST(the_limit_is_half_of_the_open_files)
{
        struct rlimit limit;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_uint_eq(inner.daemon->in_flight.share.max, limit.rlim_cur / 2);
}
END_TEST

TEST_SUITE(test_in_flight)
{
        TCase *room = tcase_create("room");

        tcase_add_checked_fixture(room, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(room, TEST_TIMEOUT_SECONDS);
        tcase_add_test(room, what_would_exceed_waits_and_comes_when_somebody_has_read);
        tcase_add_test(room, what_a_session_has_unread_ends_with_it);
        tcase_add_test(room, who_reads_nothing_leaves_room_for_another_user);
        tcase_add_test(room, the_limit_is_half_of_the_open_files);
        suite_add_tcase(suite, room);
}
