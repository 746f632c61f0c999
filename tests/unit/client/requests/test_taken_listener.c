/*
 * client/taken_listener: the next daemon is asked for a listener again, by its name alone, and
 * whatever it answers the program's listener is as it was.
 */
#include "client/requests/taken_listener.h"

#include "client/handle/io_driver_handle.h"
#include "core/cleanup.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static ScriptedDaemon kyron_iod;
static KyronUnixListener *listener;
static TestCall accepting;
static KyronUnixStream *accepted;
static uint64_t id, epoch;
static int socket_fd; /* the daemon's copy */
static size_t descriptors;

/* Somebody waits for what it accepts. */
static void wait_for_connection(void)
{
        test_call_init(&accepting);
        ck_assert_int_eq(kyron_unix_listener_accept(listener, &accepting.operation, &accepted),
                         KYRON_PENDING);
}

static void set_up(void)
{
        const KyronOptions options = {.outage_ms = DEADLINE_MS};
        const struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
        char name[] = "app";
        const Iod__Frame *frame;
        TestCall call;

        epoch = 1;
        scripted_daemon_start_with(&kyron_iod, 100, &options);
        socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(socket_fd, (const struct sockaddr *)&unnamed, sizeof(sa_family_t)),
                         0);
        ck_assert_int_eq(listen(socket_fd, 5), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_unix_listener_take(&listener, kyron_iod.handle, name, "unix:@app",
                                                  NULL, &call.operation),
                         KYRON_PENDING);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_TAKE_LISTENER);
        id = io_id_unpack(frame->take_listener->source);
        scripted_daemon_send_opened(&kyron_iod, frame->sequence, id, dup(socket_fd));
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.result, 0);
        memset(name, 0, sizeof(name)); /* it is the program's again */
        wait_for_connection();
        descriptors = count_descriptors();
}

static void tear_down(void)
{
        kyron_unix_listener_close(listener);
        process(kyron_iod.handle, 0);
        scripted_daemon_stop(&kyron_iod);
        close(socket_fd);
}

static void lose_daemon(void)
{
        scripted_daemon_lose(&kyron_iod);
}

static void come_back(void)
{
        scripted_daemon_come_back(&kyron_iod, ++epoch);
}

/* It is registered, and then asked for. */
static uint32_t expect_taken_again(void)
{
        const Iod__AddIoSource *add = scripted_daemon_expect_sources(&kyron_iod);
        const Iod__Frame *frame;

        ck_assert_uint_eq(add->n_source, 1);
        ck_assert_uint_eq(io_id_unpack(add->source[0]), id);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_TAKE_LISTENER);
        ck_assert_str_eq(frame->take_listener->name, "app");
        ck_assert_str_eq(frame->take_listener->address, "");
        ck_assert_uint_eq(frame->take_listener->source, io_id_pack(id, READINESS_READABLE));
        return frame->sequence;
}

/* A connection is accepted, and the daemon tells of it. */
static void expect_accepts(void)
{
        struct sockaddr_un address;
        socklen_t size = sizeof(address);
        CLEANUP(cleanup_close) int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(getsockname(socket_fd, (struct sockaddr *)&address, &size), 0);
        ck_assert_int_eq(connect(peer, (const struct sockaddr *)&address, size), 0);
        scripted_daemon_send_readiness(&kyron_iod, id, READINESS_READABLE);
        ck_assert(PROCESS_UNTIL(kyron_iod.handle, accepting.completions == 1));
        ck_assert_int_eq(accepting.result, 0);
        kyron_unix_stream_close(accepted);
}

START_TEST(the_next_daemon_is_asked_for_it_by_its_name)
{
        lose_daemon();
        come_back();
        scripted_daemon_send_opened(&kyron_iod, expect_taken_again(), id, dup(socket_fd));
        process(kyron_iod.handle, 0);
        scripted_daemon_expect_nothing(&kyron_iod);
        ck_assert_uint_eq(count_descriptors(), descriptors);
        expect_accepts();
}
END_TEST

START_TEST(one_that_has_it_no_more_changes_nothing)
{
        lose_daemon();
        come_back();
        scripted_daemon_send_refused(&kyron_iod, expect_taken_again(), ENOENT,
                                     "there is no listener app");
        process(kyron_iod.handle, 0);
        scripted_daemon_expect_nothing(&kyron_iod);
        expect_accepts();
}
END_TEST

START_TEST(a_daemon_that_is_lost_before_it_answers_is_followed_by_another)
{
        lose_daemon();
        come_back();
        expect_taken_again();
        lose_daemon();
        come_back();
        scripted_daemon_send_opened(&kyron_iod, expect_taken_again(), id, dup(socket_fd));
        process(kyron_iod.handle, 0);
        scripted_daemon_expect_nothing(&kyron_iod);
        ck_assert_uint_eq(count_descriptors(), descriptors);
        expect_accepts();
}
END_TEST

START_TEST(one_that_is_closed_meanwhile_is_not_asked_for)
{
        lose_daemon();
        kyron_unix_listener_close(STEAL_PTR(listener));
        come_back();
        scripted_daemon_expect_nothing(&kyron_iod);
        ck_assert_int_eq(accepting.result, -ECANCELED);
}
END_TEST

START_TEST(one_that_is_closed_before_the_answer_leaves_nothing)
{
        uint32_t sequence;

        lose_daemon();
        come_back();
        sequence = expect_taken_again();
        kyron_unix_listener_close(STEAL_PTR(listener));
        scripted_daemon_send_opened(&kyron_iod, sequence, id, dup(socket_fd));
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        process(kyron_iod.handle, 0);
        ck_assert_uint_eq(count_descriptors(), descriptors - 1);
}
END_TEST

START_TEST(what_was_released_is_the_programs_alone)
{
        int fd;

        ck_assert_int_eq(kyron_operation_cancel(&accepting.operation), 0);
        ck_assert_int_eq(kyron_bridged_fd_release(kyron_unix_listener_bridged_fd(listener), &fd),
                         0);
        listener = NULL;
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_REMOVE_IO_SOURCE);
        lose_daemon();
        come_back();
        scripted_daemon_expect_nothing(&kyron_iod);
        close(fd);
}
END_TEST

TEST_SUITE(test_taken_listener)
{
        TCase *tcase = tcase_create("taken listener");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, the_next_daemon_is_asked_for_it_by_its_name);
        tcase_add_test(tcase, one_that_has_it_no_more_changes_nothing);
        tcase_add_test(tcase, a_daemon_that_is_lost_before_it_answers_is_followed_by_another);
        tcase_add_test(tcase, one_that_is_closed_meanwhile_is_not_asked_for);
        tcase_add_test(tcase, one_that_is_closed_before_the_answer_leaves_nothing);
        tcase_add_test(tcase, what_was_released_is_the_programs_alone);
        suite_add_tcase(suite, tcase);
}
