/* Descriptors asked for by address and name: what is sent, and what becomes of what comes. */
#include "client/net/opening.h"

#include "client/handle/io_driver_handle.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static ScriptedDaemon kyron_iod;
static TestCall call;
static uint64_t id;

static void set_up(void)
{
        scripted_daemon_start(&kyron_iod, 100);
        test_call_init(&call);
}

static void tear_down(void)
{
        scripted_daemon_stop(&kyron_iod);
}

static int open_listener(int family)
{
        int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        if (family == AF_UNIX)
                ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address.sun_family)),
                                 0);
        ck_assert_int_eq(listen(fd, 5), 0);
        return fd;
}

/* The daemon answers, and the operation has this result. */
static void answer(uint32_t sequence, uint64_t opened_id, int take_fd, int result)
{
        scripted_daemon_send_opened(&kyron_iod, sequence, opened_id, take_fd);
        ck_assert_int_eq(process(kyron_iod.handle, 0), 1);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_msg(call.result == result, "%zd: %s", call.result, call.text);
}

static void send_readiness(uint64_t of, Readiness bits)
{
        scripted_daemon_send_readiness(&kyron_iod, of, bits);
}

/* ---- Connect ------------------------------------------------------------------------------- */

static uint32_t connect_to(KyronTcpStream **out)
{
        const Iod__Frame *frame;

        ck_assert_int_eq(kyron_tcp_stream_connect_to(out, kyron_iod.handle, "tcp:example.org:443",
                                                     1500, &call.operation),
                         KYRON_PENDING);
        ck_assert_ptr_null(*out);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CONNECT);
        ck_assert_str_eq(frame->connect->address, "tcp:example.org:443");
        ck_assert_uint_eq(frame->connect->timeout_ms, 1500);
        ck_assert_uint_eq(io_id_unpack_readiness(frame->connect->source),
                          READINESS_READABLE | READINESS_WRITABLE);
        id = io_id_unpack(frame->connect->source);
        return frame->sequence;
}

START_TEST(a_connection_is_registered_under_the_id_that_was_offered)
{
        KyronTcpStream *stream;
        uint32_t sequence = connect_to(&stream);
        char byte;
        int ends[2];

        tcp_pair(ends);
        answer(sequence, id, ends[1], 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, &byte, 1), KYRON_PENDING);
        /* The wait costs no message. */
        scripted_daemon_expect_nothing(&kyron_iod);
        put_byte(ends[0]);
        send_readiness(id, READINESS_READABLE);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, 1);
        kyron_tcp_stream_close(stream);
        ck_assert_uint_eq(scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE)
                                  ->add_io_source->gone[0],
                          id);
        close(ends[0]);
}
END_TEST

START_TEST(an_event_that_overtakes_the_connection_is_not_lost)
{
        KyronTcpStream *stream;
        KyronReadyEvent event;
        uint32_t sequence = connect_to(&stream);
        int ends[2];

        tcp_pair(ends);
        send_readiness(id, READINESS_READABLE | READINESS_READ_CLOSED);
        process(kyron_iod.handle, 0);
        answer(sequence, id, ends[1], 0);
        ck_assert(async_registration_is_ready(
                kyron_bridged_fd_registration(kyron_tcp_stream_bridged_fd(stream)),
                READINESS_READABLE, &event));
        ck_assert_uint_eq(event.readiness, READINESS_READABLE | READINESS_READ_CLOSED);
        kyron_tcp_stream_close(stream);
        close(ends[0]);
}
END_TEST

START_TEST(a_connection_that_was_not_registered_is_so_at_its_first_wait)
{
        KyronTcpStream *stream;
        uint32_t sequence = connect_to(&stream);
        const Iod__Frame *frame;
        char byte;
        int ends[2];

        tcp_pair(ends);
        answer(sequence, 0, ends[1], 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, &byte, 1), KYRON_PENDING);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        ck_assert_uint_eq(frame->add_io_source->n_source, 1);
        ck_assert_uint_ne(io_id_unpack(frame->add_io_source->source[0]), id);
        ck_assert_uint_eq(kyron_iod.fds.count, 1);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        kyron_tcp_stream_close(stream);
        close(ends[0]);
}
END_TEST

/* ---- Bind ---------------------------------------------------------------------------------- */

START_TEST(a_bound_socket_receives_at_once)
{
        const Iod__Frame *frame;
        KyronUdpSocket *udp;
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        char bytes[4];

        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(
                kyron_udp_socket_bind_to(&udp, kyron_iod.handle, "udp:*:53", &call.operation),
                KYRON_PENDING);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_BIND);
        ck_assert_str_eq(frame->bind->address, "udp:*:53");
        ck_assert_uint_eq(io_id_unpack_readiness(frame->bind->source), READINESS_READABLE);
        id = io_id_unpack(frame->bind->source);
        answer(frame->sequence, id, fd, 0);
        ck_assert_int_eq(kyron_udp_socket_local_addr(udp, (struct sockaddr *)&address, &size), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_udp_socket_send_to(udp, &call.operation, "hi", 2,
                                                  (struct sockaddr *)&address, size),
                         0);
        ck_assert(
                wait_readable(kyron_bridged_fd_fd(kyron_udp_socket_bridged_fd(udp)), DEADLINE_MS));
        ck_assert_int_eq(kyron_udp_socket_recv(udp, &call.operation, bytes, sizeof(bytes)), 0);
        ck_assert_int_eq(call.operation.result, 2);
        kyron_udp_socket_close(udp);
}
END_TEST

/* ---- Take ---------------------------------------------------------------------------------- */

START_TEST(a_listener_is_asked_for_with_its_options)
{
        const KyronListenerOptions options = {
                .backlog = 7,
                .v6_only = true,
                .nodelay = true,
                .keepalive = true,
                .when_readable = true,
                .silent_ms = 8,
                .least_loaded = true,
                .keep_seconds = 9,
        };
        const Iod__TakeListener *take;
        const Iod__Frame *frame;
        KyronTcpListener *listener;

        ck_assert_int_eq(kyron_tcp_listener_take(&listener, kyron_iod.handle, "web", "tcp:*:80",
                                                 &options, &call.operation),
                         KYRON_PENDING);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_TAKE_LISTENER);
        take = frame->take_listener;
        ck_assert_str_eq(take->name, "web");
        ck_assert_str_eq(take->address, "tcp:*:80");
        ck_assert_uint_eq(take->options->backlog, 7);
        ck_assert(take->options->v6_only && take->options->nodelay && take->options->keepalive);
        ck_assert(take->options->when_readable && take->options->least_loaded);
        ck_assert_uint_eq(take->options->silent_ms, 8);
        ck_assert_uint_eq(take->options->keep_seconds, 9);
        answer(frame->sequence, io_id_unpack(take->source), open_listener(AF_INET), 0);
        kyron_tcp_listener_close(listener);
}
END_TEST

static uint32_t take_unix(KyronUnixListener **out)
{
        const Iod__Frame *frame;

        ck_assert_int_eq(
                kyron_unix_listener_take(out, kyron_iod.handle, "app", NULL, NULL, &call.operation),
                KYRON_PENDING);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_TAKE_LISTENER);
        ck_assert_str_eq(frame->take_listener->address, "");
        id = io_id_unpack(frame->take_listener->source);
        return frame->sequence;
}

START_TEST(a_taken_listener_accepts_without_blocking)
{
        KyronUnixListener *listener;
        KyronUnixStream *stream;
        uint32_t sequence = take_unix(&listener);
        int flags;

        answer(sequence, id, open_listener(AF_UNIX), 0);
        flags = fcntl(kyron_bridged_fd_fd(kyron_unix_listener_bridged_fd(listener)), F_GETFL);
        ck_assert(flags & O_NONBLOCK);
        test_call_init(&call);
        ck_assert_int_eq(kyron_unix_listener_accept(listener, &call.operation, &stream),
                         KYRON_PENDING);
        scripted_daemon_expect_nothing(&kyron_iod);
        kyron_unix_listener_close(listener);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(call.result, -ECANCELED);
}
END_TEST

START_TEST(a_listener_of_another_kind_is_given_back)
{
        size_t before = count_descriptors();
        KyronUnixListener *listener;
        uint32_t sequence = take_unix(&listener);

        answer(sequence, id, open_listener(AF_INET), -EINVAL);
        ck_assert_ptr_nonnull(strstr(call.text, "is not a listening Unix stream socket"));
        ck_assert_ptr_null(listener);
        ck_assert_uint_eq(count_descriptors(), before);
        /* The daemon has it open still, so that it has to be told. */
        ck_assert_uint_eq(scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE)
                                  ->add_io_source->gone[0],
                          id);
}
END_TEST

TEST_SUITE(test_opening)
{
        TCase *tcase = tcase_create("opening");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, a_connection_is_registered_under_the_id_that_was_offered);
        tcase_add_test(tcase, an_event_that_overtakes_the_connection_is_not_lost);
        tcase_add_test(tcase, a_connection_that_was_not_registered_is_so_at_its_first_wait);
        tcase_add_test(tcase, a_bound_socket_receives_at_once);
        tcase_add_test(tcase, a_listener_is_asked_for_with_its_options);
        tcase_add_test(tcase, a_taken_listener_accepts_without_blocking);
        tcase_add_test(tcase, a_listener_of_another_kind_is_given_back);
        suite_add_tcase(suite, tcase);
}
