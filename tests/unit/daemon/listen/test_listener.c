/*
 * daemon/listener: when it accepts and when it leaves that to the kernel, whose first bytes it
 * waits for and how long, and its end in every state of its connections.
 */
#include "daemon/listen/accepting.h"
#include "daemon/listen/listener.h"

#include "daemon/listen/socket_open.h"

#include "tests/support/refused_sends.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const Iod__ListenerOptions *when_readable(void)
{
        static Iod__ListenerOptions options;

        options = (Iod__ListenerOptions)IOD__LISTENER_OPTIONS__INIT;
        options.when_readable = true;
        return &options;
}

/* ---- accepting ---- */

START_TEST(a_paused_listener_leaves_them_to_the_kernel_until_it_goes_on)
{
        scene_join(0, 8, NULL);
        listener_set_paused(scene_listener(), true);
        scene_join(1, 8, NULL);
        scene_dial_many(4);
        ck_assert_uint_eq(scene_serve(0) + scene_serve(1), 0);
        ck_assert_uint_eq(scene_listener()->accepted, 0);
        listener_set_paused(scene_listener(), false);
        inner_server_settle();
        ck_assert_uint_eq(scene_serve(0), 2);
        ck_assert_uint_eq(scene_serve(1), 2);
}
END_TEST

START_TEST(without_descriptors_accepting_rests_and_goes_on)
{
        int next;

        scene_join(0, 8, NULL);
        scene_dial_many(2);
        next = dup(0);
        close(next);
        if (!limit_descriptors(next))
                SKIP_TEST("descriptors cannot be limited here");
        inner_server_settle();
        ck_assert(scene_listener()->resting);
        ck_assert(!event_pending(&scene_listener()->acceptable->event, EV_READ, NULL));
        ck_assert_uint_eq(scene_listener()->accepted, 0);
        unlimit_descriptors();
        ck_assert(WAIT_UNTIL(scene_serve(0) == 2, DEADLINE_MS));
        ck_assert(!scene_listener()->resting);
}
END_TEST

START_TEST(what_it_keeps_leaves_as_much_for_others_and_it_goes_on)
{
        Iod__Connections *connections;

        scene_join(0, 20, NULL);
        inner.daemon->kept.max = 6;
        scene_dial_many(5);
        ck_assert_uint_eq(scene_connections(0, &connections), 3);
        ck_assert_uint_eq(scene_listener()->accepted, 3);
        ck_assert_uint_eq(inner.daemon->kept.count, 3);
        scene_taken(0, connections);
        ck_assert_uint_eq(scene_connections(0, &connections), 2);
        scene_taken(0, connections);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}
END_TEST

START_TEST(room_that_a_hold_gave_back_is_found_after_a_moment)
{
        scene_join(0, 20, NULL);
        inner.daemon->kept.max = 3;
        inner.daemon->holds.descriptors = 3;
        listener_update(scene_listener());
        scene_dial_many(2);
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        inner.daemon->holds.descriptors = 0;
        ck_assert(WAIT_UNTIL(scene_serve(0) == 2, DEADLINE_MS));
}
END_TEST

START_TEST(a_listener_without_want_never_looks_again)
{
        scene_join(0, 2, NULL);
        ck_assert(!evtimer_pending(&scene_listener()->look_again->event, NULL));
        scene_dial_many(3);
        ck_assert_uint_eq(scene_connections(0, NULL), 2);
        ck_assert(!evtimer_pending(&scene_listener()->look_again->event, NULL));
}
END_TEST

/* ---- first bytes ---- */

/* A listener that waits for them itself from the beginning, not the kernel. */
static Session *join_for_first_bytes(uint32_t slots)
{
        Session *session = scene_join(0, slots, when_readable());
        int zero = 0;

        ck_assert_int_eq(setsockopt(scene_listener()->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &zero,
                                    sizeof(zero)),
                         0);
        return session;
}

START_TEST(the_kernel_waits_for_first_bytes_for_a_second)
{
        int silent, speaking;

        scene_join(0, 8, when_readable());
        silent = scene_dial();
        speaking = scene_dial();
        ck_assert_int_eq(write(speaking, "hi", 2), 2);
        ck_assert_uint_eq(scene_serve(0), 1);
        ck_assert_uint_eq(scene_listener()->accepted, 1);
        ck_assert(WAIT_UNTIL(({
                                     inner_server_settle();
                                     scene_listener()->group.silent_count == 1;
                             }),
                             DEADLINE_MS));
        close(silent);
        close(speaking);
}
END_TEST

START_TEST(a_connection_is_passed_once_its_first_bytes_are_there)
{
        char bytes[3] = "";
        int silent, speaking;

        join_for_first_bytes(8);
        silent = scene_dial();
        speaking = scene_dial();
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        ck_assert_uint_eq(scene_listener()->group.silent_count, 2);
        ck_assert_int_eq(write(speaking, "hi", 2), 2);
        ck_assert_uint_eq(scene_connections(0, NULL), 1);
        ck_assert_int_eq(read(fd_list_borrow(&sharing.received, 0), bytes, 2), 2);
        ck_assert_str_eq(bytes, "hi");
        ck_assert_uint_eq(scene_listener()->group.silent_count, 1);
        close(silent);
        close(speaking);
}
END_TEST

START_TEST(bytes_that_are_there_already_are_not_waited_for)
{
        int peer;

        scene_join(0, 0, when_readable());
        peer = scene_dial();
        ck_assert_int_eq(write(peer, "x", 1), 1);
        service_offer(&sharing.clients[0], 0, 1, 0, 1);
        ck_assert_uint_eq(scene_connections(0, NULL), 1);
        close(peer);
}
END_TEST

START_TEST(the_silent_are_closed_when_their_time_is_over)
{
        int peer;
        char byte;

        join_for_first_bytes(8);
        peer = scene_dial();
        inner_server_settle();
        event_active(&TAILQ_FIRST(&scene_listener()->group.silent)->first_bytes->event, EV_TIMEOUT,
                     1);
        inner_server_settle();
        ck_assert_uint_eq(scene_listener()->group.timed_out, 1);
        ck_assert_uint_eq(scene_listener()->group.silent_count, 0);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        ck_assert(wait_readable(peer, DEADLINE_MS));
        ck_assert_int_eq(recv(peer, &byte, 1, MSG_DONTWAIT), 0);
        close(peer);
}
END_TEST

START_TEST(the_silent_have_as_long_as_was_asked_for)
{
        Iod__ListenerOptions options = *when_readable();

        options.silent_ms = 20;
        scene_join(0, 8, &options);
        scene_dial_many(1);
        inner_server_settle();
        ck_assert(WAIT_UNTIL(({
                                     inner_server_settle();
                                     scene_listener()->group.timed_out == 1;
                             }),
                             DEADLINE_MS));
}
END_TEST

START_TEST(who_goes_without_a_word_was_never_there)
{
        int peers[2];

        join_for_first_bytes(8);
        for (int i = 0; i < 2; i++)
                peers[i] = scene_dial();
        inner_server_settle();
        close(peers[0]);
        setsockopt(peers[1], SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                   sizeof(struct linger));
        close(peers[1]);
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        ck_assert_uint_eq(scene_listener()->group.silent_count, 0);
        ck_assert_uint_eq(scene_listener()->group.timed_out, 0);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}
END_TEST

START_TEST(the_silent_use_credit_and_no_more_are_accepted_than_there_is)
{
        int peers[3];

        join_for_first_bytes(2);
        for (int i = 0; i < 3; i++)
                peers[i] = scene_dial();
        inner_server_settle();
        ck_assert_uint_eq(scene_listener()->accepted, 2);
        close(peers[0]);
        inner_server_settle();
        ck_assert_uint_eq(scene_listener()->accepted, 3);
        close(peers[1]);
        close(peers[2]);
}
END_TEST

/* ---- its end ---- */

START_TEST(it_closes_some_time_after_its_last_worker_left)
{
        Iod__ListenerOptions options = IOD__LISTENER_OPTIONS__INIT;
        Listener *listener;
        struct timeval now, end;

        options.keep_seconds = 7;
        scene_join(0, 1, &options);
        scene_join(1, 1, NULL);
        listener = scene_listener();
        scene_close(0);
        ck_assert(!evtimer_pending(&listener->expires->event, NULL));
        service_leave(&sharing.clients[1], 2, 1);
        scene_expect(1, IOD__FRAME__BODY_DONE);
        event_base_gettimeofday_cached(inner.daemon->loop.base, &now);
        ck_assert(evtimer_pending(&listener->expires->event, &end));
        ck_assert_int_ge(end.tv_sec - now.tv_sec, 6);
        ck_assert_int_le(end.tv_sec - now.tv_sec, 7);
        /* Until somebody comes back. */
        scene_join(2, 1, NULL);
        ck_assert(!evtimer_pending(&listener->expires->event, NULL));
        scene_close(2);
        event_active(&listener->expires->event, EV_TIMEOUT, 1);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->listeners.count, 0);
        ck_assert_uint_eq(TAILQ_FIRST(&inner.daemon->sessions.list)->user->used[QUOTA_LISTENERS],
                          0);
}
END_TEST

START_TEST(it_stays_while_there_is_a_taker)
{
        scene_open(0);
        SCENE_SEND(0, 1, TAKE_LISTENER, take_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__take_listener__descriptor),
                    .name = (char *)"web",
                    .address = (char *)"tcp:127.0.0.1:0"});
        scene_expect(0, IOD__FRAME__BODY_OPENED);
        ck_assert(!evtimer_pending(&scene_listener()->expires->event, NULL));
        scene_close(0);
        ck_assert(evtimer_pending(&scene_listener()->expires->event, NULL));
}
END_TEST

START_TEST(a_configured_one_stays_without_anybody)
{
        scene_join(0, 1, NULL);
        scene_listener()->configured = true;
        scene_close(0);
        ck_assert(!evtimer_pending(&scene_listener()->expires->event, NULL));
}
END_TEST

START_TEST(a_configured_one_is_found_before_a_clients_of_its_name)
{
        ListenerConfig config = {.name = "web", .shared = true};
        Listener *configured;

        scene_join(0, 1, NULL);
        ck_assert_int_eq(address_parse("tcp:127.0.0.1:0", &config.address), 0);
        ck_assert_int_eq(listener_open(&configured, &inner.daemon->listeners, &config, NULL), 0);
        ck_assert_ptr_eq(listener_find_configured(&inner.daemon->listeners, "web"), configured);
        ck_assert_ptr_eq(listener_find(&inner.daemon->listeners, getuid(), "web"), configured);
        ck_assert_ptr_null(listener_find(&inner.daemon->listeners, getuid(), "we"));
}
END_TEST

START_TEST(one_that_is_back_has_its_place_among_the_others)
{
        ListenerConfig config = {.name = "first", .shared = true};
        ListenerRestored restored = {.number = 1};
        Listener *listener;
        SocketFile file;
        Address bound;

        ck_assert_int_eq(address_parse("tcp:127.0.0.1:0", &config.address), 0);
        inner.daemon->listeners.total = 5;
        ck_assert_int_eq(listener_open(&listener, &inner.daemon->listeners, &config, NULL), 0);
        restored.take_fd = socket_open_listener(&config, &bound, &file);
        ck_assert_int_ge(restored.take_fd, 0);
        ck_assert_int_eq(listener_restore(&listener, &inner.daemon->listeners, &config, &restored),
                         0);
        ck_assert_ptr_eq(listener_after(&inner.daemon->listeners, 0), listener);
        ck_assert_uint_eq(listener_after(&inner.daemon->listeners, 1)->group.number, 6);
        ck_assert_uint_eq(inner.daemon->listeners.total, 6);
}
END_TEST

START_TEST(it_ends_with_connections_in_every_state)
{
        Iod__Connections *connections;
        Session *session = join_for_first_bytes(5), *other;
        int peers[5];
        uint64_t id;

        /* Taken, passed, assigned, queued and silent. */
        for (int i = 0; i < 5; i++)
                peers[i] = scene_dial();
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(write(peers[i], "x", 1), 1);
        ck_assert_uint_eq(scene_connections(0, &connections), 2);
        id = connections->connection[0]->id;
        service_taken(&sharing.clients[0], &id, 1);
        other = scene_join(1, 1, when_readable());
        refused_sends = INT_MAX;
        ck_assert_int_eq(write(peers[2], "x", 1), 1);
        inner_server_settle();
        ck_assert_uint_eq(TAILQ_FIRST(&other->workers)->assigned_count, 1);
        ck_assert_int_eq(write(peers[3], "x", 1), 1);
        inner_server_settle();
        ck_assert_uint_eq(scene_listener()->group.queued_count, 1);
        ck_assert_uint_eq(scene_listener()->group.silent_count, 1);

        listener_free(scene_listener());
        ck_assert(TAILQ_EMPTY(&session->workers));
        ck_assert(TAILQ_EMPTY(&other->workers));
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        /* The worker keeps what it has. */
        ck_assert_uint_eq(session->registrations.count, 2);
        service_gone(&sharing.clients[0], &id, 1);
        service_offer(&sharing.clients[0], 3, 1, 9, 1);
        scene_expect_refused(0, 3, ENOENT);
        refused_sends = 0;
        for (int i = 0; i < 5; i++)
                close(peers[i]);
}
END_TEST

/* Joins or opens the listener "other", which the policy lets nobody keep connections of. */
static void join_other(int i, bool keep_on_death)
{
        Iod__Join join = IOD__JOIN__INIT;

        join.name = (char *)"other";
        join.address = (char *)"tcp:127.0.0.1:0";
        join.keep_on_death = keep_on_death;
        service_join_as(&sharing.clients[i], SCENE_JOIN, &join, 0, 1);
}

/* Joins "web" again, offering one id. */
static void join_web_with(int i, uint64_t source)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Join join = IOD__JOIN__INIT;

        join.name = (char *)"web";
        join.n_source = 1;
        join.source = &source;
        frame.sequence = SCENE_JOIN;
        frame.body_case = IOD__FRAME__BODY_JOIN;
        frame.join = &join;
        service_send(&sharing.clients[i], &frame, NULL, 0);
}

START_TEST(a_refused_join_in_the_turn_in_which_the_last_worker_leaves_closes_nothing)
{
        scene_open(0);
        scene_open(1);
        join_other(0, false);
        scene_expect(0, IOD__FRAME__BODY_JOINED);
        service_leave(&sharing.clients[0], 2, 1);
        join_other(1, true);
        scene_expect_refused(1, SCENE_JOIN, EACCES);
        ck_assert_uint_eq(inner.daemon->listeners.count, 1);
}
END_TEST

START_TEST(it_is_kept_from_the_end_of_a_worker_that_had_left)
{
        struct timeval from_leaving, from_end;
        Iod__Connections *connections;
        const Listener *listener;
        uint64_t left_ms;

        scene_join(0, 1, NULL);
        listener = scene_listener();
        scene_dial_many(1);
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        scene_taken(0, connections);
        inner_server_settle();
        service_leave(&sharing.clients[0], 2, 1);
        inner_server_settle();
        ck_assert(evtimer_pending(&listener->expires->event, &from_leaving));
        left_ms = clock_now_ms();
        while (clock_now_ms() < left_ms + 20) /* the loop's clock has to have gone on */
                inner_server_settle();
        scene_close(0);
        ck_assert(evtimer_pending(&listener->expires->event, &from_end));
        ck_assert(evutil_timercmp(&from_end, &from_leaving, >));
}
END_TEST

/* Its connection's slot is used anew while those of its session who wait are told. */
START_TEST(a_worker_that_has_left_may_go_while_others_are_told_that_the_client_has_read)
{
        Session *session = scene_join(0, 2, NULL);
        Iod__Connections *connections;
        uint64_t source;
        IoId id;

        scene_dial_many(1);
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        id = io_id_unpack(connections->connection[0]->id);
        scene_taken(0, connections);
        inner_server_settle();
        source = io_id_pack(io_id_make(io_id_slot(id), io_id_generation(id) + 1), SERVICE_INTEREST);
        join_web_with(0, source);
        inner_server_settle(); /* the answer lies unread: nobody is ready */
        scene_dial_many(1);
        inner_server_settle();
        service_leave(&sharing.clients[0], 12, 1);
        inner_server_settle();
        while (scene_next(0))
                ;
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        ck_assert_ptr_eq(TAILQ_FIRST(&inner.daemon->sessions.list), session);
        /* Its first worker is gone, and the other has the connection. */
        ck_assert_ptr_null(TAILQ_NEXT(TAILQ_FIRST(&session->workers), session_link));
}
END_TEST

TEST_SUITE(test_listener)
{
        TCase *accepting = tcase_create("accepting"), *bytes = tcase_create("first bytes"),
              *end = tcase_create("end");

        tcase_add_checked_fixture(accepting, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_add_checked_fixture(bytes, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_add_checked_fixture(end, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(accepting, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(bytes, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(end, TEST_TIMEOUT_SECONDS);
        tcase_add_test(accepting, a_paused_listener_leaves_them_to_the_kernel_until_it_goes_on);
        tcase_add_test(accepting, without_descriptors_accepting_rests_and_goes_on);
        tcase_add_test(accepting, what_it_keeps_leaves_as_much_for_others_and_it_goes_on);
        tcase_add_test(accepting, room_that_a_hold_gave_back_is_found_after_a_moment);
        tcase_add_test(accepting, a_listener_without_want_never_looks_again);
        tcase_add_test(bytes, the_kernel_waits_for_first_bytes_for_a_second);
        tcase_add_test(bytes, a_connection_is_passed_once_its_first_bytes_are_there);
        tcase_add_test(bytes, bytes_that_are_there_already_are_not_waited_for);
        tcase_add_test(bytes, the_silent_are_closed_when_their_time_is_over);
        tcase_add_test(bytes, the_silent_have_as_long_as_was_asked_for);
        tcase_add_test(bytes, who_goes_without_a_word_was_never_there);
        tcase_add_test(bytes, the_silent_use_credit_and_no_more_are_accepted_than_there_is);
        tcase_add_test(end, it_closes_some_time_after_its_last_worker_left);
        tcase_add_test(end, it_is_kept_from_the_end_of_a_worker_that_had_left);
        tcase_add_test(end,
                       a_refused_join_in_the_turn_in_which_the_last_worker_leaves_closes_nothing);
        tcase_add_test(
                end, a_worker_that_has_left_may_go_while_others_are_told_that_the_client_has_read);
        tcase_add_test(end, it_stays_while_there_is_a_taker);
        tcase_add_test(end, a_configured_one_stays_without_anybody);
        tcase_add_test(end, a_configured_one_is_found_before_a_clients_of_its_name);
        tcase_add_test(end, one_that_is_back_has_its_place_among_the_others);
        tcase_add_test(end, it_ends_with_connections_in_every_state);
        suite_add_tcase(suite, accepting);
        suite_add_tcase(suite, bytes);
        suite_add_tcase(suite, end);
}
