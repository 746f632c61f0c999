/* Streams passed on by the daemon: their history, their notes, and that every end is told. */
#include "client/requests/passed_stream.h"

#include "client/handle/io_driver_handle.h"
#include "client/requests/sealed_note.h"
#include "core/cleanup.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ENDPOINT = 5, CREDITS = 40, SLOTS = 1000 };

static ScriptedDaemon kyron_iod;
static KyronEndpoint *endpoint;
static TestCall call;
static uint64_t ids[CREDITS];

static void set_up(void)
{
        const KyronEndpointOptions options = {.name = "app", .credits = CREDITS};
        const Iod__Frame *frame;

        unlimit_descriptors();
        scripted_daemon_start(&kyron_iod, SLOTS);
        test_call_init(&call);
        ck_assert_int_eq(
                kyron_endpoint_join(&endpoint, kyron_iod.handle, &options, &call.operation),
                KYRON_PENDING);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_JOIN);
        for (int i = 0; i < CREDITS; i++)
                ids[i] = io_id_unpack(frame->join->source[i]);
        scripted_daemon_send_joined(&kyron_iod, frame->sequence, ENDPOINT, "unix:@app");
        process(kyron_iod.handle, 0);
        test_call_init(&call);
}

static void tear_down(void)
{
        kyron_endpoint_close(endpoint);
        scripted_daemon_stop(&kyron_iod);
}

/* Passes a connection, with a note if there is one, and accepts it. */
static KyronUnixStream *pass_on(uint64_t id, bool again, const char *note, int take_fd)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Connections body = IOD__CONNECTIONS__INIT;
        Iod__Connection connection = IOD__CONNECTION__INIT;
        Iod__Connection *connections[] = {&connection};
        KyronUnixStream *stream;
        int fds[2] = {take_fd, -1};

        connection.id = id;
        connection.again = again;
        if (note) {
                connection.note_size = (uint32_t)strlen(note);
                ck_assert_int_eq(sealed_note_new(&fds[1], note, strlen(note)), 0);
        }
        body.endpoint = ENDPOINT;
        body.n_connection = 1;
        body.connection = connections;
        frame.body_case = IOD__FRAME__BODY_CONNECTIONS;
        frame.connections = &body;
        scripted_daemon_send(&kyron_iod, &frame, fds, note ? 2 : 1);
        close(fds[0]);
        if (note)
                close(fds[1]);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(kyron_endpoint_accept_unix(endpoint, &call.operation, &stream), 0);
        return stream;
}

static KyronUnixStream *pass(uint64_t id, bool again, const char *note, int *peer)
{
        int ends[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        *peer = ends[0];
        return pass_on(id, again, note, ends[1]);
}

START_TEST(a_first_connection_has_no_history)
{
        char buffer[8];
        int peer;
        KyronUnixStream *stream = pass(ids[0], false, NULL, &peer);

        ck_assert(!kyron_unix_stream_was_served_before(stream));
        ck_assert_int_eq(kyron_unix_stream_note(stream, buffer, sizeof(buffer)), 0);
        kyron_unix_stream_close(stream);
        close(peer);
}
END_TEST

START_TEST(a_connection_passed_on_again_has_its_note)
{
        size_t before = count_descriptors();
        char buffer[8] = "";
        int peer;
        KyronUnixStream *stream = pass(ids[0], true, "offset 7", &peer);

        ck_assert(kyron_unix_stream_was_served_before(stream));
        ck_assert_int_eq(kyron_unix_stream_note(stream, buffer, sizeof(buffer)), 8);
        ck_assert(memcmp(buffer, "offset 7", 8) == 0);
        /* As much as there is room for, and how much there is. */
        memset(buffer, 0, sizeof(buffer));
        ck_assert_int_eq(kyron_unix_stream_note(stream, buffer, 3), 8);
        ck_assert_str_eq(buffer, "off");
        ck_assert_int_eq(kyron_unix_stream_note(stream, NULL, 0), 8);
        kyron_unix_stream_close(stream);
        close(peer);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(what_a_worker_did_to_a_connection_does_not_keep_the_next_from_reading)
{
        struct sock_filter nobody[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
        const struct sock_fprog filter = {.len = 1, .filter = nobody};
        KyronUnixStream *stream;
        int ends[2], now = 1000;
        socklen_t size = sizeof(now);
        char byte;

        unix_pair(SOCK_STREAM, ends);
        ck_assert_int_eq(setsockopt(ends[1], SOL_SOCKET, SO_RCVLOWAT, &now, size), 0);
        if (setsockopt(ends[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
                report_skipped(__func__, "without a filter: this user may not attach one");
        stream = pass_on(ids[0], true, NULL, ends[1]);
        ends[1] = kyron_bridged_fd_fd(kyron_unix_stream_bridged_fd(stream));
        ck_assert(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
        ck_assert_int_eq(getsockopt(ends[1], SOL_SOCKET, SO_RCVLOWAT, &now, &size), 0);
        ck_assert_int_eq(now, 1);
        put_byte(ends[0]);
        ck_assert_int_eq(kyron_unix_stream_read(stream, &call.operation, &byte, 1), 0);
        ck_assert_int_eq(call.operation.result, 1);
        kyron_unix_stream_close(stream);
        close(ends[0]);
}
END_TEST

START_TEST(a_stream_of_elsewhere_has_neither)
{
        KyronUnixStream *a, *b;
        char buffer[8];

        ck_assert_int_eq(kyron_unix_stream_pair(&a, &b, kyron_iod.handle), 0);
        ck_assert(!kyron_unix_stream_was_served_before(a));
        ck_assert_int_eq(kyron_unix_stream_note(a, buffer, sizeof(buffer)), 0);
        ck_assert_int_eq(kyron_unix_stream_keep(a, "x", 1, &call.operation), -EINVAL);
        ck_assert_str_eq(kyron_error_text(),
                         "only a connection from an endpoint can be kept on death");
        kyron_unix_stream_close(a);
        kyron_unix_stream_close(b);
}
END_TEST

START_TEST(a_note_shorter_than_announced_is_an_error)
{
        PassedStream *passed;
        char buffer[16];
        int peer;
        KyronUnixStream *stream = pass(ids[0], true, "short", &peer);

        passed = passed_stream_of(
                kyron_bridged_fd_registration(kyron_unix_stream_bridged_fd(stream)));
        passed->note_size = 10;
        ck_assert_int_eq(kyron_unix_stream_note(stream, buffer, sizeof(buffer)), -EIO);
        kyron_unix_stream_close(stream);
        close(peer);
}
END_TEST

/* What a packet says, counted. */
static size_t count(const uint64_t *list, size_t n, uint64_t id)
{
        size_t found = 0;

        for (size_t i = 0; i < n; i++)
                found += list[i] == id;
        return found;
}

START_TEST(every_end_is_told_though_the_daemon_does_not_read_for_long)
{
        enum { OTHERS = 300, CALLS = 2000 };
        static KyronBridgedFd *others[OTHERS];
        static TestCall calls[CALLS];
        static KyronHeld held[CALLS];
        KyronUnixStream *streams[CREDITS];
        size_t told[CREDITS] = {0};
        int peers[CREDITS], filled = 0;
        char byte;

        for (int i = 0; i < CREDITS; i++)
                streams[i] = pass(ids[i], false, NULL, &peers[i]);
        process(kyron_iod.handle, 0);
        for (int i = 0; i < OTHERS; i++) {
                int pipe[2];

                pipe_pair(pipe);
                ck_assert_int_eq(kyron_bridged_fd_new(&others[i], kyron_iod.handle, pipe[0]), 0);
                test_call_init(&calls[i]);
                ck_assert_int_eq(kyron_bridged_fd_read(others[i], &calls[i].operation, &byte, 1),
                                 KYRON_PENDING);
                close(pipe[1]);
        }
        process(kyron_iod.handle, 0);
        for (int i = OTHERS; i < CALLS && !kyron_iod.handle->wants_room; i++) {
                test_call_init(&calls[i]);
                ck_assert_int_eq(
                        kyron_take_held(kyron_iod.handle, "x", &calls[i].operation, &held[i]),
                        KYRON_PENDING);
                process(kyron_iod.handle, 0);
                filled++;
        }
        ck_assert(kyron_iod.handle->wants_room);
        /* More than the handle keeps of those whose end is a kindness only. */
        for (int i = 0; i < OTHERS; i++)
                kyron_bridged_fd_close(others[i]);
        for (int i = 0; i < CREDITS; i++) {
                kyron_unix_stream_close(streams[i]);
                close(peers[i]);
        }
        process(kyron_iod.handle, 0);
        while (kyron_iod.handle->wants_room || wait_readable(kyron_iod.socket_fd, 0) ||
               kyron_iod.handle->slots.first_retired != SLOT_NONE) {
                const Iod__Frame *frame = scripted_daemon_next(&kyron_iod);
                const Iod__AddIoSource *add = frame->add_io_source;

                if (frame->body_case != IOD__FRAME__BODY_ADD_IO_SOURCE)
                        continue;
                for (int i = 0; i < CREDITS; i++)
                        told[i] += count(add->gone, add->n_gone, ids[i]);
        }
        for (int i = 0; i < CREDITS; i++)
                ck_assert_uint_eq(told[i], 1);
}
END_TEST

START_TEST(a_slot_is_not_used_again_before_its_end_was_told)
{
        const Iod__AddIoSource *add;
        KyronBridgedFd *other;
        char byte;
        int peer, pipe[2];
        KyronUnixStream *stream = pass(ids[0], false, NULL, &peer);

        process(kyron_iod.handle, 0);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        kyron_unix_stream_close(stream);
        pipe_pair(pipe);
        ck_assert_int_eq(kyron_bridged_fd_new(&other, kyron_iod.handle, pipe[0]), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_read(other, &call.operation, &byte, 1), KYRON_PENDING);
        add = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE)->add_io_source;
        ck_assert_uint_eq(add->gone[0], ids[0]);
        ck_assert_uint_ne(io_id_slot(add->source[0]), io_id_slot(ids[0]));
        kyron_bridged_fd_close(other);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.result, -ECANCELED);
        close(pipe[1]);
        close(peer);
}
END_TEST

START_TEST(a_released_connection_is_told_too)
{
        const Iod__AddIoSource *add;
        int peer, fd;
        KyronUnixStream *stream = pass(ids[0], false, NULL, &peer);

        ck_assert_int_eq(kyron_bridged_fd_release(kyron_unix_stream_bridged_fd(stream), &fd), 0);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_REMOVE_IO_SOURCE);
        add = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE)->add_io_source;
        ck_assert_uint_eq(add->n_taken, 0);
        ck_assert_uint_eq(add->gone[0], ids[0]);
        put_byte(fd);
        ck_assert(wait_readable(peer, DEADLINE_MS));
        close(fd);
        close(peer);
}
END_TEST

START_TEST(what_ended_last_is_told_when_the_handle_is_closed)
{
        const Iod__AddIoSource *add;
        int peer;
        KyronUnixStream *stream = pass(ids[0], false, NULL, &peer);

        process(kyron_iod.handle, 0);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        kyron_unix_stream_close(stream);
        kyron_endpoint_close(STEAL_PTR(endpoint));
        kyron_io_driver_handle_close(STEAL_PTR(kyron_iod.handle));
        add = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE)->add_io_source;
        ck_assert_uint_eq(add->n_gone, 1);
        ck_assert_uint_eq(add->gone[0], ids[0]);
        close(peer);
}
END_TEST

TEST_SUITE(test_passed_stream)
{
        TCase *tcase = tcase_create("passed_stream");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, a_first_connection_has_no_history);
        tcase_add_test(tcase, a_connection_passed_on_again_has_its_note);
        tcase_add_test(tcase,
                       what_a_worker_did_to_a_connection_does_not_keep_the_next_from_reading);
        tcase_add_test(tcase, a_stream_of_elsewhere_has_neither);
        tcase_add_test(tcase, a_note_shorter_than_announced_is_an_error);
        tcase_add_test(tcase, every_end_is_told_though_the_daemon_does_not_read_for_long);
        tcase_add_test(tcase, a_slot_is_not_used_again_before_its_end_was_told);
        tcase_add_test(tcase, a_released_connection_is_told_too);
        tcase_add_test(tcase, what_ended_last_is_told_when_the_handle_is_closed);
        suite_add_tcase(suite, tcase);
}
