/* A daemon that comes back and allows a session fewer registrations than the one before. */
#include "client/handle/io_driver_handle.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 16, NEXT_EPOCH = 2, ENDPOINT = 5, CREDITS = 2 };

static ScriptedDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronEndpoint *endpoint;
static uint64_t ids[CREDITS];
static TestCall call;
static char byte;

static void set_up(void)
{
        const KyronOptions options = {.local_fallback = true, .outage_ms = DEADLINE_MS};

        scripted_daemon_start_with(&kyron_iod, SLOTS, &options);
        handle = kyron_iod.handle;
}

static void tear_down(void)
{
        scripted_daemon_stop(&kyron_iod);
}

static const Iod__AddIoSource *expect_sources(void)
{
        return scripted_daemon_expect_sources(&kyron_iod);
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

static void be_joined(void)
{
        const Iod__Frame *frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_JOIN);
        size_t n = frame->join->n_source;

        ck_assert_uint_le(n, CREDITS);
        for (size_t i = 0; i < n; i++)
                ids[i] = io_id_unpack(frame->join->source[i]);
        scripted_daemon_send_joined(&kyron_iod, frame->sequence, ENDPOINT, "tcp:127.0.0.1:80");
        process(handle, 0);
}

static void join(void)
{
        const KyronEndpointOptions options = {.name = "web", .credits = CREDITS};

        test_call_init(&call);
        ck_assert_int_eq(kyron_endpoint_join(&endpoint, handle, &options, &call.operation),
                         KYRON_PENDING);
        be_joined();
        ck_assert_int_eq(call.completions, 1);
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

typedef struct Waiting {
        KyronBridgedFd *reader;
        TestCall call;
        uint64_t id;
        int peer;
        char byte;
} Waiting;

static void start_waiting(Waiting *waiting)
{
        int ends[2];

        pipe_pair(ends);
        waiting->peer = ends[1];
        ck_assert_int_eq(kyron_bridged_fd_new(&waiting->reader, handle, ends[0]), 0);
        test_call_init(&waiting->call);
        ck_assert_int_eq(
                kyron_bridged_fd_read(waiting->reader, &waiting->call.operation, &waiting->byte, 1),
                KYRON_PENDING);
}

static void stop_waiting(Waiting *waiting)
{
        kyron_bridged_fd_close(waiting->reader);
        close(waiting->peer);
}

/* Every one gets what is its own. */
static void check_all_are_served(Waiting *all, size_t from, size_t count, const uint64_t *sources)
{
        for (size_t i = from; i < count; i++) {
                put_byte(all[i].peer);
                if (sources)
                        send_readiness(io_id_unpack(sources[i - from]));
                ck_assert(PROCESS_UNTIL(handle, all[i].call.completions == 1));
                ck_assert_int_eq(all[i].call.result, 1);
        }
}

START_TEST(who_waits_is_given_slots_that_the_next_daemon_allows)
{
        Waiting all[SLOTS];
        uint64_t sources[SLOTS];
        const Iod__AddIoSource *add;
        KyronTcpStream *stream;
        int far;

        join();
        for (int i = 0; i < SLOTS - 2; i++)
                start_waiting(&all[i]);
        expect_sources();
        for (int i = 0; i < SLOTS - 6; i++)
                stop_waiting(&all[i]);
        lose_daemon();
        /* Four of the pipes are left and the endpoint's two, all above. */
        kyron_iod.registrations_max = 5;
        come_back(NEXT_EPOCH);
        add = expect_sources();
        ck_assert_uint_eq(add->n_source, 4);
        for (int i = 0; i < 4; i++) {
                ck_assert_uint_lt(io_id_slot(add->source[i]), 5);
                sources[i] = add->source[i];
        }
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_GET_STATUS);
        be_joined();
        ck_assert_uint_lt(io_id_slot(ids[0]), 5);
        check_all_are_served(all, SLOTS - 6, SLOTS - 2, sources);
        far = pass(ids[0]);
        ck_assert_int_eq(start_accept(&call, &stream), 0);
        kyron_tcp_stream_close(stream);
        close(far);
        for (int i = SLOTS - 6; i < SLOTS - 2; i++)
                stop_waiting(&all[i]);
        kyron_endpoint_close(endpoint);
}
END_TEST

START_TEST(who_is_given_another_slot_is_served_locally_until_the_daemon_has_it)
{
        Waiting all[SLOTS];

        for (int i = 0; i < SLOTS; i++)
                start_waiting(&all[i]);
        expect_sources();
        for (int i = 0; i < SLOTS - 4; i++)
                stop_waiting(&all[i]);
        lose_daemon();
        kyron_iod.registrations_max = 4;
        come_back(NEXT_EPOCH);
        ck_assert_uint_eq(expect_sources()->n_source, 4);
        /* The daemon has not answered, and says nothing. */
        check_all_are_served(all, SLOTS - 4, SLOTS, NULL);
        for (int i = SLOTS - 4; i < SLOTS; i++)
                stop_waiting(&all[i]);
}
END_TEST

START_TEST(those_too_many_for_the_next_daemon_end_and_can_wait_again_with_another)
{
        Waiting all[SLOTS];
        const Iod__AddIoSource *add;
        uint64_t sources[SLOTS];

        for (int i = 0; i < SLOTS; i++)
                start_waiting(&all[i]);
        expect_sources();
        lose_daemon();
        kyron_iod.registrations_max = 4;
        come_back(NEXT_EPOCH);
        add = expect_sources();
        ck_assert_uint_eq(add->n_source, SLOTS);
        memcpy(sources, add->source, sizeof(sources));
        for (int i = 4; i < SLOTS; i++)
                scripted_daemon_send_refused_source(&kyron_iod, io_id_unpack(sources[i]), EDQUOT,
                                                    "this session has all it may have");
        for (int i = 4; i < SLOTS; i++) {
                ck_assert(PROCESS_UNTIL(handle, all[i].call.completions == 1));
                ck_assert_int_eq(all[i].call.result, -EDQUOT);
                ck_assert_str_eq(all[i].call.text, "this session has all it may have");
                /* There is no slot for it now. */
                ck_assert_int_eq(kyron_bridged_fd_read(all[i].reader, &all[i].call.operation,
                                                       &all[i].byte, 1),
                                 -EDQUOT);
        }
        lose_daemon();
        kyron_iod.registrations_max = SLOTS;
        come_back(NEXT_EPOCH + 1);
        add = expect_sources();
        ck_assert_uint_eq(add->n_source, 4);
        memcpy(sources, add->source, 4 * sizeof(sources[0]));
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_GET_STATUS);
        for (int i = 4; i < SLOTS; i++) {
                test_call_init(&all[i].call);
                ck_assert_int_eq(kyron_bridged_fd_read(all[i].reader, &all[i].call.operation,
                                                       &all[i].byte, 1),
                                 KYRON_PENDING);
        }
        add = expect_sources();
        ck_assert_uint_eq(add->n_source, SLOTS - 4);
        memcpy(sources + 4, add->source, (SLOTS - 4) * sizeof(sources[0]));
        for (int i = 0; i < SLOTS; i++) {
                for (int j = 0; j < i; j++)
                        ck_assert_uint_ne(io_id_slot(sources[i]), io_id_slot(sources[j]));
        }
        check_all_are_served(all, 0, SLOTS, sources);
        for (int i = 0; i < SLOTS; i++)
                stop_waiting(&all[i]);
}
END_TEST

START_TEST(what_arrived_and_finds_no_slot_with_the_next_daemon_can_be_accepted)
{
        KyronTcpStream *stream;
        int far;

        join();
        far = pass(ids[0]);
        lose_daemon();
        come_back(NEXT_EPOCH);
        scripted_daemon_send_refused_source(&kyron_iod, io_id_unpack(expect_sources()->source[0]),
                                            EDQUOT, "no room");
        be_joined();
        ck_assert_int_eq(start_accept(&call, &stream), 0);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_OFFER);
        scripted_daemon_expect_nothing(&kyron_iod);
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, &byte, 1), KYRON_PENDING);
        ck_assert_uint_eq(expect_sources()->n_source, 1);
        kyron_tcp_stream_close(stream);
        kyron_endpoint_close(endpoint);
        close(far);
}
END_TEST

START_TEST(what_arrived_and_found_no_slot_is_let_go_of_with_its_endpoint)
{
        int far;

        join();
        far = pass(ids[0]);
        lose_daemon();
        come_back(NEXT_EPOCH);
        scripted_daemon_send_refused_source(&kyron_iod, io_id_unpack(expect_sources()->source[0]),
                                            EDQUOT, "no room");
        process(handle, 0);
        kyron_endpoint_close(endpoint);
        fd_list_close(&kyron_iod.fds);
        ck_assert_int_eq(read(far, &byte, 1), 0);
        close(far);
}
END_TEST

TEST_SUITE(test_lower_limit)
{
        TCase *tcase = tcase_create("lower limit");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, who_waits_is_given_slots_that_the_next_daemon_allows);
        tcase_add_test(tcase, who_is_given_another_slot_is_served_locally_until_the_daemon_has_it);
        tcase_add_test(tcase,
                       those_too_many_for_the_next_daemon_end_and_can_wait_again_with_another);
        tcase_add_test(tcase, what_arrived_and_finds_no_slot_with_the_next_daemon_can_be_accepted);
        tcase_add_test(tcase, what_arrived_and_found_no_slot_is_let_go_of_with_its_endpoint);
        suite_add_tcase(suite, tcase);
}
