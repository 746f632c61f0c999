/* From the loss of one daemon to the next: what goes on, what waits, and what is told anew. */
#include "client/turn/outage.h"

#include "client/handle/io_driver_handle.h"
#include "core/cleanup.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { SLOTS = 16, FIRST_EPOCH = 1, NEXT_EPOCH = 2, ENDPOINT = 5 };

static ScriptedDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronBridgedFd *reader;
static int peer;
static TestCall call;
static char byte;
enum { TOLD_MAX = 16 };

static KyronServedBy told[TOLD_MAX];
static int told_count;

static void note_served_by(KyronIoDriverHandle *whose, KyronServedBy by, void *user)
{
        ck_assert_ptr_eq(whose, handle);
        ck_assert_ptr_eq(user, told);
        ck_assert_int_lt(told_count, TOLD_MAX);
        told[told_count++] = by;
}

static void make_reader(void)
{
        int ends[2];

        pipe_pair(ends);
        ck_assert_int_eq(kyron_bridged_fd_new(&reader, handle, ends[0]), 0);
        peer = ends[1];
}

static void open_with(bool local, int outage_ms)
{
        const KyronOptions options = {
                .local_fallback = local,
                .outage_ms = outage_ms,
                .served_by_changed = note_served_by,
                .user = told,
        };

        told_count = 0;
        scripted_daemon_start_with(&kyron_iod, SLOTS, &options);
        handle = kyron_iod.handle;
        make_reader();
        test_call_init(&call);
}

static bool timer_runs(void)
{
        struct itimerspec left;

        ck_assert_int_eq(timerfd_gettime(handle->outage.timer_fd, &left), 0);
        return left.it_value.tv_sec != 0 || left.it_value.tv_nsec != 0;
}

static void set_up_waiting(void)
{
        open_with(false, DEADLINE_MS);
}

static void set_up_local(void)
{
        open_with(true, DEADLINE_MS);
}

static void set_up_short(void)
{
        open_with(false, 20);
}

static void set_up_local_short(void)
{
        open_with(true, -1);
}

static void tear_down(void)
{
        kyron_bridged_fd_close(reader);
        if (peer >= 0)
                close(peer);
        scripted_daemon_stop(&kyron_iod);
}

static void start_read(void)
{
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_read(reader, &call.operation, &byte, 1), KYRON_PENDING);
}

static const Iod__AddIoSource *expect_sources(void)
{
        return scripted_daemon_expect_sources(&kyron_iod);
}

/* Waits for a byte, with the daemon's help: the id it is registered under. */
static uint64_t register_reader(void)
{
        const Iod__AddIoSource *add;

        start_read();
        add = expect_sources();
        ck_assert_uint_eq(add->n_source, 1);
        return io_id_unpack(add->source[0]);
}

static void send_readiness(uint64_t id)
{
        scripted_daemon_send_readiness(&kyron_iod, id, READINESS_READABLE);
}

static void lose_daemon(void)
{
        scripted_daemon_lose(&kyron_iod);
}

static void come_back(uint64_t epoch)
{
        scripted_daemon_come_back(&kyron_iod, epoch);
}

/* ---- Those who wait ------------------------------------------------------------------------ */

START_TEST(who_waits_is_registered_with_the_next_daemon_and_does_not_notice)
{
        uint64_t id = register_reader();
        const Iod__AddIoSource *add;

        lose_daemon();
        come_back(NEXT_EPOCH);
        add = expect_sources();
        ck_assert_uint_eq(add->n_source, 1);
        ck_assert_uint_eq(io_id_unpack(add->source[0]), id);
        ck_assert_uint_eq(kyron_iod.fds.count, 1);
        ck_assert_int_eq(call.completions, 0);
        put_byte(peer);
        send_readiness(id);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
}
END_TEST

START_TEST(what_was_sent_and_never_read_is_sent_again)
{
        start_read();
        process(handle, 0);
        lose_daemon();
        come_back(NEXT_EPOCH);
        ck_assert_uint_eq(expect_sources()->n_source, 1);
}
END_TEST

START_TEST(what_the_daemon_sent_before_its_end_still_counts)
{
        uint64_t id = register_reader();

        put_byte(peer);
        send_readiness(id);
        scripted_daemon_vanish(&kyron_iod);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
}
END_TEST

START_TEST(without_a_daemon_nobody_is_woken_where_it_is_not_allowed)
{
        uint64_t id = register_reader();

        lose_daemon();
        put_byte(peer);
        for (int i = 0; i < 5; i++)
                process(handle, 1);
        ck_assert_int_eq(call.completions, 0);
        come_back(NEXT_EPOCH);
        expect_sources();
        send_readiness(id);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

START_TEST(who_comes_to_wait_in_an_outage_is_served_locally)
{
        lose_daemon();
        start_read();
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        start_read();
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

START_TEST(who_waited_before_an_outage_is_served_locally)
{
        register_reader();
        lose_daemon();
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
}
END_TEST

START_TEST(what_became_ready_before_the_loss_and_was_not_told_is_found)
{
        register_reader();
        put_byte(peer);
        lose_daemon();
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

START_TEST(another_interest_in_an_outage_is_served_too)
{
        KyronBridgedFd *both;
        TestCall write_call;
        int ends[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        ck_assert_int_eq(kyron_bridged_fd_new(&both, handle, ends[0]), 0);
        fill(ends[0]);
        lose_daemon();
        ck_assert_int_eq(kyron_bridged_fd_read(both, &call.operation, &byte, 1), KYRON_PENDING);
        test_call_init(&write_call);
        ck_assert_int_eq(kyron_bridged_fd_write(both, &write_call.operation, &byte, 1),
                         KYRON_PENDING);
        drain(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, write_call.completions == 1));
        ck_assert_int_eq(call.completions, 0);
        put_byte(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        kyron_bridged_fd_close(both);
        close(ends[1]);
}
END_TEST

static void answer_status(uint32_t sequence)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Status status = IOD__STATUS__INIT;

        frame.body_case = IOD__FRAME__BODY_STATUS;
        frame.status = &status;
        frame.sequence = sequence;
        scripted_daemon_send(&kyron_iod, &frame, NULL, 0);
}

START_TEST(until_the_next_daemon_has_read_what_it_is_to_serve_it_is_served_locally)
{
        lose_daemon();
        start_read();
        come_back(NEXT_EPOCH);
        expect_sources();
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_GET_STATUS);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

START_TEST(with_a_daemon_again_it_alone_serves)
{
        uint64_t id;

        lose_daemon();
        start_read();
        come_back(NEXT_EPOCH);
        id = io_id_unpack(expect_sources()->source[0]);
        answer_status(scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_GET_STATUS)->sequence);
        for (int i = 0; i < 5; i++)
                process(handle, 1);
        put_byte(peer);
        for (int i = 0; i < 5; i++)
                process(handle, 1);
        ck_assert_int_eq(call.completions, 0);
        send_readiness(id);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

static void set_up_soon_lost(void)
{
        const KyronOptions options = {.local_fallback = true, .alive_ms = 400};

        scripted_daemon_start_with(&kyron_iod, SLOTS, &options);
        handle = kyron_iod.handle;
        make_reader();
        test_call_init(&call);
}

static uint32_t expect_question(void)
{
        ck_assert(PROCESS_UNTIL(handle, wait_readable(kyron_iod.socket_fd, 0)));
        return scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_GET_STATUS)->sequence;
}

START_TEST(a_daemon_that_is_silent_is_asked_once_and_may_rest)
{
        register_reader();
        ck_assert(timer_runs());
        answer_status(expect_question());
        ck_assert(PROCESS_UNTIL(handle, !timer_runs()));
        scripted_daemon_expect_nothing(&kyron_iod);
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_BY_DAEMON);
}
END_TEST

START_TEST(while_a_request_waits_it_is_asked_again)
{
        KyronTcpStream *stream = NULL;
        uint32_t sequence;

        ck_assert_int_eq(
                kyron_tcp_stream_connect_to(&stream, handle, "tcp:a:1", 0, &call.operation),
                KYRON_PENDING);
        sequence = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CONNECT)->sequence;
        for (int i = 0; i < 3; i++)
                answer_status(expect_question());
        scripted_daemon_send_refused(&kyron_iod, sequence, ECONNREFUSED, "nobody is there");
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        answer_status(expect_question());
        ck_assert(PROCESS_UNTIL(handle, !timer_runs()));
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_BY_DAEMON);
}
END_TEST

START_TEST(a_daemon_that_does_not_answer_is_lost)
{
        register_reader();
        expect_question();
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_LOCALLY);
        /* Its socket is closed: when it goes on, it knows. */
        ck_assert_int_eq(recv(kyron_iod.socket_fd, &byte, 1, 0), 0);
}
END_TEST

START_TEST(a_daemon_that_does_not_read_is_lost)
{
        int full[2];

        /* What is sent from now on finds no room. */
        unix_pair(SOCK_SEQPACKET | SOCK_NONBLOCK, full);
        fill(full[0]);
        register_reader();
        ck_assert_int_eq(dup3(full[0], handle->socket_fd, O_CLOEXEC), handle->socket_fd);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_LOCALLY);
        close(full[0]);
        close(full[1]);
}
END_TEST

START_TEST(its_answer_does_not_end_the_handover)
{
        lose_daemon();
        start_read();
        come_back(NEXT_EPOCH);
        expect_sources();
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_GET_STATUS);
        answer_status(SEQUENCE_ALIVE);
        process(handle, 0);
        /* Still served locally, until it has read the registrations. */
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

START_TEST(a_daemon_lost_before_it_has_answered_is_replaced_too)
{
        lose_daemon();
        start_read();
        come_back(NEXT_EPOCH);
        expect_sources();
        lose_daemon();
        come_back(NEXT_EPOCH + 1);
        expect_sources();
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_GET_STATUS);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

START_TEST(who_comes_back_says_for_how_long_it_was_away)
{
        ck_assert_uint_eq(kyron_iod.away_ms, 0);
        for (uint64_t epoch = 2; epoch < 4; epoch++) {
                lose_daemon();
                come_back(epoch);
                ck_assert_uint_gt(kyron_iod.away_ms, 0);
                ck_assert_uint_le(kyron_iod.away_ms, DEADLINE_MS);
        }
}
END_TEST

START_TEST(a_second_outage_is_as_the_first)
{
        for (uint64_t epoch = NEXT_EPOCH; epoch < NEXT_EPOCH + 5; epoch++) {
                start_read();
                lose_daemon();
                put_byte(peer);
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
                come_back(epoch);
        }
}
END_TEST

START_TEST(what_is_closed_in_an_outage_is_told_to_nobody)
{
        register_reader();
        lose_daemon();
        kyron_bridged_fd_close(STEAL_PTR(reader));
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -ECANCELED);
        come_back(NEXT_EPOCH);
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

START_TEST(a_copy_of_what_was_closed_in_an_outage_wakes_nobody)
{
        int copy = dup(kyron_bridged_fd_fd(reader));
        int former = peer;

        lose_daemon();
        start_read();
        kyron_bridged_fd_close(STEAL_PTR(reader));
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        /* Under the same number and in the same slot. */
        make_reader();
        start_read();
        put_byte(former);
        for (int i = 0; i < 5; i++)
                process(handle, 1);
        ck_assert_int_eq(call.completions, 0);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        close(copy);
        close(former);
}
END_TEST

START_TEST(what_is_released_in_an_outage_may_be_waited_for_by_another_object)
{
        int fd;

        lose_daemon();
        start_read();
        ck_assert_int_eq(kyron_bridged_fd_release(STEAL_PTR(reader), &fd), 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(kyron_bridged_fd_new(&reader, handle, fd), 0);
        start_read();
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

START_TEST(a_foreign_loop_is_told_when_to_try_again)
{
        scripted_daemon_vanish(&kyron_iod);
        /* As soon as it is lost, and before it is tried again. */
        ck_assert(
                WAIT_UNTIL((process(handle, 0), handle->outage.state != OUTAGE_NONE), DEADLINE_MS));
        ck_assert(wait_readable(kyron_io_driver_handle_fd(handle), DEADLINE_MS));
        come_back(NEXT_EPOCH);
        process(handle, 0);
        ck_assert(!wait_readable(kyron_io_driver_handle_fd(handle), 20));
}
END_TEST

/* ---- The next daemon ----------------------------------------------------------------------- */

START_TEST(a_daemon_that_turns_it_away_is_asked_again)
{
        uint64_t id = register_reader();

        lose_daemon();
        scripted_daemon_await_hello(&kyron_iod);
        scripted_daemon_send_refused(&kyron_iod, 0, EDQUOT, "too many sessions");
        scripted_daemon_vanish(&kyron_iod);
        scripted_daemon_await_hello(&kyron_iod);
        /* One that dies before it answers. */
        scripted_daemon_vanish(&kyron_iod);
        come_back(NEXT_EPOCH);
        ck_assert_uint_eq(io_id_unpack(expect_sources()->source[0]), id);
}
END_TEST

START_TEST(the_program_is_told_who_serves)
{
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_BY_DAEMON);
        lose_daemon();
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_LATER);
        ck_assert_uint_eq(kyron_io_driver_handle_session(handle), 0);
        come_back(NEXT_EPOCH);
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_BY_DAEMON);
        ck_assert_uint_eq(kyron_io_driver_handle_session(handle), 1);
        ck_assert_int_eq(told_count, 2);
        ck_assert_int_eq(told[0], KYRON_SERVED_LATER);
        ck_assert_int_eq(told[1], KYRON_SERVED_BY_DAEMON);
}
END_TEST

START_TEST(an_outage_that_lasts_too_long_ends_every_wait)
{
        int r;

        start_read();
        scripted_daemon_vanish(&kyron_iod);
        close(STEAL_FD(kyron_iod.listener_fd));
        while ((r = kyron_io_driver_handle_process_io(handle, DEADLINE_MS)) >= 0)
                ;
        ck_assert_int_eq(r, -EHOSTDOWN);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, -EHOSTDOWN);
        ck_assert_ptr_nonnull(strstr(call.text, "start kyron-iod"));
        ck_assert_int_eq(told[told_count - 1], KYRON_SERVED_NO_MORE);
        ck_assert_int_eq(kyron_io_driver_handle_process_io(handle, -1), -EHOSTDOWN);
        ck_assert(!wait_readable(kyron_io_driver_handle_fd(handle), 20));
}
END_TEST

START_TEST(where_no_outage_is_waited_out_local_waits_go_on_and_requests_end)
{
        KyronTcpStream *stream;
        TestCall connect;

        lose_daemon();
        test_call_init(&connect);
        ck_assert_int_eq(
                kyron_tcp_stream_connect_to(&stream, handle, "tcp:a:1", 0, &connect.operation),
                -EHOSTDOWN);
        start_read();
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(told[0], KYRON_SERVED_LOCALLY);
}
END_TEST

/* ---- Requests ------------------------------------------------------------------------------ */

START_TEST(a_request_without_an_answer_is_asked_again)
{
        KyronTcpStream *stream;
        const Iod__Frame *frame;
        int ends[2];

        ck_assert_int_eq(
                kyron_tcp_stream_connect_to(&stream, handle, "tcp:a:1", 0, &call.operation),
                KYRON_PENDING);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CONNECT);
        lose_daemon();
        come_back(NEXT_EPOCH);
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CONNECT);
        ck_assert_str_eq(frame->connect->address, "tcp:a:1");
        tcp_pair(ends);
        scripted_daemon_send_opened(&kyron_iod, frame->sequence,
                                    io_id_unpack(frame->connect->source), ends[1]);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 0);
        kyron_tcp_stream_close(stream);
        close(ends[0]);
}
END_TEST

START_TEST(a_request_nobody_waits_for_is_not_asked_again)
{
        KyronTcpStream *stream;

        ck_assert_int_eq(
                kyron_tcp_stream_connect_to(&stream, handle, "tcp:a:1", 0, &call.operation),
                KYRON_PENDING);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CONNECT);
        ck_assert_int_eq(kyron_operation_cancel(&call.operation), 0);
        lose_daemon();
        come_back(NEXT_EPOCH);
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

START_TEST(a_hold_of_which_it_is_not_known_whether_it_was_done_ends)
{
        TestCall queued;

        ck_assert_int_eq(kyron_hold(handle, peer, "name", NULL, 0, 1000, &call.operation),
                         KYRON_PENDING);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_HOLD);
        lose_daemon();
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -EHOSTDOWN);
        /* One that was never sent only waits. */
        test_call_init(&queued);
        ck_assert_int_eq(kyron_hold(handle, peer, "name", NULL, 0, 1000, &queued.operation),
                         KYRON_PENDING);
        come_back(NEXT_EPOCH);
        scripted_daemon_send_done(
                &kyron_iod, scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_HOLD)->sequence);
        ck_assert(PROCESS_UNTIL(handle, queued.completions == 1));
        ck_assert_int_eq(queued.result, 0);
}
END_TEST

/* ---- Endpoints ----------------------------------------------------------------------------- */

static KyronEndpoint *endpoint;
static uint64_t ids[4];

static uint32_t expect_join(void)
{
        const Iod__Frame *frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_JOIN);

        ck_assert_str_eq(frame->join->name, "web");
        ck_assert_str_eq(frame->join->address, "tcp:*:80");
        ck_assert_uint_eq(frame->join->options->backlog, 7);
        ck_assert_uint_le(frame->join->n_source, 4);
        for (size_t i = 0; i < frame->join->n_source; i++)
                ids[i] = io_id_unpack(frame->join->source[i]);
        return frame->sequence;
}

static void join(bool keep_on_death)
{
        char name[] = "web", address[] = "tcp:*:80";
        KyronListenerOptions listener = {.backlog = 7};
        const KyronEndpointOptions options = {
                .name = name,
                .address = address,
                .listener = &listener,
                .credits = 2,
                .keep_on_death = keep_on_death,
        };

        test_call_init(&call);
        ck_assert_int_eq(kyron_endpoint_join(&endpoint, handle, &options, &call.operation),
                         KYRON_PENDING);
        scripted_daemon_send_joined(&kyron_iod, expect_join(), ENDPOINT, "tcp:127.0.0.1:80");
        process(handle, 0);
        ck_assert_int_eq(call.completions, 1);
        /* The program's texts are its own again. */
        memset(name, 'x', sizeof(name) - 1);
        memset(address, 'x', sizeof(address) - 1);
        listener.backlog = 1;
}

static int pass(uint64_t id)
{
        int ends[2];

        tcp_pair(ends);
        scripted_daemon_send_connection(&kyron_iod, ENDPOINT, id, ends[1]);
        process(handle, 0);
        return ends[0];
}

static int start_accept(TestCall *its_call, KyronTcpStream **out)
{
        test_call_init(its_call);
        return kyron_endpoint_accept(endpoint, &its_call->operation, out);
}

START_TEST(an_endpoint_joins_again_and_accepts_go_on)
{
        KyronTcpStream *stream;
        int far;

        join(false);
        ck_assert_int_eq(start_accept(&call, &stream), KYRON_PENDING);
        lose_daemon();
        come_back(NEXT_EPOCH);
        scripted_daemon_send_joined(&kyron_iod, expect_join(), ENDPOINT, "tcp:127.0.0.1:80");
        far = pass(ids[0]);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 0);
        kyron_tcp_stream_close(stream);
        kyron_endpoint_close(endpoint);
        close(far);
}
END_TEST

START_TEST(an_endpoint_that_the_next_daemon_does_not_want_says_so)
{
        KyronTcpStream *stream;

        join(false);
        ck_assert_int_eq(start_accept(&call, &stream), KYRON_PENDING);
        lose_daemon();
        come_back(NEXT_EPOCH);
        scripted_daemon_send_refused(&kyron_iod, expect_join(), EACCES, "no rule");
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -EACCES);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(start_accept(&call, &stream), -EACCES);
                ck_assert_str_eq(kyron_error_text(), "no rule");
        }
        kyron_endpoint_close(endpoint);
}
END_TEST

START_TEST(an_endpoint_closed_in_an_outage_leaves)
{
        const Iod__Frame *frame;

        join(false);
        lose_daemon();
        kyron_endpoint_close(endpoint);
        come_back(NEXT_EPOCH);
        scripted_daemon_send_joined(&kyron_iod, expect_join(), ENDPOINT + 1, "tcp:127.0.0.1:80");
        frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_LEAVE);
        ck_assert_uint_eq(frame->leave->endpoint, ENDPOINT + 1);
        scripted_daemon_send_done(&kyron_iod, frame->sequence);
        process(handle, 0);
        ck_assert(TAILQ_EMPTY(&handle->endpoints));
}
END_TEST

START_TEST(an_endpoint_that_was_leaving_has_left)
{
        join(false);
        kyron_endpoint_close(endpoint);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_LEAVE);
        lose_daemon();
        ck_assert(TAILQ_EMPTY(&handle->endpoints));
        come_back(NEXT_EPOCH);
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

START_TEST(what_arrived_before_the_daemon_died_is_accepted_after_it)
{
        KyronTcpStream *stream;
        int far;

        join(false);
        far = pass(ids[0]);
        lose_daemon();
        /* It might be another worker's, if the daemon lived. */
        ck_assert_int_eq(start_accept(&call, &stream), KYRON_PENDING);
        come_back(NEXT_EPOCH);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 0);
        /* And to the next daemon it is a registration as any other. */
        ck_assert_uint_eq(expect_sources()->n_source, 1);
        scripted_daemon_send_joined(&kyron_iod, expect_join(), ENDPOINT, "tcp:127.0.0.1:80");
        kyron_tcp_stream_close(stream);
        ck_assert_uint_eq(expect_sources()->n_taken, 0);
        kyron_endpoint_close(endpoint);
        close(far);
}
END_TEST

START_TEST(what_arrived_before_a_living_daemon_ended_the_session_is_anothers)
{
        KyronTcpStream *stream;
        int far;

        join(false);
        far = pass(ids[0]);
        lose_daemon();
        ck_assert_int_eq(start_accept(&call, &stream), KYRON_PENDING);
        come_back(FIRST_EPOCH);
        ck_assert_int_eq(read(far, &byte, 1), 0);
        ck_assert_int_eq(call.completions, 0);
        /* Its id is offered again. */
        scripted_daemon_send_joined(&kyron_iod, expect_join(), ENDPOINT, "tcp:127.0.0.1:80");
        close(far);
        far = pass(ids[1]);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        kyron_tcp_stream_close(stream);
        kyron_endpoint_close(endpoint);
        close(far);
}
END_TEST

START_TEST(a_connection_that_is_kept_waits_for_the_next_daemon)
{
        KyronTcpStream *stream;
        uint64_t id;
        TestCall read_call;
        int far;

        join(true);
        far = pass(ids[0]);
        ck_assert_int_eq(start_accept(&call, &stream), 0);
        test_call_init(&read_call);
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &read_call.operation, &byte, 1),
                         KYRON_PENDING);
        lose_daemon();
        put_byte(far);
        for (int i = 0; i < 5; i++)
                process(handle, 1);
        ck_assert_int_eq(read_call.completions, 0);
        come_back(NEXT_EPOCH);
        id = io_id_unpack(expect_sources()->source[0]);
        expect_join();
        send_readiness(id);
        ck_assert(PROCESS_UNTIL(handle, read_call.completions == 1));
        ck_assert_int_eq(read_call.result, 1);
        kyron_tcp_stream_close(stream);
        kyron_endpoint_close(endpoint);
        close(far);
}
END_TEST

START_TEST(a_connection_that_a_living_daemon_kept_is_anothers)
{
        KyronTcpStream *stream;
        TestCall read_call;
        int far;

        join(true);
        far = pass(ids[0]);
        ck_assert_int_eq(start_accept(&call, &stream), 0);
        test_call_init(&read_call);
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &read_call.operation, &byte, 1),
                         KYRON_PENDING);
        lose_daemon();
        come_back(FIRST_EPOCH);
        ck_assert(PROCESS_UNTIL(handle, read_call.completions == 1));
        ck_assert_int_eq(read_call.result, -ESTALE);
        kyron_tcp_stream_close(stream);
        kyron_endpoint_close(endpoint);
        close(far);
}
END_TEST

TEST_SUITE(test_outage)
{
        TCase *tcase = tcase_create("those who wait");

        tcase_add_checked_fixture(tcase, set_up_waiting, tear_down);
        tcase_add_test(tcase, who_waits_is_registered_with_the_next_daemon_and_does_not_notice);
        tcase_add_test(tcase, what_was_sent_and_never_read_is_sent_again);
        tcase_add_test(tcase, what_the_daemon_sent_before_its_end_still_counts);
        tcase_add_test(tcase, without_a_daemon_nobody_is_woken_where_it_is_not_allowed);
        tcase_add_test(tcase, what_is_closed_in_an_outage_is_told_to_nobody);
        tcase_add_test(tcase, a_foreign_loop_is_told_when_to_try_again);
        tcase_add_test(tcase, a_daemon_that_turns_it_away_is_asked_again);
        tcase_add_test(tcase, the_program_is_told_who_serves);
        suite_add_tcase(suite, tcase);

        tcase = tcase_create("the local driver");
        tcase_add_checked_fixture(tcase, set_up_local, tear_down);
        tcase_add_test(tcase, who_comes_to_wait_in_an_outage_is_served_locally);
        tcase_add_test(tcase, who_waited_before_an_outage_is_served_locally);
        tcase_add_test(tcase, what_became_ready_before_the_loss_and_was_not_told_is_found);
        tcase_add_test(tcase, another_interest_in_an_outage_is_served_too);
        tcase_add_test(tcase,
                       until_the_next_daemon_has_read_what_it_is_to_serve_it_is_served_locally);
        tcase_add_test(tcase, with_a_daemon_again_it_alone_serves);
        tcase_add_test(tcase, its_answer_does_not_end_the_handover);
        tcase_add_test(tcase, a_daemon_lost_before_it_has_answered_is_replaced_too);
        tcase_add_test(tcase, who_comes_back_says_for_how_long_it_was_away);
        tcase_add_test(tcase, a_second_outage_is_as_the_first);
        tcase_add_test(tcase, a_copy_of_what_was_closed_in_an_outage_wakes_nobody);
        tcase_add_test(tcase, what_is_released_in_an_outage_may_be_waited_for_by_another_object);
        suite_add_tcase(suite, tcase);

        tcase = tcase_create("a daemon that hangs");
        tcase_add_checked_fixture(tcase, set_up_soon_lost, tear_down);
        tcase_add_test(tcase, a_daemon_that_is_silent_is_asked_once_and_may_rest);
        tcase_add_test(tcase, while_a_request_waits_it_is_asked_again);
        tcase_add_test(tcase, a_daemon_that_does_not_answer_is_lost);
        tcase_add_test(tcase, a_daemon_that_does_not_read_is_lost);
        suite_add_tcase(suite, tcase);

        tcase = tcase_create("requests and endpoints");
        tcase_add_checked_fixture(tcase, set_up_local, tear_down);
        tcase_add_test(tcase, a_request_without_an_answer_is_asked_again);
        tcase_add_test(tcase, a_request_nobody_waits_for_is_not_asked_again);
        tcase_add_test(tcase, a_hold_of_which_it_is_not_known_whether_it_was_done_ends);
        tcase_add_test(tcase, an_endpoint_joins_again_and_accepts_go_on);
        tcase_add_test(tcase, an_endpoint_that_the_next_daemon_does_not_want_says_so);
        tcase_add_test(tcase, an_endpoint_closed_in_an_outage_leaves);
        tcase_add_test(tcase, an_endpoint_that_was_leaving_has_left);
        tcase_add_test(tcase, what_arrived_before_the_daemon_died_is_accepted_after_it);
        tcase_add_test(tcase, what_arrived_before_a_living_daemon_ended_the_session_is_anothers);
        tcase_add_test(tcase, a_connection_that_is_kept_waits_for_the_next_daemon);
        tcase_add_test(tcase, a_connection_that_a_living_daemon_kept_is_anothers);
        suite_add_tcase(suite, tcase);

        tcase = tcase_create("too long");
        tcase_add_checked_fixture(tcase, set_up_short, tear_down);
        tcase_add_test(tcase, an_outage_that_lasts_too_long_ends_every_wait);
        suite_add_tcase(suite, tcase);

        tcase = tcase_create("none waited out");
        tcase_add_checked_fixture(tcase, set_up_local_short, tear_down);
        tcase_add_test(tcase, where_no_outage_is_waited_out_local_waits_go_on_and_requests_end);
        suite_add_tcase(suite, tcase);
}
