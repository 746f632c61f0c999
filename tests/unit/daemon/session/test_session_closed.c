/*
 * daemon/session_closed: what a client sent before it closed counts, whatever the daemon had to
 * send to it by then. Each client here is a worker that has its connections kept on death, says
 * that they are gone and closes: nobody else may be given them.
 */
#include "daemon/session/session_closed.h"

#include "core/clock.h"
#include "tests/support/sharing_scene.h"

#include <sys/wait.h>
#include <unistd.h>

enum { IN_HAND = 3 };

static int peers[IN_HAND];
static uint64_t ids[IN_HAND];

static void join(RawClient *client, uint32_t slots)
{
        Iod__Join join = IOD__JOIN__INIT;

        join.name = (char *)"web";
        join.address = (char *)"tcp:127.0.0.1:0";
        join.keep_on_death = true;
        service_join_as(client, SCENE_JOIN, &join, 0, slots);
}

/* Client 0 with three connections in hand, taken and kept, and room for one more. */
static Session *take_three(void)
{
        Session *session = scene_open(0);
        Iod__Connections *connections;

        join(&sharing.clients[0], IN_HAND + 1);
        scene_expect(0, IOD__FRAME__BODY_JOINED);
        for (int i = 0; i < IN_HAND; i++) {
                peers[i] = scene_dial();
                ck_assert_uint_eq(scene_connections(0, &connections), 1);
                ids[i] = connections->connection[0]->id;
                scene_taken(0, connections);
        }
        ck_assert_ptr_null(scene_next(0)); /* it has read everything */
        ck_assert_uint_eq(inner.daemon->kept.count, IN_HAND);
        return session;
}

/* One packet for each, so that no single one that is read yet does for all. */
static void say_gone_and_close(void)
{
        for (int i = 0; i < IN_HAND; i++)
                service_gone(&sharing.clients[0], &ids[i], 1);
        raw_client_close(&sharing.clients[0]);
}

static void hang_up(void)
{
        for (int i = 0; i < IN_HAND; i++)
                close(peers[i]);
}

static void expect_nothing_given_again(void)
{
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        ck_assert_uint_eq(scene_listener()->group.passed_again, 0);
        ck_assert_uint_eq(scene_listener()->group.queued_count, 0);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        hang_up();
}

START_TEST(it_counts_though_there_was_readiness_to_tell)
{
        take_three();
        put_byte(peers[0]); /* first, so it is told first */
        say_gone_and_close();
        expect_nothing_given_again();
}
END_TEST

START_TEST(it_counts_though_there_was_a_request_to_answer)
{
        take_three();
        raw_client_request(&sharing.clients[0], 5, RAW_GET_STATUS);
        say_gone_and_close();
        expect_nothing_given_again();
}
END_TEST

/* Readiness is told and told again, until the client's socket is full. */
static void let_nothing_more_be_sent(const Session *session)
{
        int reader, writer = inner_server_add_pipe(&sharing.clients[0], 10, 1, &reader);

        for (int round = 0; !notifier_is_waiting(&session->notifier); round++) {
                ck_assert_int_lt(round, 10000);
                put_byte(writer);
                inner_server_settle();
                drain(reader);
        }
        close(reader);
        close(writer);
}

START_TEST(it_counts_though_frames_were_kept_for_it_and_much_was_unread)
{
        const Session *session = take_three();

        let_nothing_more_be_sent(session);
        raw_client_request(&sharing.clients[0], 5, RAW_GET_STATUS);
        say_gone_and_close();
        expect_nothing_given_again();
}
END_TEST

START_TEST(it_counts_though_a_single_frame_was_unread)
{
        take_three();
        raw_client_request(&sharing.clients[0], 5, RAW_GET_STATUS);
        inner_server_settle();
        say_gone_and_close();
        expect_nothing_given_again();
}
END_TEST

START_TEST(it_counts_though_a_connection_was_to_be_passed_which_another_is_given)
{
        Iod__Connections *connections;
        int another;

        take_three();
        another = scene_dial(); /* first, so it is accepted for the one that has gone */
        say_gone_and_close();
        inner_server_turn();
        ck_assert_uint_eq(inner.daemon->sessions.count, 1); /* there is more to be read */
        ck_assert_uint_eq(scene_listener()->group.queued_count, 1);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        ck_assert_uint_eq(scene_listener()->group.queued_count, 1);

        scene_join(1, 8, NULL);
        ck_assert_uint_eq(scene_connections(1, &connections), 1);
        ck_assert(!connections->connection[0]->again);
        scene_gone(1, connections);
        close(another);
        hang_up();
}
END_TEST

/* ---- the end of its process ---- */

/* Frames as the worker's process waits for them; no check in it. */
static void expect(RawClient *client, Iod__Frame__BodyCase body, FdList *fds)
{
        const Iod__Frame *frame = service_receive(client, fds);

        if (!frame || frame->body_case != body)
                _exit(1);
}

/* A process that takes a connection, says so, and that it is gone, and ends. */
static _Noreturn void be_worker(RawClient *client, int borrow_go)
{
        const uint64_t id = io_id_make(0, 1);
        FdList fds;
        char go;

        raw_client_connect(client, inner.options.socket_path);
        raw_client_hello(client, 1, "worker");
        expect(client, IOD__FRAME__BODY_WELCOME, &fds);
        join(client, 1);
        expect(client, IOD__FRAME__BODY_JOINED, &fds);
        expect(client, IOD__FRAME__BODY_CONNECTIONS, &fds);
        service_taken(client, &id, 1);
        if (read(borrow_go, &go, 1) != 1)
                _exit(1);
        for (int i = 0; i < 5; i++)
                raw_client_request(client, 5, RAW_GET_STATUS);
        service_gone(client, &id, 1);
        _exit(0);
}

static bool turn_until(bool (*condition)(void))
{
        uint64_t deadline = clock_now_ms() + DEADLINE_MS;

        while (!condition() && clock_now_ms() < deadline)
                inner_server_settle();
        return condition();
}

static bool has_listener(void)
{
        return !TAILQ_EMPTY(&inner.daemon->listeners.list);
}

static bool is_taken(void)
{
        const Worker *worker = TAILQ_FIRST(&scene_listener()->group.workers);

        return worker && worker->passed == 1 && worker->not_taken == 0;
}

static bool has_no_session(void)
{
        return inner.daemon->sessions.count == 0;
}

START_TEST(it_counts_though_its_process_has_ended)
{
        int go[2], status, peer;
        pid_t pid;

        ck_assert_int_eq(pipe(go), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                be_worker(&sharing.clients[0], go[0]);
        ck_assert(turn_until(has_listener));
        peer = scene_dial();
        ck_assert(turn_until(is_taken));
        put_byte(go[1]);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        ck_assert(turn_until(has_no_session));
        ck_assert_uint_eq(scene_listener()->group.passed_again, 0);
        ck_assert_uint_eq(scene_listener()->group.queued_count, 0);
        close(peer);
        close(go[0]);
        close(go[1]);
}
END_TEST

/* ---- what does not go on ---- */

START_TEST(who_only_ends_its_reading_is_read_to_the_end_and_no_further)
{
        const char byte = 0;

        take_three();
        put_byte(peers[1]); /* first, so it is told first */
        service_gone(&sharing.clients[0], &ids[0], 1);
        ck_assert_int_eq(shutdown(sharing.clients[0].socket_fd, SHUT_RD), 0);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        ck_assert_int_lt(send(sharing.clients[0].socket_fd, &byte, 1, MSG_NOSIGNAL), 0);
        /* What it had not said to be gone goes to others, as ever. */
        ck_assert_uint_eq(scene_listener()->group.passed_again, IN_HAND - 1);
        ck_assert_uint_eq(scene_listener()->group.queued_count, IN_HAND - 1);
        hang_up();
}
END_TEST

TEST_SUITE(test_session_closed)
{
        TCase *tests = tcase_create("tests");

        tcase_add_checked_fixture(tests, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(tests, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tests, it_counts_though_there_was_readiness_to_tell);
        tcase_add_test(tests, it_counts_though_there_was_a_request_to_answer);
        tcase_add_test(tests, it_counts_though_frames_were_kept_for_it_and_much_was_unread);
        tcase_add_test(tests, it_counts_though_a_single_frame_was_unread);
        tcase_add_test(tests,
                       it_counts_though_a_connection_was_to_be_passed_which_another_is_given);
        tcase_add_test(tests, it_counts_though_its_process_has_ended);
        tcase_add_test(tests, who_only_ends_its_reading_is_read_to_the_end_and_no_further);
        suite_add_tcase(suite, tests);
}
