/* Descriptors left with the daemon and taken back, and connections kept on death. */
#include "client/requests/holding.h"

#include "client/handle/io_driver_handle.h"
#include "core/name.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static ScriptedDaemon kyron_iod;
static TestCall call;
static int pipe_ends[2];

static void set_up(void)
{
        scripted_daemon_start(&kyron_iod, 100);
        test_call_init(&call);
        pipe_pair(pipe_ends);
}

static void tear_down(void)
{
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        scripted_daemon_stop(&kyron_iod);
}

static int start_hold(const char *name, const void *note, size_t note_size, uint64_t ttl_ms)
{
        test_call_init(&call);
        return kyron_hold(kyron_iod.handle, pipe_ends[0], name, note, note_size, ttl_ms,
                          &call.operation);
}

static const Iod__Frame *expect_hold(void)
{
        return scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_HOLD);
}

static void check_done(uint32_t sequence)
{
        scripted_daemon_send_done(&kyron_iod, sequence);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, 0);
}

START_TEST(a_descriptor_is_left_with_its_note)
{
        size_t before = count_descriptors();
        char text[] = "where it was", bytes[32] = "";
        const Iod__Frame *frame;

        ck_assert_int_eq(start_hold("session-1", text, strlen(text), 60000), KYRON_PENDING);
        /* The note was copied. */
        memset(text, 'x', sizeof(text));
        frame = expect_hold();
        ck_assert_str_eq(frame->hold->name, "session-1");
        ck_assert_uint_eq(frame->hold->note_size, 12);
        ck_assert_uint_eq(frame->hold->time_to_live_ms, 60000);
        ck_assert_uint_eq(frame->hold->id, 0);
        ck_assert_uint_eq(kyron_iod.fds.count, 2);
        put_byte(pipe_ends[1]);
        ck_assert(wait_readable(kyron_iod.fds.fds[0], DEADLINE_MS));
        ck_assert_int_eq(pread(kyron_iod.fds.fds[1], bytes, sizeof(bytes), 0), 12);
        ck_assert_str_eq(bytes, "where it was");
        ck_assert_int_eq(fcntl(kyron_iod.fds.fds[1], F_GET_SEALS),
                         F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
        check_done(frame->sequence);
        fd_list_close(&kyron_iod.fds);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(a_descriptor_is_left_without_a_note)
{
        const Iod__Frame *frame;

        ck_assert_int_eq(start_hold("x", NULL, 0, 1), KYRON_PENDING);
        frame = expect_hold();
        ck_assert_uint_eq(frame->hold->note_size, 0);
        ck_assert_uint_eq(kyron_iod.fds.count, 1);
        check_done(frame->sequence);
}
END_TEST

START_TEST(what_can_be_seen_to_be_wrong_is_refused_at_once)
{
        static char note[FRAME_NOTE_MAX + 1], name[HOLD_NAME_MAX + 2];
        size_t before = count_descriptors();

        memset(name, 'n', HOLD_NAME_MAX + 1);
        ck_assert_int_eq(start_hold("x", NULL, 0, 0), -EINVAL);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "time to live"));
        ck_assert_int_eq(start_hold("x", note, sizeof(note), 1), -EMSGSIZE);
        ck_assert_str_eq(kyron_error_text(), "a note has at most 65536 bytes, this one has 65537");
        ck_assert_int_eq(start_hold("", NULL, 0, 1), -EINVAL);
        ck_assert_int_eq(start_hold(NULL, NULL, 0, 1), -EINVAL);
        ck_assert_int_eq(start_hold(name, NULL, 0, 1), -EINVAL);
        ck_assert_str_eq(kyron_error_text(), "a held descriptor's name has 1 to 64 bytes");
        ck_assert_int_eq(kyron_hold(kyron_iod.handle, -1, "x", NULL, 0, 1, &call.operation),
                         -EBADF);
        scripted_daemon_expect_nothing(&kyron_iod);
        ck_assert_uint_eq(count_descriptors(), before);
        /* The longest there may be. */
        name[HOLD_NAME_MAX] = '\0';
        ck_assert_int_eq(start_hold(name, note, FRAME_NOTE_MAX, 1), KYRON_PENDING);
        check_done(expect_hold()->sequence);
}
END_TEST

START_TEST(a_descriptor_that_is_closed_meanwhile_fails_its_own_request_alone)
{
        size_t before = count_descriptors();
        TestCall other;
        KyronHeld held;
        int fd = dup(pipe_ends[0]);

        ck_assert_int_eq(kyron_hold(kyron_iod.handle, fd, "x", "note", 4, 1, &call.operation),
                         KYRON_PENDING);
        test_call_init(&other);
        ck_assert_int_eq(kyron_take_held(kyron_iod.handle, "y", &other.operation, &held),
                         KYRON_PENDING);
        close(fd);
        scripted_daemon_send_refused(
                &kyron_iod,
                scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_TAKE_HELD)->sequence, ENOENT,
                "nothing");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, -EBADF);
        ck_assert_str_eq(call.text,
                         "the request cannot be sent to the daemon: Bad file descriptor");
        ck_assert_int_eq(other.result, -ENOENT);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(a_hold_cancelled_before_its_turn_closes_its_note)
{
        size_t before = count_descriptors();

        ck_assert_int_eq(start_hold("x", "note", 4, 1), KYRON_PENDING);
        ck_assert_uint_eq(count_descriptors(), before + 1);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        ck_assert_uint_eq(count_descriptors(), before);
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

/* ---- Taking back --------------------------------------------------------------------------- */

static void answer_take(const char *name, uint32_t note_size, const int *fds, size_t n)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Held body = IOD__HELD__INIT;
        const Iod__Frame *request = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_TAKE_HELD);

        ck_assert_str_eq(request->take_held->name, name);
        body.name = (char *)name;
        body.note_size = note_size;
        body.held_ms = 77;
        frame.sequence = request->sequence;
        frame.body_case = IOD__FRAME__BODY_HELD;
        frame.held = &body;
        scripted_daemon_send(&kyron_iod, &frame, fds, n);
}

START_TEST(what_was_held_is_the_callers_again)
{
        size_t before = count_descriptors();
        KyronBridgedFd *reader;
        KyronHeld held;
        char byte;

        ck_assert_int_eq(kyron_take_held(kyron_iod.handle, "session-1", &call.operation, &held),
                         KYRON_PENDING);
        /* Any two descriptors do here. */
        answer_take("session-1", 9, pipe_ends, 2);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.result, 0);
        ck_assert_uint_eq(held.note_size, 9);
        ck_assert_uint_eq(held.held_ms, 77);
        ck_assert_int_ge(held.note_fd, 0);
        close(held.note_fd);
        put_byte(pipe_ends[1]);
        ck_assert_int_eq(kyron_bridged_fd_new(&reader, kyron_iod.handle, held.fd), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_read(reader, &call.operation, &byte, 1), 0);
        kyron_bridged_fd_close(reader);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(without_a_note_there_is_one_descriptor)
{
        KyronHeld held;

        ck_assert_int_eq(kyron_take_held(kyron_iod.handle, "x", &call.operation, &held),
                         KYRON_PENDING);
        answer_take("x", 0, pipe_ends, 1);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.result, 0);
        ck_assert_int_eq(held.note_fd, -1);
        close(held.fd);
}
END_TEST

START_TEST(what_is_not_held_leaves_no_descriptor)
{
        KyronHeld held;

        ck_assert_int_eq(kyron_take_held(kyron_iod.handle, "x", &call.operation, &held),
                         KYRON_PENDING);
        scripted_daemon_send_refused(
                &kyron_iod,
                scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_TAKE_HELD)->sequence, ENOENT,
                "nothing is held as x");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.result, -ENOENT);
        ck_assert_str_eq(call.text, "nothing is held as x");
        ck_assert_int_eq(held.fd, -1);
        ck_assert_int_eq(held.note_fd, -1);
}
END_TEST

/* ---- Keeping on death ---------------------------------------------------------------------- */

START_TEST(a_connection_is_kept_by_its_id)
{
        const KyronEndpointOptions options = {.name = "web", .credits = 1};
        const Iod__Frame *frame;
        KyronEndpoint *endpoint;
        KyronTcpStream *stream;
        uint64_t id;
        int ends[2];

        ck_assert_int_eq(
                kyron_endpoint_join(&endpoint, kyron_iod.handle, &options, &call.operation),
                KYRON_PENDING);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_JOIN);
        id = io_id_unpack(frame->join->source[0]);
        scripted_daemon_send_joined(&kyron_iod, frame->sequence, 1, "tcp:127.0.0.1:80");
        process(kyron_iod.handle, 0);
        tcp_pair(ends);
        scripted_daemon_send_connection(&kyron_iod, 1, id, ends[1]);
        process(kyron_iod.handle, 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_endpoint_accept(endpoint, &call.operation, &stream), 0);
        ck_assert_int_eq(kyron_tcp_stream_keep(stream, "half", 4, &call.operation), KYRON_PENDING);
        /* Before it is said that it is taken: the daemon's copy goes with that. */
        frame = expect_hold();
        ck_assert_uint_eq(frame->hold->id, id);
        ck_assert_str_eq(frame->hold->name, "");
        ck_assert_uint_eq(frame->hold->note_size, 4);
        ck_assert_uint_eq(kyron_iod.fds.count, 1);
        check_done(frame->sequence);
        /* Without a note nothing travels. */
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_keep(stream, NULL, 0, &call.operation), KYRON_PENDING);
        process(kyron_iod.handle, 0);
        for (;;) {
                frame = scripted_daemon_next(&kyron_iod);
                if (frame->body_case == IOD__FRAME__BODY_HOLD)
                        break;
        }
        ck_assert_uint_eq(kyron_iod.fds.count, 0);
        check_done(frame->sequence);
        kyron_tcp_stream_close(stream);
        kyron_endpoint_close(endpoint);
        close(ends[0]);
}
END_TEST

TEST_SUITE(test_holding)
{
        TCase *tcase = tcase_create("holding");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, a_descriptor_is_left_with_its_note);
        tcase_add_test(tcase, a_descriptor_is_left_without_a_note);
        tcase_add_test(tcase, what_can_be_seen_to_be_wrong_is_refused_at_once);
        tcase_add_test(tcase, a_descriptor_that_is_closed_meanwhile_fails_its_own_request_alone);
        tcase_add_test(tcase, a_hold_cancelled_before_its_turn_closes_its_note);
        tcase_add_test(tcase, what_was_held_is_the_callers_again);
        tcase_add_test(tcase, without_a_note_there_is_one_descriptor);
        tcase_add_test(tcase, what_is_not_held_leaves_no_descriptor);
        tcase_add_test(tcase, a_connection_is_kept_by_its_id);
        suite_add_tcase(suite, tcase);
}
