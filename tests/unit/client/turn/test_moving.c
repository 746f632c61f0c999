/* From the daemon to this process and back: who serves, what is told, and that nothing is lost. */
#include "client/turn/moving.h"

#include "core/cleanup.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
        SLOTS = 128,
        NEXT_EPOCH = 2,
        ENDPOINT = 5,
        BOTH = DELIVERY_ALLOWS_RELAYED | DELIVERY_ALLOWS_DIRECT,
};

static ScriptedDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronBridgedFd *reader;
static int peer;
static TestCall call;
static char byte;
static KyronServedBy told[8];
static int told_count;

static void note_served_by(KyronIoDriverHandle *whose, KyronServedBy by, void *user)
{
        (void)whose;
        (void)user;
        ck_assert_int_lt(told_count, 8);
        told[told_count++] = by;
}

static void open_with(uint32_t deliveries, KyronDelivery delivery, bool local)
{
        const KyronOptions options = {
                .delivery = delivery,
                .local_fallback = local,
                .outage_ms = DEADLINE_MS,
                .served_by_changed = note_served_by,
        };
        int ends[2];

        told_count = 0;
        scripted_daemon_start_allowing(&kyron_iod, SLOTS, deliveries, &options);
        handle = kyron_iod.handle;
        pipe_pair(ends);
        ck_assert_int_eq(kyron_bridged_fd_new(&reader, handle, ends[0]), 0);
        peer = ends[1];
        test_call_init(&call);
}

static void set_up_relayed(void)
{
        open_with(BOTH, KYRON_DELIVERY_RELAYED, false);
}

static void set_up_direct(void)
{
        open_with(BOTH, KYRON_DELIVERY_DIRECT, false);
}

static void tear_down(void)
{
        kyron_bridged_fd_close(reader);
        close(peer);
        scripted_daemon_stop(&kyron_iod);
}

/* ---- Steps --------------------------------------------------------------------------------- */

static void start_read(void)
{
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_read(reader, &call.operation, &byte, 1), KYRON_PENDING);
}

static void take_turns(void)
{
        for (int i = 0; i < 5; i++)
                process(handle, 1);
}

static const Iod__AddIoSource *expect_sources(void)
{
        return scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE)->add_io_source;
}

static uint64_t expect_reader(void)
{
        const Iod__AddIoSource *add = expect_sources();

        ck_assert_uint_eq(add->n_source, 1);
        ck_assert_uint_eq(kyron_iod.fds.count, 1);
        return io_id_unpack(add->source[0]);
}

static uint32_t expect_delivery(Iod__Delivery delivery)
{
        const Iod__Frame *frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_SET_DELIVERY);

        ck_assert_int_eq(frame->set_delivery->delivery, delivery);
        return frame->sequence;
}

static uint32_t expect_question(void)
{
        return scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_GET_STATUS)->sequence;
}

static void answer(uint32_t sequence)
{
        scripted_daemon_send_done(&kyron_iod, sequence);
        process(handle, 0);
}

static void answer_question(uint32_t sequence)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Status status = IOD__STATUS__INIT;

        frame.body_case = IOD__FRAME__BODY_STATUS;
        frame.status = &status;
        frame.sequence = sequence;
        scripted_daemon_send(&kyron_iod, &frame, NULL, 0);
        process(handle, 0);
}

static void send_readiness(uint64_t id)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Readiness body = IOD__READINESS__INIT;
        uint64_t event = io_id_pack(id, READINESS_READABLE);

        body.n_event = 1;
        body.event = &event;
        frame.body_case = IOD__FRAME__BODY_READINESS;
        frame.readiness = &body;
        scripted_daemon_send(&kyron_iod, &frame, NULL, 0);
}

static void want(KyronDelivery delivery)
{
        ck_assert_int_eq(kyron_io_driver_handle_set_delivery(handle, delivery), 0);
}

static void be_direct(void)
{
        want(KYRON_DELIVERY_DIRECT);
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT));
}

/* What this process finds without a word of the daemon's. */
static void check_is_served_here(void)
{
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
}

static void check_is_served_by_daemon(uint64_t id)
{
        put_byte(peer);
        take_turns();
        ck_assert_int_eq(call.completions, 0);
        send_readiness(id);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}

static void lose_daemon(void)
{
        scripted_daemon_vanish(&kyron_iod);
        ck_assert(PROCESS_UNTIL(handle, handle->outage.state != OUTAGE_NONE));
}

static void come_back(uint64_t epoch)
{
        scripted_daemon_await_hello(&kyron_iod);
        scripted_daemon_welcome(&kyron_iod, epoch);
        ck_assert(PROCESS_UNTIL(handle, handle->outage.state == OUTAGE_NONE));
}

/* ---- Direct -------------------------------------------------------------------------------- */

START_TEST(who_is_direct_from_the_beginning_registers_nothing)
{
        start_read();
        expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT);
        scripted_daemon_expect_nothing(&kyron_iod);
        check_is_served_here();
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_DIRECTLY);
}
END_TEST

/* More than run at once, and all of them ready at one look. */
static struct {
        KyronBridgedFd *readers[100], *another;
        TestCall calls[100], of_another;
        int peer_of_another;
        char bytes[101];
} many;

/* Of the first: closes the last, and waits for another file that has its number and its slot. */
static void exchange_last(KyronOperation *operation)
{
        int ends[2];

        (void)operation;
        kyron_bridged_fd_close(STEAL_PTR(many.readers[99]));
        pipe_pair(ends);
        many.peer_of_another = ends[1];
        ck_assert_int_eq(kyron_bridged_fd_new(&many.another, handle, ends[0]), 0);
        ck_assert_int_eq(kyron_bridged_fd_read(many.another, &many.of_another.operation,
                                               &many.bytes[100], 1),
                         KYRON_PENDING);
}

START_TEST(of_many_that_are_ready_the_first_may_close_the_last)
{
        int peers[100], ends[2];

        test_call_init(&many.of_another);
        for (int i = 0; i < 100; i++) {
                pipe_pair(ends);
                peers[i] = ends[1];
                test_call_init(&many.calls[i]);
                if (i == 0)
                        kyron_operation_init(&many.calls[0].operation, exchange_last, NULL);
                ck_assert_int_eq(kyron_bridged_fd_new(&many.readers[i], handle, ends[0]), 0);
                ck_assert_int_eq(kyron_bridged_fd_read(many.readers[i], &many.calls[i].operation,
                                                       &many.bytes[i], 1),
                                 KYRON_PENDING);
        }
        take_turns();
        for (int i = 0; i < 100; i++)
                put_byte(peers[i]);
        ck_assert_int_eq(process(handle, 0), 100);
        for (int i = 1; i < 100; i++) {
                ck_assert_int_eq(many.calls[i].completions, 1);
                ck_assert_int_eq(many.calls[i].result, i == 99 ? -ECANCELED : 1);
        }
        ck_assert_int_eq(many.of_another.completions, 0);
        for (int i = 0; i < 100; i++) {
                kyron_bridged_fd_close(many.readers[i]);
                close(peers[i]);
        }
        kyron_bridged_fd_close(many.another);
        close(many.peer_of_another);
}
END_TEST

START_TEST(a_daemon_that_does_not_allow_it_is_not_asked)
{
        start_read();
        check_is_served_by_daemon(expect_reader());
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_BY_DAEMON);
}
END_TEST

static void set_up_older_daemon(void)
{
        open_with(0, KYRON_DELIVERY_DIRECT, false);
}

static void set_up_relayed_alone(void)
{
        open_with(DELIVERY_ALLOWS_RELAYED, KYRON_DELIVERY_DIRECT, false);
}

static void set_up_direct_alone(void)
{
        open_with(DELIVERY_ALLOWS_DIRECT, KYRON_DELIVERY_RELAYED, false);
}

START_TEST(where_direct_alone_is_allowed_it_begins_so_and_nothing_is_told)
{
        start_read();
        scripted_daemon_expect_nothing(&kyron_iod);
        check_is_served_here();
        want(KYRON_DELIVERY_RELAYED);
        start_read();
        scripted_daemon_expect_nothing(&kyron_iod);
        check_is_served_here();
}
END_TEST

START_TEST(what_is_closed_and_released_while_direct_is_told_to_nobody)
{
        int fd;

        start_read();
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT));
        ck_assert_int_eq(kyron_bridged_fd_release(STEAL_PTR(reader), &fd), 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(kyron_bridged_fd_new(&reader, handle, fd), 0);
        start_read();
        kyron_bridged_fd_close(STEAL_PTR(reader));
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

/* ---- To direct ----------------------------------------------------------------------------- */

START_TEST(who_waits_is_served_here_before_the_daemon_has_heard_of_it)
{
        start_read();
        expect_reader();
        want(KYRON_DELIVERY_DIRECT);
        expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT);
        check_is_served_here();
        ck_assert_int_eq(told_count, 1);
        ck_assert_int_eq(told[0], KYRON_SERVED_DIRECTLY);
}
END_TEST

START_TEST(what_became_ready_before_and_was_not_told_is_found)
{
        start_read();
        expect_reader();
        put_byte(peer);
        want(KYRON_DELIVERY_DIRECT);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
}
END_TEST

START_TEST(what_was_not_sent_yet_is_not_sent)
{
        start_read();
        want(KYRON_DELIVERY_DIRECT);
        expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT);
        scripted_daemon_expect_nothing(&kyron_iod);
        check_is_served_here();
}
END_TEST

START_TEST(what_the_daemon_told_before_it_heard_wakes_too)
{
        uint64_t id;

        start_read();
        id = expect_reader();
        want(KYRON_DELIVERY_DIRECT);
        expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT);
        send_readiness(id);
        take_turns();
        ck_assert_int_eq(call.completions, 0);
        check_is_served_here();
}
END_TEST

START_TEST(what_the_daemon_refused_before_it_heard_fails_nobody)
{
        uint64_t id;

        start_read();
        id = expect_reader();
        want(KYRON_DELIVERY_DIRECT);
        expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT);
        scripted_daemon_send_refused_source(&kyron_iod, id, EDQUOT, "no room");
        take_turns();
        ck_assert_int_eq(call.completions, 0);
        check_is_served_here();
}
END_TEST

START_TEST(one_that_is_refused_is_moved_back_and_not_tried_again)
{
        uint32_t sequence;
        uint64_t id;

        start_read();
        expect_reader();
        want(KYRON_DELIVERY_DIRECT);
        sequence = expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT);
        scripted_daemon_send_refused(&kyron_iod, sequence, EACCES, "no rule");
        id = expect_reader();
        answer_question(expect_question());
        scripted_daemon_expect_nothing(&kyron_iod);
        check_is_served_by_daemon(id);
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_BY_DAEMON);
}
END_TEST

/* ---- And back ------------------------------------------------------------------------------ */

START_TEST(the_daemon_is_told_and_then_sent_everything)
{
        uint64_t id;

        start_read();
        expect_reader();
        be_direct();
        want(KYRON_DELIVERY_RELAYED);
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_RELAYED));
        id = expect_reader();
        answer_question(expect_question());
        check_is_served_by_daemon(id);
        ck_assert_int_eq(told[told_count - 1], KYRON_SERVED_BY_DAEMON);
}
END_TEST

START_TEST(until_the_daemon_has_read_it_all_it_is_served_here)
{
        be_direct();
        start_read();
        want(KYRON_DELIVERY_RELAYED);
        expect_delivery(IOD__DELIVERY__DELIVERY_RELAYED);
        expect_reader();
        expect_question();
        check_is_served_here();
}
END_TEST

START_TEST(what_the_daemon_has_no_room_for_goes_on_here)
{
        be_direct();
        start_read();
        want(KYRON_DELIVERY_RELAYED);
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_RELAYED));
        scripted_daemon_send_refused_source(&kyron_iod, expect_reader(), EDQUOT, "no room");
        answer_question(expect_question());
        take_turns();
        ck_assert_int_eq(call.completions, 0);
        check_is_served_here();
        start_read();
        check_is_served_here();
}
END_TEST

START_TEST(an_answer_to_an_earlier_question_ends_nothing)
{
        uint32_t early;

        be_direct();
        start_read();
        want(KYRON_DELIVERY_RELAYED);
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_RELAYED));
        expect_reader();
        early = expect_question();
        be_direct();
        want(KYRON_DELIVERY_RELAYED);
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_RELAYED));
        expect_reader();
        answer_question(early);
        check_is_served_here();
}
END_TEST

START_TEST(who_changes_its_mind_tells_the_daemon_one_thing_at_a_time)
{
        uint32_t sequence;

        start_read();
        expect_reader();
        want(KYRON_DELIVERY_DIRECT);
        sequence = expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT);
        want(KYRON_DELIVERY_RELAYED);
        scripted_daemon_expect_nothing(&kyron_iod);
        want(KYRON_DELIVERY_DIRECT);
        want(KYRON_DELIVERY_RELAYED);
        check_is_served_here();
        answer(sequence);
        expect_delivery(IOD__DELIVERY__DELIVERY_RELAYED);
        expect_reader();
}
END_TEST

START_TEST(what_is_closed_on_the_way_back_is_not_sent)
{
        be_direct();
        start_read();
        want(KYRON_DELIVERY_RELAYED);
        kyron_bridged_fd_close(STEAL_PTR(reader));
        expect_delivery(IOD__DELIVERY__DELIVERY_RELAYED);
        scripted_daemon_expect_nothing(&kyron_iod);
        ck_assert_int_eq(call.completions, 1);
}
END_TEST

/* ---- Outages ------------------------------------------------------------------------------- */

START_TEST(who_is_direct_needs_no_daemon_and_stays_direct_with_the_next)
{
        start_read();
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT));
        lose_daemon();
        check_is_served_here();
        start_read();
        come_back(NEXT_EPOCH);
        expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT);
        scripted_daemon_expect_nothing(&kyron_iod);
        check_is_served_here();
        ck_assert_int_eq(told_count, 2);
        ck_assert_int_eq(told[0], KYRON_SERVED_LOCALLY);
        ck_assert_int_eq(told[1], KYRON_SERVED_DIRECTLY);
}
END_TEST

START_TEST(a_next_daemon_that_allows_relayed_alone_is_sent_everything)
{
        uint64_t id;

        start_read();
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT));
        lose_daemon();
        kyron_iod.deliveries = DELIVERY_ALLOWS_RELAYED;
        come_back(NEXT_EPOCH);
        id = expect_reader();
        answer_question(expect_question());
        check_is_served_by_daemon(id);
}
END_TEST

START_TEST(who_was_on_the_way_is_so_with_the_next_daemon)
{
        start_read();
        expect_reader();
        want(KYRON_DELIVERY_DIRECT);
        expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT);
        lose_daemon();
        come_back(NEXT_EPOCH);
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT));
        want(KYRON_DELIVERY_RELAYED);
        expect_delivery(IOD__DELIVERY__DELIVERY_RELAYED);
        expect_reader();
        lose_daemon();
        come_back(NEXT_EPOCH + 1);
        expect_reader();
        expect_question();
        check_is_served_here();
}
END_TEST

START_TEST(who_is_to_be_direct_after_an_outage_registers_nothing)
{
        start_read();
        expect_reader();
        lose_daemon();
        want(KYRON_DELIVERY_DIRECT);
        come_back(NEXT_EPOCH);
        expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT);
        scripted_daemon_expect_nothing(&kyron_iod);
        check_is_served_here();
}
END_TEST

/* ---- What the daemon passes ---------------------------------------------------------------- */

static KyronEndpoint *endpoint;
static uint64_t ids[4];

static void be_joined(void)
{
        const Iod__Frame *frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_JOIN);

        ck_assert_uint_le(frame->join->n_source, 4);
        for (size_t i = 0; i < frame->join->n_source; i++)
                ids[i] = io_id_unpack(frame->join->source[i]);
        scripted_daemon_send_joined(&kyron_iod, frame->sequence, ENDPOINT, "tcp:127.0.0.1:80");
        process(handle, 0);
}

static void join(void)
{
        const KyronEndpointOptions options = {
                .name = "web",
                .credits = 4,
                .keep_on_death = true,
        };

        ck_assert_int_eq(kyron_endpoint_join(&endpoint, handle, &options, &call.operation),
                         KYRON_PENDING);
        be_joined();
        ck_assert_int_eq(call.completions, 1);
        test_call_init(&call);
}

/* Returns its far end. */
static int accept_passed(KyronTcpStream **out, bool unregistered)
{
        Iod__Connection connection = IOD__CONNECTION__INIT, *list[] = {&connection};
        Iod__Connections body = IOD__CONNECTIONS__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;
        int ends[2];

        tcp_pair(ends);
        connection.id = ids[0];
        body.endpoint = ENDPOINT;
        body.n_connection = 1;
        body.connection = list;
        body.unregistered = unregistered;
        frame.body_case = IOD__FRAME__BODY_CONNECTIONS;
        frame.connections = &body;
        scripted_daemon_send(&kyron_iod, &frame, &ends[1], 1);
        close(ends[1]);
        process(handle, 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_endpoint_accept(endpoint, &call.operation, out), 0);
        ck_assert_uint_eq(expect_sources()->n_taken, 1);
        ck_assert_int_eq(kyron_tcp_stream_read(*out, &call.operation, &byte, 1), KYRON_PENDING);
        return ends[0];
}

/* Ends it, of which the daemon is told. */
static void end_passed(KyronTcpStream *stream, int far)
{
        const Iod__AddIoSource *add;

        kyron_tcp_stream_close(stream);
        ck_assert_int_eq(read(far, &byte, 1), 0);
        add = expect_sources();
        ck_assert_uint_eq(add->n_source, 0);
        ck_assert_uint_eq(add->n_gone, 1);
        kyron_endpoint_close(endpoint);
        close(far);
}

static void check_passed_is_served_here(int far)
{
        put_byte(far);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
}

START_TEST(what_is_passed_to_a_direct_session_is_waited_for_here)
{
        KyronTcpStream *stream;
        int far;

        be_direct();
        join();
        far = accept_passed(&stream, true);
        scripted_daemon_expect_nothing(&kyron_iod);
        check_passed_is_served_here(far);
        end_passed(stream, far);
}
END_TEST

START_TEST(what_was_passed_before_the_daemon_heard_is_waited_for_here)
{
        KyronTcpStream *stream;
        int far;

        join();
        want(KYRON_DELIVERY_DIRECT);
        expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT);
        far = accept_passed(&stream, false);
        check_passed_is_served_here(far);
        end_passed(stream, far);
}
END_TEST

START_TEST(what_was_passed_before_the_daemon_waits_again_is_registered_when_it_waits)
{
        KyronTcpStream *stream;
        int far;

        be_direct();
        join();
        want(KYRON_DELIVERY_RELAYED);
        expect_delivery(IOD__DELIVERY__DELIVERY_RELAYED);
        far = accept_passed(&stream, true);
        ck_assert_uint_eq(expect_reader(), ids[0]);
        end_passed(stream, far);
}
END_TEST

START_TEST(what_was_passed_directly_is_registered_on_the_way_back)
{
        KyronTcpStream *stream;
        int far;

        be_direct();
        join();
        far = accept_passed(&stream, true);
        want(KYRON_DELIVERY_RELAYED);
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_RELAYED));
        ck_assert_uint_eq(expect_reader(), ids[0]);
        answer_question(expect_question());
        end_passed(stream, far);
}
END_TEST

START_TEST(after_an_outage_it_is_claimed_without_a_registration)
{
        const Iod__Claim *claim;
        KyronTcpStream *stream;
        int far;

        be_direct();
        join();
        far = accept_passed(&stream, true);
        lose_daemon();
        come_back(NEXT_EPOCH);
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT));
        be_joined();
        claim = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CLAIM)->claim;
        ck_assert_uint_eq(claim->n_connection, 1);
        check_passed_is_served_here(far);
        end_passed(stream, far);
}
END_TEST

START_TEST(while_it_may_be_anothers_it_is_not_served)
{
        KyronTcpStream *stream;
        int far;

        be_direct();
        join();
        far = accept_passed(&stream, true);
        lose_daemon();
        put_byte(far);
        take_turns();
        ck_assert_int_eq(call.completions, 0);
        come_back(NEXT_EPOCH);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
        kyron_tcp_stream_close(stream);
        kyron_endpoint_close(endpoint);
        close(far);
}
END_TEST

START_TEST(of_a_daemon_that_lived_it_is_anothers)
{
        KyronTcpStream *stream;
        int far;

        be_direct();
        join();
        far = accept_passed(&stream, true);
        lose_daemon();
        come_back(1);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -ESTALE);
        kyron_tcp_stream_close(stream);
        kyron_endpoint_close(endpoint);
        close(far);
}
END_TEST

/* ---- Auto ---------------------------------------------------------------------------------- */

START_TEST(auto_has_a_timer_while_it_is_direct_and_only_then)
{
        want(KYRON_DELIVERY_AUTO);
        take_turns();
        ck_assert_int_lt(handle->delivery.timer_fd, 0);
        handle->delivery.pace.direct = true;
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT));
        ck_assert_int_ge(handle->delivery.timer_fd, 0);
        handle->delivery.pace.direct = false;
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_RELAYED));
        ck_assert_int_lt(handle->delivery.timer_fd, 0);
}
END_TEST

START_TEST(auto_comes_back_by_its_timer_alone)
{
        want(KYRON_DELIVERY_AUTO);
        handle->delivery.pace.direct = true;
        handle->delivery.pace.quiet_ms = 1;
        answer(expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT));
        ck_assert(PROCESS_UNTIL(handle, !handle->delivery.direct));
        expect_delivery(IOD__DELIVERY__DELIVERY_RELAYED);
}
END_TEST

START_TEST(auto_goes_when_it_takes_turn_after_turn)
{
        want(KYRON_DELIVERY_AUTO);
        for (int i = 0; i < 100 * DELIVERY_BUSY_TURNS && !handle->delivery.direct; i++) {
                kyron_io_driver_handle_wake(handle);
                process(handle, 0);
        }
        expect_delivery(IOD__DELIVERY__DELIVERY_DIRECT);
}
END_TEST

START_TEST(a_delivery_that_is_none_is_refused)
{
        ck_assert_int_eq(kyron_io_driver_handle_set_delivery(handle, (KyronDelivery)3), -EINVAL);
}
END_TEST

TEST_SUITE(test_moving)
{
        const struct {
                const char *name;
                void (*set_up)(void);
                const TTest *tests[12];
        } cases[] = {
                {"direct",
                 set_up_direct,
                 {who_is_direct_from_the_beginning_registers_nothing,
                  of_many_that_are_ready_the_first_may_close_the_last,
                  what_is_closed_and_released_while_direct_is_told_to_nobody,
                  who_is_direct_needs_no_daemon_and_stays_direct_with_the_next,
                  a_next_daemon_that_allows_relayed_alone_is_sent_everything}},
                {"older daemon",
                 set_up_older_daemon,
                 {a_daemon_that_does_not_allow_it_is_not_asked}},
                {"relayed alone",
                 set_up_relayed_alone,
                 {a_daemon_that_does_not_allow_it_is_not_asked}},
                {"direct alone",
                 set_up_direct_alone,
                 {where_direct_alone_is_allowed_it_begins_so_and_nothing_is_told}},
                {"to direct",
                 set_up_relayed,
                 {who_waits_is_served_here_before_the_daemon_has_heard_of_it,
                  what_became_ready_before_and_was_not_told_is_found,
                  what_was_not_sent_yet_is_not_sent, what_the_daemon_told_before_it_heard_wakes_too,
                  what_the_daemon_refused_before_it_heard_fails_nobody,
                  one_that_is_refused_is_moved_back_and_not_tried_again}},
                {"back",
                 set_up_relayed,
                 {the_daemon_is_told_and_then_sent_everything,
                  until_the_daemon_has_read_it_all_it_is_served_here,
                  what_the_daemon_has_no_room_for_goes_on_here,
                  an_answer_to_an_earlier_question_ends_nothing,
                  who_changes_its_mind_tells_the_daemon_one_thing_at_a_time,
                  what_is_closed_on_the_way_back_is_not_sent,
                  who_was_on_the_way_is_so_with_the_next_daemon,
                  who_is_to_be_direct_after_an_outage_registers_nothing}},
                {"passed",
                 set_up_relayed,
                 {what_is_passed_to_a_direct_session_is_waited_for_here,
                  what_was_passed_before_the_daemon_heard_is_waited_for_here,
                  what_was_passed_before_the_daemon_waits_again_is_registered_when_it_waits,
                  what_was_passed_directly_is_registered_on_the_way_back,
                  after_an_outage_it_is_claimed_without_a_registration,
                  while_it_may_be_anothers_it_is_not_served,
                  of_a_daemon_that_lived_it_is_anothers}},
                {"auto",
                 set_up_relayed,
                 {auto_has_a_timer_while_it_is_direct_and_only_then,
                  auto_comes_back_by_its_timer_alone, auto_goes_when_it_takes_turn_after_turn,
                  a_delivery_that_is_none_is_refused}},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                TCase *tcase = tcase_create(cases[i].name);

                tcase_add_checked_fixture(tcase, cases[i].set_up, tear_down);
                tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
                for (size_t j = 0; j < 12 && cases[i].tests[j]; j++)
                        tcase_add_test(tcase, cases[i].tests[j]);
                suite_add_tcase(suite, tcase);
        }
}
