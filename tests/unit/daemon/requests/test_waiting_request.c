/*
 * daemon/waiting_request: a request for a listener at a path is answered when that is open, or
 * cannot be; and where its file system does not answer nobody waits but who asked.
 */
#include "daemon/requests/waiting_request.h"

#include "daemon/requests/late_request.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char address[ADDRESS_TEXT_MAX];

static const char *path(void)
{
        return address + strlen("unix:");
}

static void set_up(void)
{
        sharing_scene_set_up();
        scene_open(0);
        scene_open(1);
        snprintf(address, sizeof(address), "unix:%s/listener", inner.directory);
}

static void join(int i, uint32_t sequence, const char *name, const char *where)
{
        service_join(&sharing.clients[i], sequence, name, where, 0, 1, NULL);
}

static void take(int i, uint32_t sequence, const char *name, const char *where)
{
        SCENE_SEND(i, sequence, TAKE_LISTENER, take_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__take_listener__descriptor),
                    .name = (char *)name,
                    .address = (char *)where});
}

static void cancel(int i, uint32_t request)
{
        SCENE_SEND(i, 0, CANCEL, cancel,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__cancel__descriptor), .request = request});
}

static const QuotaUser *user(void)
{
        return TAILQ_FIRST(&inner.daemon->sessions.list)->user;
}

static void expect_nothing_waits(void)
{
        ck_assert_uint_eq(inner.daemon->sessions.late_bytes.used, 0);
        ck_assert_uint_eq(user()->late_bytes, 0);
        ck_assert_uint_eq(TAILQ_FIRST(&inner.daemon->sessions.list)->n_late_requests, 0);
}

/* ---- A file system that does not answer, as far as the daemon can tell ---- */

enum { BUSY_THREADS = BLOCKING_THREADS_MAX / 2 /* one user's share */ };

static BlockingTask busy[BUSY_THREADS];
static sem_t go_on;

static void wait_to_go_on(BlockingTask *task)
{
        (void)task;
        while (sem_wait(&go_on) < 0) {
        }
}

static void forget_task(BlockingTask *task, int error)
{
        (void)task;
        ck_assert_int_eq(error, 0);
}

static void hang_paths(void)
{
        inner.paths_hang = true;
        ck_assert_int_eq(sem_init(&go_on, 0, 0), 0);
        for (size_t i = 0; i < BUSY_THREADS; i++) {
                busy[i] = (BlockingTask){.run = wait_to_go_on, .done = forget_task};
                ck_assert_int_eq(blocking_pool_spawn(inner.daemon->blocking, geteuid(), &busy[i]),
                                 0);
        }
}

static void let_paths_go_on(void)
{
        inner.paths_hang = false;
        for (size_t i = 0; i < BUSY_THREADS; i++)
                sem_post(&go_on);
        inner_server_settle();
}

/* ---- */

START_TEST(a_listener_at_a_path_is_joined_and_taken)
{
        const Iod__Frame *frame;

        join(0, 5, "web", address);
        frame = scene_expect(0, IOD__FRAME__BODY_JOINED);
        ck_assert_uint_eq(frame->sequence, 5);
        ck_assert_str_eq(frame->joined->address, address);
        close(scene_dial());
        ck_assert_uint_eq(scene_serve(0), 1);

        strcat(address, "2");
        take(1, 6, "taken", address);
        frame = scene_expect(1, IOD__FRAME__BODY_OPENED);
        ck_assert_uint_eq(frame->sequence, 6);
        ck_assert_str_eq(frame->opened->address, address);
        ck_assert_uint_eq(sharing.received.count, 1);
        ck_assert_uint_eq(user()->used[QUOTA_LISTENERS], 2);
        expect_nothing_waits();
}
END_TEST

START_TEST(one_that_cannot_be_opened_is_refused_and_leaves_nothing)
{
        close(open(path(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        join(0, 5, "web", address);
        ck_assert_int_eq(
                strncmp(scene_expect_refused(0, 5, EEXIST), "no socket, move it away: ", 25), 0);
        take(0, 6, "taken", address);
        scene_expect_refused(0, 6, EEXIST);
        ck_assert_uint_eq(inner.daemon->listeners.count, 0);
        ck_assert_uint_eq(user()->used[QUOTA_LISTENERS], 0);
        expect_nothing_waits();
        unlink(path());
}
END_TEST

START_TEST(who_asks_for_the_name_meanwhile_gets_the_same)
{
        uint32_t answered = 0;

        for (uint32_t i = 0; i < 10; i++)
                join((int)i % 2, i + 1, "web", i % 3 ? address : "");
        for (uint32_t i = 0; i < 10; i++) {
                /* Who asks once it is open need not wait behind who did before. */
                const Iod__Frame *frame = scene_next((int)i % 2);

                ck_assert_ptr_nonnull(frame);
                answered |= 1u << frame->sequence;
                /* There was nothing yet when the first asked, without an address. */
                ck_assert_int_eq(frame->body_case, frame->sequence == 1 ? IOD__FRAME__BODY_REFUSED
                                                                        : IOD__FRAME__BODY_JOINED);
        }
        ck_assert_uint_eq(answered, 0x7fe);
        ck_assert_uint_eq(inner.daemon->listeners.count, 1);
        expect_nothing_waits();
}
END_TEST

START_TEST(where_the_first_fails_the_next_tries_itself)
{
        uint32_t answered = 0;

        close(open(path(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        for (uint32_t i = 0; i < 6; i++)
                join((int)i % 2, i + 1, "web", address);
        for (int i = 0; i < 6; i++) {
                const Iod__Frame *frame = scene_expect(i % 2, IOD__FRAME__BODY_REFUSED);

                ck_assert_int_eq(frame->refused->error, EEXIST);
                answered |= 1u << frame->sequence;
        }
        ck_assert_uint_eq(answered, 0x7e);
        ck_assert_uint_eq(inner.daemon->listeners.count, 0);
        expect_nothing_waits();
        unlink(path());
}
END_TEST

START_TEST(one_that_was_cancelled_is_kept_for_a_while)
{
        hang_paths();
        join(0, 5, "web", address);
        cancel(0, 5);
        ck_assert_str_eq(scene_expect_refused(0, 5, ECANCELED), "cancelled as asked for");
        expect_nothing_waits();
        let_paths_go_on();
        ck_assert(loop_event_is_added(scene_listener()->expires));
        join(1, 6, "web", "");
        scene_expect(1, IOD__FRAME__BODY_JOINED);
        ck_assert(!loop_event_is_added(scene_listener()->expires));
}
END_TEST

START_TEST(a_session_may_end_meanwhile)
{
        hang_paths();
        take(1, 4, "taken", address);
        join(1, 5, "other", "tcp:127.0.0.1:0");
        scene_close(1);
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        expect_nothing_waits();
        ck_assert_uint_eq(user()->used[QUOTA_LISTENERS], 2);
        let_paths_go_on();
        ck_assert_uint_eq(inner.daemon->listeners.count, 2);
}
END_TEST

START_TEST(the_daemon_may_stop_meanwhile)
{
        hang_paths();
        join(0, 5, "web", address);
        take(1, 6, "taken", address);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->listeners.count, 2);
        for (size_t i = 0; i < BUSY_THREADS; i++)
                sem_post(&go_on);
}
END_TEST

START_TEST(the_file_goes_with_the_listener)
{
        join(0, 5, "web", address);
        scene_expect(0, IOD__FRAME__BODY_JOINED);
        ck_assert_int_eq(access(path(), F_OK), 0);
        listener_free(scene_listener());
        inner_server_settle();
        ck_assert_int_eq(access(path(), F_OK), -1);
        ck_assert_uint_eq(user()->used[QUOTA_LISTENERS], 0);
        /* And the next has the place at once. */
        for (uint32_t i = 0; i < 20; i++) {
                join(0, 6 + i, "web", address);
                scene_expect(0, IOD__FRAME__BODY_JOINED);
                ck_assert_int_eq(access(path(), F_OK), 0);
                listener_free(scene_listener());
        }
        inner_server_settle();
        ck_assert_int_eq(access(path(), F_OK), -1);
}
END_TEST

/* Everything that the share of bytes lets one user have, and every request of a session. */
static void fill_up(void)
{
        Iod__Frame *frame;
        int refused = 0;

        for (uint32_t i = 0; i < LATE_REQUESTS_MAX; i++)
                join(0, 100 + i, "dead", address);
        join(0, 99, "dead", address);
        ck_assert_str_eq(scene_expect_refused(0, 99, EAGAIN),
                         "64 requests of this session wait already: try later");
        for (int client = 1; client < SCENE_CLIENTS; client++) {
                for (uint32_t i = 0; i < LATE_REQUESTS_MAX; i++) {
                        service_join(&sharing.clients[client], 100 + i, "dead", address, 0, 1024,
                                     NULL);
                        inner_server_settle();
                }
                while ((frame = scene_next(client))) {
                        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_REFUSED);
                        ck_assert_int_eq(frame->refused->error, EDQUOT);
                        refused++;
                }
        }
        ck_assert_int_gt(refused, 0);
        ck_assert_uint_gt(inner.daemon->sessions.late_bytes.used, SESSIONS_LATE_BYTES_MAX / 4);
        ck_assert_uint_le(inner.daemon->sessions.late_bytes.used,
                          SESSIONS_LATE_BYTES_MAX / 2 + FRAME_BYTES_MAX);
}

START_TEST(a_path_that_does_not_answer_holds_up_who_asked_alone)
{
        hang_paths();
        take(0, 5, "dead", address);
        ck_assert_ptr_null(scene_next(0));
        /* The same session goes on, and others do. */
        join(0, 6, "web", "tcp:127.0.0.1:0");
        scene_expect(0, IOD__FRAME__BODY_JOINED);
        join(1, 7, "web", "");
        scene_expect(1, IOD__FRAME__BODY_JOINED);
        /* Who wants the same waits for it; who wants something else of the name is told. */
        take(1, 8, "dead", "");
        ck_assert_ptr_null(scene_next(1));
        join(1, 9, "dead", "");
        scene_expect_refused(1, 9, EINVAL);
        take(1, 10, "dead", "unix:/else/where");
        scene_expect_refused(1, 10, EEXIST);
        let_paths_go_on();
        ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_OPENED)->sequence, 5);
        ck_assert_uint_eq(scene_await(1, IOD__FRAME__BODY_OPENED)->sequence, 8);
        expect_nothing_waits();
}
END_TEST

static void answer_unread(bool something_is_kept_before)
{
        hang_paths();
        join(0, 5, "web", address);
        inner_server_settle();
        scene_leave_unread(TAILQ_FIRST(&inner.daemon->sessions.list));
        if (something_is_kept_before)
                scene_ask_status(0);
        let_paths_go_on();
        if (!something_is_kept_before)
                scene_ask_status(0);
        scene_read_all(0);
        scene_expect_beside_status(0, IOD__FRAME__BODY_JOINED, 5);
        expect_nothing_waits();
}

START_TEST(a_client_that_does_not_read_is_answered_when_it_does)
{
        answer_unread(true);
}
END_TEST

START_TEST(an_answer_that_is_not_read_does_not_end_who_asks_on)
{
        answer_unread(false);
}
END_TEST

START_TEST(what_waits_is_bounded)
{
        hang_paths();
        for (int i = 2; i < SCENE_CLIENTS; i++)
                scene_open(i);
        fill_up();
        for (int i = 1; i < SCENE_CLIENTS; i++)
                scene_close(i);
        let_paths_go_on();
        for (uint32_t i = 0; i < LATE_REQUESTS_MAX; i++)
                scene_expect(0, IOD__FRAME__BODY_JOINED);
        ck_assert_uint_eq(inner.daemon->listeners.count, 1);
        expect_nothing_waits();
}
END_TEST

TEST_SUITE(test_waiting_request)
{
        TCase *paths = tcase_create("paths");

        tcase_add_checked_fixture(paths, set_up, sharing_scene_tear_down);
        tcase_set_timeout(paths, TEST_TIMEOUT_SECONDS);
        tcase_add_test(paths, a_listener_at_a_path_is_joined_and_taken);
        tcase_add_test(paths, one_that_cannot_be_opened_is_refused_and_leaves_nothing);
        tcase_add_test(paths, who_asks_for_the_name_meanwhile_gets_the_same);
        tcase_add_test(paths, where_the_first_fails_the_next_tries_itself);
        tcase_add_test(paths, one_that_was_cancelled_is_kept_for_a_while);
        tcase_add_test(paths, a_session_may_end_meanwhile);
        tcase_add_test(paths, the_daemon_may_stop_meanwhile);
        tcase_add_test(paths, the_file_goes_with_the_listener);
        tcase_add_test(paths, a_path_that_does_not_answer_holds_up_who_asked_alone);
        tcase_add_test(paths, a_client_that_does_not_read_is_answered_when_it_does);
        tcase_add_test(paths, an_answer_that_is_not_read_does_not_end_who_asks_on);
        tcase_add_test(paths, what_waits_is_bounded);
        suite_add_tcase(suite, paths);
}
