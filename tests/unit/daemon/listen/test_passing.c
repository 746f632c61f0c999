/*
 * daemon/passing: packets grow with what waits, one is not taken at a time, and whatever cannot be
 * sent or registered, no connection is lost and no good id.
 */
#include "daemon/listen/passing.h"

#include "tests/support/held_lock.h"
#include "tests/support/refused_sends.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- packets ---- */

START_TEST(no_more_come_until_those_that_came_are_taken)
{
        Iod__Connections *connections;

        scene_join(0, 8, NULL);
        scene_dial_many(1);
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        scene_dial_many(3);
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        service_taken(&sharing.clients[0], (uint64_t[]){io_id_make(0, 1)}, 1);
        ck_assert_uint_eq(scene_connections(0, &connections), 3);
        scene_taken(0, connections);
}
END_TEST

START_TEST(a_packet_has_up_to_64_and_the_next_all_that_came)
{
        Iod__Connections *connections;

        scene_join(0, 200, NULL);
        scene_dial_many(150);
        /* The first packet has what the first turn accepted. */
        ck_assert_uint_eq(scene_connections(0, &connections), 64);
        ck_assert_uint_eq(sharing.received.count, 64);
        for (size_t i = 0; i < 64; i++)
                ck_assert_uint_eq(connections->connection[i]->id, io_id_make((uint32_t)i, 1));
        scene_taken(0, connections);
        ck_assert_uint_eq(scene_connections(0, &connections), 64);
        scene_taken(0, connections);
        ck_assert_uint_eq(scene_connections(0, &connections), 22);
        scene_taken(0, connections);
}
END_TEST

/* Such a worker can have whoever asks for the connection's peer, or changes its options, wait. */
START_TEST(a_worker_that_keeps_a_connection_locked_holds_up_nobody)
{
        Iod__Connections *connections;
        char address[ADDRESS_TEXT_MAX];
        HeldLock lock;
        int peer;

        scene_join(0, 8, NULL);
        scene_join(1, 0, NULL);
        peer = scene_dial();
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        snprintf(address, sizeof(address), "%s", connections->connection[0]->address);
        ck_assert_str_ne(address, "");
        if (!held_lock_take(&lock, fd_list_borrow(&sharing.received, 0))) {
                close(peer);
                SKIP_TEST("this user may not keep pages away");
        }
        scene_close(0);
        service_offer(&sharing.clients[1], 0, 1, 0, 8);
        ck_assert_uint_eq(scene_connections(1, &connections), 1);
        ck_assert(connections->connection[0]->again);
        ck_assert_str_eq(connections->connection[0]->address, address);
        scene_gone(1, connections);
        held_lock_end(&lock);
        close(peer);
}
END_TEST

START_TEST(in_part_taken_is_not_taken)
{
        Iod__Connections *connections;
        uint64_t ids[2];

        scene_join(0, 8, NULL);
        scene_dial_many(2);
        ck_assert_uint_eq(scene_connections(0, &connections), 2);
        ids[0] = connections->connection[0]->id;
        ids[1] = connections->connection[1]->id;
        scene_dial_many(1);
        service_taken(&sharing.clients[0], (uint64_t[]){ids[0], ids[0], 77}, 3);
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        /* Gone is taken as well. */
        service_gone(&sharing.clients[0], &ids[1], 1);
        ck_assert_uint_eq(scene_connections(0, NULL), 1);
}
END_TEST

/* ---- what the kernel says ---- */

static const int wants[] = {ETOOMANYREFS, ENOBUFS, ENOMEM, EAGAIN};

START_TEST(what_could_not_be_sent_is_sent_again_under_the_same_ids)
{
        Iod__Connections *connections;
        Session *session = scene_join(0, 2, NULL);

        refused_errno = wants[_i];
        refused_sends = INT_MAX;
        scene_dial_many(2);
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        ck_assert_int_lt(refused_sends, INT_MAX);
        ck_assert_uint_eq(session->registrations.count, 0);
        ck_assert_uint_eq(session->charged_registrations, 0);
        refused_sends = 2;
        ck_assert(WAIT_UNTIL(({
                                     inner_server_settle();
                                     refused_sends == 0 &&
                                             wait_readable(sharing.clients[0].socket_fd, 0);
                             }),
                             DEADLINE_MS));
        ck_assert_uint_eq(scene_connections(0, &connections), 2);
        ck_assert_uint_eq(connections->connection[0]->id, io_id_make(0, 1));
        ck_assert_uint_eq(connections->connection[1]->id, io_id_make(1, 1));
        ck_assert_uint_eq(session->registrations.count, 2);
        scene_taken(0, connections);
}
END_TEST

START_TEST(a_session_whose_packet_cannot_be_sent_ends_and_another_is_given_them)
{
        scene_join(0, 4, NULL);
        scene_join(1, 4, NULL);
        refused_errno = EPIPE;
        refused_sends = 1;
        scene_dial_many(4);
        ck_assert_uint_eq(scene_serve(1), 4);
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        inner_server_expect_end(&sharing.clients[0]);
}
END_TEST

/* ---- ids that cannot be used ---- */

static const struct BadId {
        uint32_t slot;
        uint32_t generation;
        uint16_t interest;
        int error;
} bad_ids[] = {
        {0, 1, 3, EEXIST},        /* registered for another file */
        {1, 4, 3, ESTALE},        /* the slot has come to 5 */
        {0xfffffe, 1, 3, EDQUOT}, /* past the limit */
        {7, 1, 3 | 64, EINVAL},   /* an interest that there is not */
};

START_TEST(an_id_that_cannot_be_used_is_told_and_the_next_is_used)
{
        const struct BadId *bad = &bad_ids[_i];
        uint64_t sources[] = {raw_source(bad->slot, bad->generation, bad->interest),
                              raw_source(9, 1, 3)};
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Offer offer = IOD__OFFER__INIT;
        Iod__Frame *answer;

        scene_join(0, 0, NULL);
        inner_server_add_pipe(&sharing.clients[0], 0, 1, NULL);
        inner_server_add_pipe(&sharing.clients[0], 1, 5, NULL);
        offer.endpoint = 1;
        offer.source = sources;
        offer.n_source = 2;
        frame.body_case = IOD__FRAME__BODY_OFFER;
        frame.offer = &offer;
        service_send(&sharing.clients[0], &frame, NULL, 0);
        ck_assert_ptr_null(scene_next(0));
        scene_dial_many(1);
        answer = scene_next(0);
        for (int i = 0; i < 2; i++, answer = i < 2 ? scene_next(0) : answer) {
                ck_assert_ptr_nonnull(answer);
                if (answer->body_case == IOD__FRAME__BODY_CONNECTIONS) {
                        ck_assert_uint_eq(answer->connections->n_connection, 1);
                        ck_assert_uint_eq(answer->connections->connection[0]->id, io_id_make(9, 1));
                        continue;
                }
                ck_assert_int_eq(answer->body_case, IOD__FRAME__BODY_REFUSED);
                ck_assert_int_eq(answer->refused->error, 0);
                ck_assert_uint_eq(answer->refused->n_source, 1);
                ck_assert_uint_eq(answer->refused->source[0]->id, io_id_unpack(sources[0]));
                ck_assert_int_eq(answer->refused->source[0]->error, bad->error);
                ck_assert_str_ne(answer->refused->source[0]->text, "");
        }
        ck_assert_uint_eq(scene_listener()->group.passed, 1);
}
END_TEST

START_TEST(an_id_offered_twice_serves_one_connection_and_the_other_waits)
{
        const Iod__Frame *answer;

        scene_join(0, 1, NULL);
        service_offer(&sharing.clients[0], 0, 1, 0, 1);
        scene_dial_many(2);
        inner_server_settle();
        ck_assert_uint_eq(scene_listener()->group.queued_count, 1);
        ck_assert_uint_eq(scene_listener()->group.passed, 1);
        /* It is told which, after the connection or before it. */
        answer = scene_next(0);
        if (answer->body_case != IOD__FRAME__BODY_REFUSED)
                answer = scene_next(0);
        ck_assert_int_eq(answer->refused->source[0]->error, EEXIST);
        scene_join(1, 1, NULL);
        ck_assert_uint_eq(scene_serve(1), 1);
}
END_TEST

START_TEST(two_generations_of_a_slot_are_not_in_one_packet)
{
        uint64_t sources[] = {raw_source(3, 1, 3), raw_source(3, 2, 3)};
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Offer offer = IOD__OFFER__INIT;

        scene_join(0, 0, NULL);
        offer.endpoint = 1;
        offer.source = sources;
        offer.n_source = 2;
        frame.body_case = IOD__FRAME__BODY_OFFER;
        frame.offer = &offer;
        scene_dial_many(2);
        service_send(&sharing.clients[0], &frame, NULL, 0);
        inner_server_settle();
        ck_assert_uint_eq(scene_listener()->group.passed, 1);
        ck_assert_uint_eq(scene_listener()->group.queued_count, 1);
}
END_TEST

/* ---- no room ---- */

START_TEST(without_room_for_registrations_connections_wait_and_no_id_is_lost)
{
        Session *session = scene_join(0, 4, NULL);
        QuotaUser *user = session->user;
        uint32_t limit = user->limits[QUOTA_REGISTRATIONS];

        user->limits[QUOTA_REGISTRATIONS] = 2;
        scene_dial_many(4);
        ck_assert_uint_eq(scene_connections(0, NULL), 2);
        ck_assert_uint_eq(session->charged_registrations, 2);
        service_taken(&sharing.clients[0], (uint64_t[]){io_id_make(0, 1), io_id_make(1, 1)}, 2);
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        user->limits[QUOTA_REGISTRATIONS] = limit;
        ck_assert(WAIT_UNTIL(scene_connections(0, NULL) == 2, DEADLINE_MS));
        ck_assert_uint_eq(scene_listener()->group.passed, 4);
}
END_TEST

START_TEST(what_one_has_no_room_for_another_is_given)
{
        Session *session = scene_join(0, 4, NULL);

        /* Its own bound alone: the other one is the same user's. */
        inner.daemon->watches.share.max = UINT64_MAX;
        session->registrations.watches = UINT64_MAX / 4; /* files given up, and still open */
        session->registrations.reconcile_after = UINT64_MAX;
        scene_join(1, 8, NULL);
        scene_dial_many(4);
        inner_server_settle();
        ck_assert_uint_eq(scene_serve(1), 4);
        ck_assert_uint_eq(scene_serve(0), 0);
        ck_assert_uint_eq(TAILQ_FIRST(&session->workers)->credit, 4);
        session->registrations.watches = 0;
        session->registrations.reconcile_after = 0;
}
END_TEST

TEST_SUITE(test_passing)
{
        TCase *packets = tcase_create("packets"), *failures = tcase_create("failures");

        tcase_add_checked_fixture(packets, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_add_checked_fixture(failures, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(packets, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(failures, TEST_TIMEOUT_SECONDS);
        tcase_add_test(packets, no_more_come_until_those_that_came_are_taken);
        tcase_add_test(packets, a_packet_has_up_to_64_and_the_next_all_that_came);
        tcase_add_test(packets, a_worker_that_keeps_a_connection_locked_holds_up_nobody);
        tcase_add_test(packets, in_part_taken_is_not_taken);
        tcase_add_loop_test(failures, what_could_not_be_sent_is_sent_again_under_the_same_ids, 0,
                            sizeof(wants) / sizeof(wants[0]));
        tcase_add_test(failures,
                       a_session_whose_packet_cannot_be_sent_ends_and_another_is_given_them);
        tcase_add_loop_test(failures, an_id_that_cannot_be_used_is_told_and_the_next_is_used, 0,
                            sizeof(bad_ids) / sizeof(bad_ids[0]));
        tcase_add_test(failures, an_id_offered_twice_serves_one_connection_and_the_other_waits);
        tcase_add_test(failures, two_generations_of_a_slot_are_not_in_one_packet);
        tcase_add_test(failures, without_room_for_registrations_connections_wait_and_no_id_is_lost);
        tcase_add_test(failures, what_one_has_no_room_for_another_is_given);
        suite_add_tcase(suite, packets);
        suite_add_tcase(suite, failures);
}
