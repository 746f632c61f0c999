/*
 * Clients that behave badly over time: that die, do not read, flood, or turn the daemon's own
 * connection against it. See tests/support/hostile_scene.h for what holds at the end of every test
 * here.
 */
#include "core/cleanup.h"
#include "core/readiness.h"
#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"
#include "tests/support/hostile_scene.h"
#include "tests/support/scale.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void set_up(void)
{
        hostile_scene_set_up();
        raw_client_open(&scene.client, scene.daemon.socket_path);
}

/* ---- clients that do not read ---- */

/* Sends this packet until the daemon takes no more. Returns how many it took. */
static unsigned flood(const RawBytes *packet, const int *borrow_fds, size_t n)
{
        unsigned sent = 0;

        /* Full at last, not just now: the neighbour was served in between, and it still is. */
        for (int full = 0; full < 3; full++) {
                while (fd_message_send(scene.client.socket_fd, packet->bytes, packet->size,
                                       borrow_fds, n) >= 0) {
                        sent++;
                        full = 0;
                }
                hostile_scene_check_neighbour();
        }
        return sent;
}

static void put_request(RawBytes *frame, unsigned field)
{
        raw_put_frame(frame, 0, 7, field, NULL);
}

START_TEST(requests_whose_answers_are_not_read_wait_and_are_all_answered_at_last)
{
        enum { GROWTH_MAX_KIB = 4096 };
        static const struct {
                unsigned request;
                Iod__Frame__BodyCase answer;
        } kinds[] = {
                {RAW_GET_STATUS, IOD__FRAME__BODY_STATUS},
                {RAW_LIST_SESSIONS, IOD__FRAME__BODY_SESSIONS},
                {RAW_LIST_REGISTRATIONS, IOD__FRAME__BODY_REGISTRATIONS},
                {99, IOD__FRAME__BODY_REFUSED},
        };
        RawBytes packet = {0};
        size_t before = test_daemon_resident_kib(&scene.daemon);
        unsigned sent;

        put_request(&packet, kinds[_i].request);
        sent = flood(&packet, NULL, 0);
        ck_assert_uint_gt(sent, 0);
        ck_assert_uint_lt(test_daemon_resident_kib(&scene.daemon), before + GROWTH_MAX_KIB);
        ck_assert_uint_eq(raw_client_status(&scene.neighbour)->sessions_waiting, 1);
        while (sent-- > 0) {
                Iod__Frame *frame = raw_client_expect(&scene.client, kinds[_i].answer);

                ck_assert_uint_eq(frame->sequence, 7);
        }
        raw_client_status(&scene.client);
}
END_TEST

/* A packet of 253 sources, each of which is refused. */
static void put_storm(RawBytes *packet)
{
        uint64_t sources[FRAME_SOURCES_MAX];
        RawBytes body = {0};

        for (uint32_t i = 0; i < FRAME_SOURCES_MAX; i++)
                sources[i] = raw_source(i, 0, READINESS_READABLE);
        raw_put_packed(&body, RAW_ADD_SOURCE, sources, FRAME_SOURCES_MAX);
        raw_put_frame(packet, FRAME_SOURCES_MAX, 7, RAW_ADD_IO_SOURCE, &body);
}

START_TEST(refusals_that_are_not_read_wait_too)
{
        enum { GROWTH_MAX_KIB = 4096 };
        RawBytes packet = {0};
        CLEANUP(cleanup_close) int fd = open_eventfd();
        size_t before = test_daemon_resident_kib(&scene.daemon);
        int fds[FRAME_SOURCES_MAX];
        unsigned sent;

        for (uint32_t i = 0; i < FRAME_SOURCES_MAX; i++)
                fds[i] = fd;
        put_storm(&packet);
        sent = flood(&packet, fds, FRAME_SOURCES_MAX);
        ck_assert_uint_gt(sent, 0);
        ck_assert_uint_lt(test_daemon_resident_kib(&scene.daemon), before + GROWTH_MAX_KIB);
        while (sent-- > 0) {
                Iod__Frame *frame = raw_client_expect(&scene.client, IOD__FRAME__BODY_REFUSED);

                ck_assert_uint_eq(frame->refused->n_source, FRAME_SOURCES_MAX);
                for (uint32_t i = 0; i < FRAME_SOURCES_MAX; i++) {
                        ck_assert_uint_eq(frame->refused->source[i]->id, raw_source(i, 0, 0));
                        ck_assert_int_eq(frame->refused->source[i]->error, EINVAL);
                }
        }
        raw_client_status(&scene.client);
}
END_TEST

START_TEST(a_client_that_dies_with_frames_unread_leaves_nothing)
{
        RawBytes packet = {0};

        put_request(&packet, RAW_LIST_REGISTRATIONS);
        flood(&packet, NULL, 0);
        raw_client_close(&scene.client);
        hostile_scene_check_nothing_left();
}
END_TEST

/* ---- the client's own end of its connection ---- */

static void send_own_end(uint16_t interest)
{
        uint64_t source = raw_source(0, 1, interest);

        raw_client_add(&scene.client, 0, &source, &scene.client.socket_fd, 1);
}

START_TEST(a_client_that_registers_its_own_connection_and_dies_leaves_nothing)
{
        /* The daemon keeps no copy, so the end is closed when the client closes it. */
        send_own_end(READINESS_PRIORITY);
        ck_assert_uint_eq(raw_client_status(&scene.client)->registrations, 2);
        raw_client_close(&scene.client);
        hostile_scene_check_nothing_left();
}
END_TEST

START_TEST(a_client_that_waits_for_its_own_connection_is_told_of_what_tells_it_until_it_is_full)
{
        send_own_end(READINESS_READABLE);
        raw_client_request(&scene.client, 7, RAW_GET_STATUS);
        /* Each frame is an event and each event a frame: until this session waits to be read. */
        ck_assert(WAIT_UNTIL(raw_client_status(&scene.neighbour)->sessions_waiting == 1,
                             DEADLINE_MS));
        hostile_scene_check_neighbour();
}
END_TEST

/* Makes the daemon wait for this client to read, and then sends it the client's own end, which so
 * stays in the daemon's queue, open. Does not return. */
static void die_with_own_end_on_its_way(void)
{
        enum { MORE_ANSWERS_THAN_FIT = 8 };
        uint64_t source = raw_source(0, 1, READINESS_READABLE);
        int fds[FRAME_SOURCES_MAX];
        RawBytes storm = {0};

        /* Which is also the limit of descriptors on their way. */
        unlimit_descriptors();
        raw_client_connect(&scene.client, scene.daemon.socket_path);
        raw_client_hello(&scene.client, 1, "dying");
        put_storm(&storm);
        for (int i = 0; i < FRAME_SOURCES_MAX; i++)
                fds[i] = scene.neighbour_fd;
        for (int i = 0; i < MORE_ANSWERS_THAN_FIT; i++) {
                if (raw_client_send(&scene.client, &storm, fds, FRAME_SOURCES_MAX) < 0)
                        _exit(1);
        }
        raw_client_add(&scene.client, 0, &source, &scene.client.socket_fd, 1);
        _exit(0);
}

START_TEST(a_client_whose_own_end_is_on_its_way_when_it_dies_leaves_nothing)
{
        pid_t child;
        int status;

        /* Also when it is dead before the daemon has so much as accepted it. */
        bool at_once = _i == 1;

        raw_client_close(&scene.client);
        if (at_once)
                test_daemon_pause(&scene.daemon);
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
                die_with_own_end_on_its_way();
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
        if (at_once)
                test_daemon_resume(&scene.daemon);
        hostile_scene_check_nothing_left();
}
END_TEST

/* ---- who sends ---- */

static void say(int socket_fd, const RawBytes *packet, const int *borrow_fds, size_t n)
{
        fd_message_send(socket_fd, packet->bytes, packet->size, borrow_fds, n);
}

/* 0: a child of the client; 1: a child that is another user; 2: the client, become another user. */
START_TEST(nobody_else_may_send_on_a_session)
{
        enum { NOBODY = 65534 };
        const bool is_child = _i<2, is_other_user = _i> 0;
        uid_t uid = is_other_user ? NOBODY : getuid();
        RawBytes request = {0};
        int pid_then = getpid();

        if (is_other_user && geteuid() != 0)
                SKIP_TEST("only root can become another user");
        put_request(&request, RAW_GET_STATUS);
        if (is_child) {
                pid_t child = fork();

                ck_assert_int_ge(child, 0);
                if (child == 0) {
                        if (is_other_user && setresuid(NOBODY, NOBODY, NOBODY) < 0)
                                _exit(1);
                        say(scene.client.socket_fd, &request, NULL, 0);
                        _exit(0);
                }
                pid_then = (int)child;
                ck_assert(wait_exit(child, DEADLINE_MS, NULL));
        } else {
                ck_assert_int_eq(setresuid(NOBODY, -1, -1), 0);
                say(scene.client.socket_fd, &request, NULL, 0);
                ck_assert_int_eq(setresuid(0, -1, -1), 0);
        }
        raw_client_expect_goodbye(&scene.client, 0, EPERM,
                                  "process %d, user %u, sent on the session of process %d, user %u",
                                  pid_then, (unsigned)uid, (int)getpid(), (unsigned)getuid());
}
END_TEST

START_TEST(whoever_was_given_a_connection_may_not_even_say_hello)
{
        RawBytes hello = {0}, body = {0};
        pid_t child;

        raw_client_close(&scene.client);
        raw_client_connect(&scene.client, scene.daemon.socket_path);
        raw_put_number(&body, RAW_HELLO_VERSION, 1);
        raw_put_frame(&hello, 0, 1, RAW_HELLO, &body);
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                say(scene.client.socket_fd, &hello, NULL, 0);
                _exit(0);
        }
        ck_assert(wait_exit(child, DEADLINE_MS, NULL));
        raw_client_expect_goodbye(&scene.client, 0, EPERM,
                                  "process %d, user %u, sent on the session of process %d, user %u",
                                  (int)child, (unsigned)getuid(), (int)getpid(),
                                  (unsigned)getuid());
}
END_TEST

/* ---- clients that die ---- */

enum { GENERATIONS = 16 };

/* What they say, put together beforehand: a process that can be killed at any moment must not be
 * in the middle of one of check's messages. */
static struct {
        RawBytes hello;
        RawBytes add[GENERATIONS];
        RawBytes remove[GENERATIONS];
        RawBytes list;
} script;

static void write_script(void)
{
        RawBytes hello = {0};

        raw_put_number(&hello, RAW_HELLO_VERSION, 1);
        raw_put_frame(&script.hello, 0, 1, RAW_HELLO, &hello);
        put_request(&script.list, RAW_LIST_REGISTRATIONS);
        for (uint32_t i = 0; i < GENERATIONS; i++) {
                const uint64_t sources[2] = {raw_source(0, i + 1, READINESS_READABLE),
                                             raw_source(1, i + 1, READINESS_WRITABLE)};
                RawBytes add = {0}, remove = {0};

                raw_put_packed(&add, RAW_ADD_SOURCE, sources, 2);
                raw_put_frame(&script.add[i], 2, i, RAW_ADD_IO_SOURCE, &add);
                raw_put_packed(&remove, RAW_REMOVE_SOURCE, sources, 1);
                raw_put_frame(&script.remove[i], 1, i, RAW_REMOVE_IO_SOURCE, &remove);
        }
}

/* One session of all that a client does, some of it or other; the rest is left unread. */
static void live_once(unsigned seed)
{
        int socket_fd = raw_client_dial(scene.daemon.socket_path);
        char frame[256];

        say(socket_fd, &script.hello, NULL, 0);
        for (unsigned i = 0; i < GENERATIONS; i++) {
                int fds[2];

                if (pipe2(fds, O_CLOEXEC) < 0)
                        _exit(1);
                say(socket_fd, &script.add[i], fds, 2);
                if (write(fds[1], "x", 1) == 1 && (seed + i) % 3 == 0)
                        say(socket_fd, &script.list, NULL, 0);
                if ((seed + i) % 2 == 0 && wait_readable(socket_fd, DEADLINE_MS))
                        recv(socket_fd, frame, sizeof(frame), MSG_DONTWAIT);
                if ((seed + i) % 5 == 0)
                        say(socket_fd, &script.remove[i], fds, 1);
                close(fds[0]);
                close(fds[1]);
        }
        close(socket_fd);
}

START_TEST(a_thousand_clients_killed_at_any_moment_leave_nothing)
{
        enum { AT_ONCE = 25 };
        int rounds = scaled(8, 1000 / AT_ONCE, 10000 / AT_ONCE);
        pid_t children[AT_ONCE];

        raw_client_close(&scene.client);
        write_script();
        for (int round = 0; round < rounds; round++) {
                fflush(NULL);
                for (uint32_t i = 0; i < AT_ONCE; i++) {
                        children[i] = fork();
                        ck_assert_int_ge(children[i], 0);
                        while (children[i] == 0)
                                live_once((unsigned)round * AT_ONCE + i);
                }
                /* However far each has come by now: not even connected, or long at work. */
                hostile_scene_check_neighbour();
                for (int i = 0; i < AT_ONCE; i++) {
                        ck_assert_int_eq(kill(children[i], SIGKILL), 0);
                        ck_assert(wait_exit(children[i], DEADLINE_MS, NULL));
                }
        }
        hostile_scene_check_nothing_left();
}
END_TEST

START_TEST(connections_that_say_nothing_do_not_keep_others_out)
{
        enum { SILENT = 500 };
        int sockets[SILENT];

        raw_client_close(&scene.client);
        for (int i = 0; i < SILENT; i++) {
                raw_client_connect(&scene.client, scene.daemon.socket_path);
                sockets[i] = scene.client.socket_fd;
        }
        raw_client_open(&scene.client, scene.daemon.socket_path);
        hostile_scene_check_neighbour();
        for (int i = 0; i < SILENT; i++)
                close(sockets[i]);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, set_up, hostile_scene_tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
        return tcase;
}

TEST_SUITE(test_hostile_clients)
{
        TCase *unread = add_case(suite, "unread");
        TCase *own_end = add_case(suite, "own end");
        TCase *dying = add_case(suite, "dying");

        tcase_add_loop_test(unread,
                            requests_whose_answers_are_not_read_wait_and_are_all_answered_at_last,
                            0, 4);
        tcase_add_test(unread, refusals_that_are_not_read_wait_too);
        tcase_add_test(unread, a_client_that_dies_with_frames_unread_leaves_nothing);

        tcase_add_test(own_end, a_client_that_registers_its_own_connection_and_dies_leaves_nothing);
        tcase_add_test(
                own_end,
                a_client_that_waits_for_its_own_connection_is_told_of_what_tells_it_until_it_is_full);
        tcase_add_loop_test(own_end,
                            a_client_whose_own_end_is_on_its_way_when_it_dies_leaves_nothing, 0, 2);

        tcase_add_loop_test(own_end, nobody_else_may_send_on_a_session, 0, 3);
        tcase_add_test(own_end, whoever_was_given_a_connection_may_not_even_say_hello);
        tcase_add_test(dying, a_thousand_clients_killed_at_any_moment_leave_nothing);
        tcase_add_test(dying, connections_that_say_nothing_do_not_keep_others_out);
}
