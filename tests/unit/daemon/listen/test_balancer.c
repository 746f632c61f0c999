/*
 * daemon/balancer: who gets the next connection, who gets none, and what becomes of those a worker
 * had when it leaves or dies.
 */
#include "daemon/listen/balancer.h"

#include "daemon/listen/in_hand.h"
#include "daemon/listen/passing.h"
#include "daemon/session/delivery.h"
#include "tests/support/memfd_note.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void join_as(int i, uint32_t weight, bool keep, uint32_t slots)
{
        Iod__Join join = IOD__JOIN__INIT;
        Iod__ListenerOptions options = IOD__LISTENER_OPTIONS__INIT;

        options.least_loaded = weight == 0;
        join.name = (char *)"web";
        join.address = (char *)"tcp:127.0.0.1:0";
        join.weight = weight;
        join.keep_on_death = keep;
        join.options = &options;
        scene_open(i);
        service_join_as(&sharing.clients[i], SCENE_JOIN, &join, 0, slots);
        scene_expect(i, IOD__FRAME__BODY_JOINED);
}

static uint32_t passed_to(int i)
{
        const Worker *worker;

        TAILQ_FOREACH(worker, &scene_listener()->group.workers, link)
        {
                if (i-- == 0)
                        return (uint32_t)worker->passed;
        }
        return 0;
}

/* ---- credit ---- */

START_TEST(without_credit_nothing_is_accepted_and_with_it_what_waited_comes)
{
        Iod__Connections *connections;

        scene_join(0, 0, NULL);
        scene_dial_many(3);
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        ck_assert_uint_eq(scene_listener()->accepted, 0);
        service_offer(&sharing.clients[0], 0, 1, 0, 2);
        ck_assert_uint_eq(scene_connections(0, &connections), 2);
        ck_assert_uint_eq(scene_listener()->accepted, 2);
        scene_gone(0, connections);
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        service_offer(&sharing.clients[0], 0, 1, 2, 1);
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        ck_assert_uint_eq(connections->connection[0]->id, io_id_make(2, 1));
}
END_TEST

START_TEST(an_offer_that_is_wrong_in_part_gives_no_credit)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Offer offer = IOD__OFFER__INIT;
        uint64_t sources[] = {raw_source(0, 1, 3), raw_source(1, 0, 3)};

        scene_join(0, 0, NULL);
        offer.endpoint = 1;
        offer.source = sources;
        offer.n_source = 2;
        frame.body_case = IOD__FRAME__BODY_OFFER;
        frame.offer = &offer;
        service_send(&sharing.clients[0], &frame, NULL, 0);
        scene_expect_refused(0, 0, EINVAL);
        ck_assert_uint_eq(balancer_credit(&scene_listener()->group), 0);
}
END_TEST

/* ---- whose turn ---- */

START_TEST(four_workers_take_exact_turns)
{
        for (int i = 0; i < 4; i++)
                scene_join(i, 200, NULL);
        for (int round = 1; round <= 50; round++) {
                scene_dial_many(4);
                inner_server_settle();
                for (int i = 0; i < 4; i++) {
                        ck_assert_uint_eq(scene_serve(i), 1);
                        ck_assert_uint_eq(passed_to(i), round);
                }
        }
}
END_TEST

START_TEST(weights_are_kept_exactly_and_turns_are_spread)
{
        join_as(0, 1, false, 1000);
        join_as(1, 3, false, 1000);
        for (uint32_t round = 1; round <= 40; round++) {
                scene_dial_many(4);
                inner_server_settle();
                ck_assert_uint_eq(scene_serve(0), 1);
                ck_assert_uint_eq(scene_serve(1), 3);
        }
}
END_TEST

START_TEST(the_least_loaded_is_given_the_next_and_what_is_gone_counts_no_more)
{
        Iod__Connections *connections;

        join_as(0, 0, false, 100);
        join_as(1, 0, false, 100);
        scene_dial_many(2);
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        scene_taken(0, connections);
        ck_assert_uint_eq(scene_serve(1), 1);
        /* The second has none in hand now, and again after each. */
        for (int i = 0; i < 10; i++) {
                scene_dial_many(1);
                ck_assert_uint_eq(scene_serve(1), 1);
        }
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        service_gone(&sharing.clients[0], (uint64_t[]){io_id_make(0, 1)}, 1);
        inner_server_settle();
        /* Both have none: they take turns from here, and nobody has any to catch up on. */
        for (int i = 0; i < 10; i++) {
                scene_dial_many(2);
                inner_server_settle();
                ck_assert_uint_eq(scene_serve(0), 1);
                ck_assert_uint_eq(scene_serve(1), 1);
        }
        for (int i = 0; i < 4; i++) {
                scene_dial_many(1);
                ck_assert_uint_eq(scene_serve(0) + scene_serve(1), 1);
        }
        ck_assert_uint_eq(passed_to(0), 13);
        ck_assert_uint_eq(passed_to(1), 23);
}
END_TEST

/* ---- who is ready ---- */

START_TEST(a_worker_that_does_not_read_keeps_no_more_than_one_packet_waiting)
{
        scene_join(0, 1000, NULL);
        scene_dial_many(300);
        inner_server_settle();
        ck_assert_uint_eq(scene_listener()->accepted, PASSING_PACKET_MAX);
        ck_assert_uint_eq(inner.daemon->kept.count, PASSING_PACKET_MAX);
        /* Another one gets the rest. */
        scene_join(1, 1000, NULL);
        ck_assert_uint_eq(scene_serve(1), 300 - PASSING_PACKET_MAX);
        ck_assert_uint_eq(scene_serve(0), PASSING_PACKET_MAX);
}
END_TEST

START_TEST(what_no_worker_can_be_sent_at_once_stays_in_the_backlog)
{
        Iod__Connections *connections;

        scene_join(0, 100, NULL);
        scene_dial_many(1);
        inner_server_settle();
        ck_assert_uint_eq(scene_listener()->accepted, 1);
        /* It is not read. */
        scene_dial_many(3);
        inner_server_settle();
        ck_assert_uint_eq(scene_listener()->accepted, 1);
        /* It is read, and not taken. */
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        inner_server_settle();
        ck_assert_uint_eq(scene_listener()->accepted, 1);
        scene_taken(0, connections);
        ck_assert_uint_eq(scene_connections(0, NULL), 3);
}
END_TEST

START_TEST(who_has_readiness_unread_is_waited_for)
{
        Iod__Connections *connections;
        int dialled;

        scene_join(0, 100, NULL);
        dialled = scene_dial();
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        scene_taken(0, connections);
        inner_server_settle();
        ck_assert_int_eq(write(dialled, "x", 1), 1);
        inner_server_settle();
        ck_assert(delivery_has_unread(TAILQ_FIRST(&inner.daemon->sessions.list)));
        scene_dial_many(2);
        inner_server_settle();
        ck_assert_uint_eq(scene_listener()->accepted, 1);
        /* It passes over the readiness. */
        ck_assert_uint_eq(scene_connections(0, NULL), 2);
        close(dialled);
}
END_TEST

START_TEST(who_was_not_ready_makes_up_for_its_turns)
{
        Iod__Connections *connections;

        scene_join(0, 100, NULL);
        scene_join(1, 100, NULL);
        scene_dial_many(2);
        ck_assert_uint_eq(scene_serve(1), 1);
        scene_dial_many(6);
        ck_assert_uint_eq(scene_serve(1), 6);
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        scene_taken(0, connections);
        ck_assert_ptr_null(scene_next(0));
        scene_dial_many(8);
        ck_assert_uint_eq(scene_serve(0), 7);
        ck_assert_uint_eq(scene_serve(1), 1);
}
END_TEST

START_TEST(nor_for_more_than_one_packet_of_them)
{
        Iod__Connections *connections;

        scene_join(0, 1000, NULL);
        scene_join(1, 1000, NULL);
        scene_dial_many(2);
        ck_assert_uint_eq(scene_serve(1), 1);
        for (int i = 0; i < 10; i++) {
                scene_dial_many(50);
                ck_assert_uint_eq(scene_serve(1), 50);
        }
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        scene_taken(0, connections);
        ck_assert_ptr_null(scene_next(0));
        for (int i = 0; i < 500; i++) {
                scene_dial_many(1);
                ck_assert_uint_eq(scene_serve(0) + scene_serve(1), 1);
        }
        ck_assert_uint_le(passed_to(0),
                          1 + PASSING_PACKET_MAX + (500 - PASSING_PACKET_MAX) / 2 + 2);
}
END_TEST

/* ---- more than are looked at ---- */

enum { MEMBERSHIPS = 40 };

/* Each session joins many times: there are more workers than are looked at at once. */
static void join_many_times(void)
{
        for (int i = 0; i < SCENE_CLIENTS; i++) {
                scene_open(i);
                for (uint32_t j = 0; j < MEMBERSHIPS; j++) {
                        service_join(&sharing.clients[i], SCENE_JOIN, "web", "tcp:127.0.0.1:0",
                                     j * 2, 2, NULL);
                        scene_expect(i, IOD__FRAME__BODY_JOINED);
                }
        }
        ck_assert_uint_eq(scene_listener()->group.willing_count, SCENE_CLIENTS * MEMBERSHIPS);
        ck_assert_uint_gt(SCENE_CLIENTS * MEMBERSHIPS, 3 * BALANCER_LOOKS);
}

START_TEST(however_many_workers_all_that_comes_is_served_by_all)
{
        size_t served = 0;

        join_many_times();
        for (int round = 0; round < 10; round++) {
                scene_dial_many(SCENE_CLIENTS * MEMBERSHIPS / 5);
                for (int again = 0; again < SCENE_CLIENTS; again++) {
                        for (int i = 0; i < SCENE_CLIENTS; i++)
                                served += scene_serve(i);
                }
        }
        ck_assert_uint_eq(served, 2 * SCENE_CLIENTS * MEMBERSHIPS);
        for (int i = 0; i < SCENE_CLIENTS * MEMBERSHIPS; i++)
                ck_assert_uint_eq(passed_to(i), 2);
        ck_assert_uint_eq(balancer_credit(&scene_listener()->group), 0);
        ck_assert_uint_eq(scene_listener()->group.willing_count, 0);
}
END_TEST

START_TEST(those_that_are_not_ready_keep_nobody_from_one_that_is)
{
        const Group *group;

        join_many_times();
        group = &scene_listener()->group;
        /* What they asked for is not read. */
        for (int i = 0; i < SCENE_CLIENTS - 1; i++)
                raw_client_request(&sharing.clients[i], 1, RAW_GET_STATUS);
        inner_server_settle();
        scene_dial_many(20);
        ck_assert_uint_eq(scene_serve(SCENE_CLIENTS - 1), 20);
        /* Nor is that one: all are looked at, once, and tell when they have read. */
        raw_client_request(&sharing.clients[SCENE_CLIENTS - 1], 1, RAW_GET_STATUS);
        inner_server_settle();
        scene_dial_many(1);
        inner_server_settle();
        ck_assert(group->parked && !balancer_goes_on(group));
        ck_assert_uint_eq(group->passed, 20);
        scene_expect(2, IOD__FRAME__BODY_STATUS);
        ck_assert_uint_eq(scene_serve(2), 1);
}
END_TEST

START_TEST(those_that_rest_take_nothing_until_they_are_tried_again)
{
        Worker *worker;
        Session *session = scene_join(0, 4, NULL);

        worker = TAILQ_FIRST(&session->workers);
        worker_rest(worker);
        ck_assert_uint_eq(balancer_credit(&scene_listener()->group), 0);
        ck_assert(balancer_is_short(&scene_listener()->group));
        balancer_end_rests(&scene_listener()->group);
        ck_assert_uint_eq(balancer_credit(&scene_listener()->group), 4);
        ck_assert(!balancer_is_short(&scene_listener()->group));
        scene_dial_many(4);
        ck_assert_uint_eq(scene_serve(0), 4);
}
END_TEST

/* ---- leaving and dying ---- */

START_TEST(when_a_worker_leaves_what_it_had_not_taken_goes_to_another)
{
        Iod__Connections *connections;
        Session *session = scene_join(0, 10, NULL);
        uint64_t first;

        scene_dial_many(3);
        ck_assert_uint_eq(scene_connections(0, &connections), 3);
        first = connections->connection[0]->id;
        ck_assert_uint_eq(session->registrations.count, 3);
        service_taken(&sharing.clients[0], &first, 1);
        service_leave(&sharing.clients[0], 5, 1);
        scene_expect(0, IOD__FRAME__BODY_DONE);
        ck_assert_uint_eq(session->registrations.count, 1);
        ck_assert_uint_eq(session->charged_registrations, 1);
        ck_assert_uint_eq(scene_listener()->group.queued_count, 2);

        scene_join(1, 10, NULL);
        ck_assert_uint_eq(scene_connections(1, &connections), 2);
        for (size_t i = 0; i < 2; i++)
                ck_assert(connections->connection[i]->again);
        ck_assert_uint_eq(scene_listener()->group.passed_again, 2);
        /* The one that was taken is in hand until it is gone. */
        ck_assert_uint_eq(TAILQ_FIRST(&session->workers)->in_hand_count, 1);
        service_gone(&sharing.clients[0], &first, 1);
        inner_server_settle();
        ck_assert(TAILQ_EMPTY(&session->workers));
        scene_gone(1, connections);
}
END_TEST

/* The peers' order: each writes its number before the connection is passed on. */
START_TEST(those_who_waited_longest_are_served_first)
{
        Iod__Connections *connections;
        int peers[9];

        scene_join(0, 20, NULL);
        for (int i = 0; i < 9; i++) {
                peers[i] = scene_dial();
                ck_assert_int_eq(write(peers[i], &(char){(char)i}, 1), 1);
        }
        ck_assert_uint_eq(scene_connections(0, NULL), 9);
        fd_list_close(&sharing.received);
        scene_close(0);
        ck_assert_uint_eq(scene_listener()->group.queued_count, 9);
        scene_join(1, 20, NULL);
        ck_assert_uint_eq(scene_connections(1, &connections), 9);
        for (int i = 0; i < 9; i++) {
                char number;

                ck_assert_int_eq(read(fd_list_borrow(&sharing.received, (size_t)i), &number, 1), 1);
                ck_assert_int_eq(number, i);
                close(peers[i]);
        }
        scene_gone(1, connections);
}
END_TEST

START_TEST(when_a_worker_dies_what_was_taken_and_not_kept_is_closed)
{
        Iod__Connections *connections;
        int peer;
        char byte;

        scene_join(0, 10, NULL);
        scene_join(1, 0, NULL);
        peer = scene_dial();
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        scene_taken(0, connections);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        fd_list_close(&sharing.received);
        scene_close(0);
        ck_assert_uint_eq(scene_listener()->group.queued_count, 0);
        ck_assert(wait_readable(peer, DEADLINE_MS));
        ck_assert_int_eq(recv(peer, &byte, 1, MSG_DONTWAIT), 0);
        close(peer);
}
END_TEST

START_TEST(what_is_kept_on_death_goes_on_with_its_note)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Hold hold = IOD__HOLD__INIT;
        Iod__Connections *connections;
        int note = memfd_note(5, NOTE_SEALS), peer;
        char text[6] = "";

        join_as(0, 1, true, 10);
        join_as(1, 1, false, 0);
        peer = scene_dial();
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        hold.id = connections->connection[0]->id;
        hold.note_size = 5;
        frame.sequence = 3;
        frame.body_case = IOD__FRAME__BODY_HOLD;
        frame.hold = &hold;
        scene_taken(0, connections);
        service_send(&sharing.clients[0], &frame, &note, 1);
        scene_expect(0, IOD__FRAME__BODY_DONE);
        ck_assert_uint_eq(inner.daemon->kept.count, 2);
        ck_assert_uint_eq(TAILQ_FIRST(&inner.daemon->sessions.list)->user->used[QUOTA_HOLDS], 1);
        scene_close(0);
        ck_assert_uint_eq(scene_listener()->group.queued_count, 1);
        ck_assert_uint_eq(TAILQ_FIRST(&inner.daemon->sessions.list)->user->used[QUOTA_HOLDS], 0);

        service_offer(&sharing.clients[1], 0, 1, 0, 1);
        ck_assert_uint_eq(scene_connections(1, &connections), 1);
        ck_assert(connections->connection[0]->again);
        ck_assert_uint_eq(connections->connection[0]->note_size, 5);
        ck_assert_uint_eq(sharing.received.count, 2);
        ck_assert_int_eq(pread(fd_list_borrow(&sharing.received, 1), text, 5, 0), 5);
        ck_assert_str_eq(text, "nnnnn");
        /* And it is kept still. */
        scene_taken(1, connections);
        ck_assert_uint_eq(inner.daemon->kept.count, 2);
        scene_gone(1, connections);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        close(note);
        close(peer);
}
END_TEST

START_TEST(a_session_that_is_two_workers_ends_with_both)
{
        Iod__Connections *connections;

        scene_join(0, 10, NULL);
        service_join(&sharing.clients[0], 2, "web", "", 10, 10, NULL);
        scene_expect(0, IOD__FRAME__BODY_JOINED);
        scene_dial_many(6);
        ck_assert_uint_eq(scene_connections(0, &connections), 3);
        scene_join(1, 20, NULL);
        scene_close(0);
        ck_assert_uint_eq(scene_serve(1), 6);
}
END_TEST

START_TEST(one_of_a_sessions_two_workers_leaves_and_the_other_serves_on)
{
        Iod__Connections *connections;

        scene_join(0, 10, NULL);
        scene_dial_many(2);
        ck_assert_uint_eq(scene_connections(0, &connections), 2);
        service_join(&sharing.clients[0], 2, "web", "", 10, 10, NULL);
        scene_expect(0, IOD__FRAME__BODY_JOINED);
        service_leave(&sharing.clients[0], 3, 1);
        scene_expect(0, IOD__FRAME__BODY_DONE);
        ck_assert_uint_eq(scene_connections(0, &connections), 2);
        ck_assert_uint_eq(connections->endpoint, 2);
        scene_gone(0, connections);
}
END_TEST

START_TEST(with_the_limit_of_holds_reached_connections_wait_until_there_is_room)
{
        Iod__Connections *connections;
        uint64_t kept;

        policy_rule_set_limit(sharing.rule, POLICY_HOLDS, 1);
        policy_set_default_limit(sharing.config->policy, POLICY_HOLDS, 1);
        join_as(0, 1, true, 10);
        scene_dial_many(3);
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        kept = connections->connection[0]->id;
        scene_taken(0, connections);
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        service_gone(&sharing.clients[0], &kept, 1);
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        scene_gone(0, connections);
        ck_assert_uint_eq(scene_serve(0), 1);
}
END_TEST

START_TEST(room_that_another_gave_back_is_found_after_a_moment)
{
        QuotaUser *user;

        join_as(0, 1, true, 10);
        user = TAILQ_FIRST(&inner.daemon->sessions.list)->user;
        user->used[QUOTA_HOLDS] = user->limits[QUOTA_HOLDS];
        scene_dial_many(1);
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        user->used[QUOTA_HOLDS] = 0;
        ck_assert(WAIT_UNTIL(scene_serve(0) == 1, DEADLINE_MS));
}
END_TEST

/* ---- what is left ---- */

/* Connections in every way they can end: served, left, died with (taken, kept, neither). A machine
 * that is busy with others makes the daemon take another turn for some. */
static void run_cycle(int n)
{
        Iod__Connections *connections;
        size_t count = 0;
        uint64_t id;

        join_as(0, 1, n % 2 == 0, 40);
        scene_dial_many(4);
        ck_assert(WAIT_UNTIL((count = scene_connections(0, &connections)) > 0, DEADLINE_MS));
        ck_assert_uint_eq(count, 4);
        id = connections->connection[0]->id;
        service_taken(&sharing.clients[0], &id, 1);
        id = connections->connection[1]->id;
        service_gone(&sharing.clients[0], &id, 1);
        scene_dial_many(2);
        inner_server_settle();
        if (n % 3 == 0) {
                service_leave(&sharing.clients[0], 4, 1);
                scene_await(0, IOD__FRAME__BODY_DONE);
        }
        scene_close(0);
        join_as(1, 1, false, 40);
        ck_assert(WAIT_UNTIL((scene_serve(1), scene_listener()->group.queued_count == 0),
                             DEADLINE_MS));
        scene_close(1);
        ck_assert(WAIT_UNTIL((inner_server_settle(), inner.daemon->kept.count == 0), DEADLINE_MS));
        scene_hang_up();
        /* Else its thread, which may be late, leaves no place for the next one's. */
        inner_server_await_closer();
}

START_TEST(after_thousands_in_every_way_nothing_is_left)
{
        size_t before;

        scene_join(2, 0, NULL);
        run_cycle(0);
        before = scene_count_descriptors();
        for (int n = 1; n < 500; n++)
                run_cycle(n);
        ck_assert_uint_eq(scene_count_descriptors(), before);
        ck_assert_uint_eq(TAILQ_FIRST(&inner.daemon->sessions.list)->user->used[QUOTA_HOLDS], 0);
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 0);
}
END_TEST

TEST_SUITE(test_balancer)
{
        TCase *turns = tcase_create("turns"), *ends = tcase_create("ends");

        tcase_add_checked_fixture(turns, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_add_checked_fixture(ends, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(turns, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(ends, TEST_TIMEOUT_SECONDS);
        tcase_add_test(turns, without_credit_nothing_is_accepted_and_with_it_what_waited_comes);
        tcase_add_test(turns, an_offer_that_is_wrong_in_part_gives_no_credit);
        tcase_add_test(turns, four_workers_take_exact_turns);
        tcase_add_test(turns, weights_are_kept_exactly_and_turns_are_spread);
        tcase_add_test(turns, the_least_loaded_is_given_the_next_and_what_is_gone_counts_no_more);
        tcase_add_test(turns, a_worker_that_does_not_read_keeps_no_more_than_one_packet_waiting);
        tcase_add_test(turns, what_no_worker_can_be_sent_at_once_stays_in_the_backlog);
        tcase_add_test(turns, who_has_readiness_unread_is_waited_for);
        tcase_add_test(turns, who_was_not_ready_makes_up_for_its_turns);
        tcase_add_test(turns, nor_for_more_than_one_packet_of_them);
        tcase_add_test(turns, however_many_workers_all_that_comes_is_served_by_all);
        tcase_add_test(turns, those_that_are_not_ready_keep_nobody_from_one_that_is);
        tcase_add_test(turns, those_that_rest_take_nothing_until_they_are_tried_again);
        tcase_add_test(ends, when_a_worker_leaves_what_it_had_not_taken_goes_to_another);
        tcase_add_test(ends, those_who_waited_longest_are_served_first);
        tcase_add_test(ends, when_a_worker_dies_what_was_taken_and_not_kept_is_closed);
        tcase_add_test(ends, what_is_kept_on_death_goes_on_with_its_note);
        tcase_add_test(ends, a_session_that_is_two_workers_ends_with_both);
        tcase_add_test(ends, one_of_a_sessions_two_workers_leaves_and_the_other_serves_on);
        tcase_add_test(ends, with_the_limit_of_holds_reached_connections_wait_until_there_is_room);
        tcase_add_test(ends, room_that_another_gave_back_is_found_after_a_moment);
        tcase_add_test(ends, after_thousands_in_every_way_nothing_is_left);
        suite_add_tcase(suite, turns);
        suite_add_tcase(suite, ends);
}
