/* A program across the death of real daemons: round trips go on, and nothing is lost. */
#include "core/cleanup.h"
#include "tests/support/client.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { PAIRS = 50, CRASHES = 10, TRIPS_BETWEEN = 200 };

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;

/* One end echoes, the other counts what comes back. */
typedef struct Pair {
        KyronBridgedFd *echo;
        KyronBridgedFd *asker;
        KyronOperation echo_read, echo_write, asker_read, asker_write;
        uint32_t received, sent, answer;
        unsigned trips;
} Pair;

static Pair pairs[PAIRS];
static unsigned long trips;
static bool stopping;

static void ask(Pair *pair);

static void on_echo_sent(KyronOperation *operation);

static void echo_next(Pair *pair)
{
        int r = kyron_bridged_fd_read(pair->echo, &pair->echo_read, &pair->received,
                                      sizeof(pair->received));

        ck_assert_msg(r >= 0, "%s", kyron_error_text());
        if (r == 0)
                pair->echo_read.completion(&pair->echo_read);
}

static void on_echo_received(KyronOperation *operation)
{
        Pair *pair = operation->user;

        if (operation->result < 0 && stopping)
                return;
        ck_assert_int_eq(operation->result, sizeof(pair->received));
        ck_assert_int_eq(kyron_bridged_fd_write(pair->echo, &pair->echo_write, &pair->received,
                                                sizeof(pair->received)),
                         0);
        on_echo_sent(&pair->echo_write);
}

static void on_echo_sent(KyronOperation *operation)
{
        ck_assert_int_eq(operation->result, sizeof(uint32_t));
        echo_next(operation->user);
}

static void on_answer(KyronOperation *operation)
{
        Pair *pair = operation->user;

        if (operation->result < 0 && stopping)
                return;
        ck_assert_int_eq(operation->result, sizeof(pair->answer));
        ck_assert_uint_eq(pair->answer, pair->sent);
        trips++;
        pair->trips++;
        ask(pair);
}

static void ask(Pair *pair)
{
        int r;

        pair->sent++;
        ck_assert_int_eq(kyron_bridged_fd_write(pair->asker, &pair->asker_write, &pair->sent,
                                                sizeof(pair->sent)),
                         0);
        r = kyron_bridged_fd_read(pair->asker, &pair->asker_read, &pair->answer,
                                  sizeof(pair->answer));
        /* The echo is in this thread: it has not run yet. */
        ck_assert_int_eq(r, KYRON_PENDING);
}

static void start_pairs(void)
{
        memset(pairs, 0, sizeof(pairs));
        trips = 0;
        stopping = false;
        for (int i = 0; i < PAIRS; i++) {
                Pair *pair = &pairs[i];
                int ends[2];

                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
                ck_assert_int_eq(kyron_bridged_fd_new(&pair->echo, handle, ends[0]), 0);
                ck_assert_int_eq(kyron_bridged_fd_new(&pair->asker, handle, ends[1]), 0);
                kyron_operation_init(&pair->echo_read, on_echo_received, pair);
                kyron_operation_init(&pair->echo_write, on_echo_sent, pair);
                kyron_operation_init(&pair->asker_read, on_answer, pair);
                kyron_operation_init(&pair->asker_write, NULL, pair);
                echo_next(pair);
                ask(pair);
        }
}

static void stop_pairs(void)
{
        stopping = true;
        for (int i = 0; i < PAIRS; i++) {
                kyron_bridged_fd_close(pairs[i].echo);
                kyron_bridged_fd_close(pairs[i].asker);
        }
        kyron_io_driver_handle_close(handle);
}

static void run_trips(unsigned long count)
{
        unsigned long until = trips + count;

        ck_assert(PROCESS_UNTIL(handle, trips >= until));
}

static void check_that_all_go_on(void)
{
        unsigned before[PAIRS];

        for (int i = 0; i < PAIRS; i++)
                before[i] = pairs[i].trips;
        for (int i = 0; i < PAIRS; i++)
                ck_assert_msg(PROCESS_UNTIL(handle, pairs[i].trips > before[i]), "pair %d", i);
}

static void open_with(const KyronOptions *wanted)
{
        KyronOptions options = *wanted;

        options.socket_path = kyron_iod.socket_path;
        options.delivery = KYRON_DELIVERY_RELAYED;
        options.program = "test";
        ck_assert_msg(kyron_io_driver_handle_open(&handle, &options) == 0, "%s",
                      kyron_error_text());
}

START_TEST(round_trips_go_on_without_a_daemon_and_with_the_next)
{
        const KyronOptions options = {.local_fallback = true};

        test_daemon_start(&kyron_iod, NULL);
        open_with(&options);
        start_pairs();
        for (int i = 0; i < CRASHES; i++) {
                run_trips(TRIPS_BETWEEN);
                ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_BY_DAEMON);
                test_daemon_crash(&kyron_iod);
                ck_assert(PROCESS_UNTIL(handle, kyron_io_driver_handle_served_by(handle) ==
                                                        KYRON_SERVED_LOCALLY));
                run_trips(TRIPS_BETWEEN);
                check_that_all_go_on();
                test_daemon_start_again(&kyron_iod, NULL);
                ck_assert(PROCESS_UNTIL(handle, kyron_io_driver_handle_served_by(handle) ==
                                                        KYRON_SERVED_BY_DAEMON));
                check_that_all_go_on();
        }
        stop_pairs();
        test_daemon_stop(&kyron_iod);
}
END_TEST

START_TEST(round_trips_wait_for_the_next_daemon_and_go_on)
{
        const KyronOptions options = {.outage_ms = DEADLINE_MS};

        test_daemon_start(&kyron_iod, NULL);
        open_with(&options);
        start_pairs();
        for (int i = 0; i < CRASHES; i++) {
                run_trips(TRIPS_BETWEEN);
                test_daemon_crash(&kyron_iod);
                test_daemon_start_again(&kyron_iod, NULL);
                check_that_all_go_on();
        }
        stop_pairs();
        test_daemon_stop(&kyron_iod);
}
END_TEST

START_TEST(a_program_runs_where_there_is_no_daemon)
{
        const KyronOptions options = {.local_fallback = true};

        test_daemon_start(&kyron_iod, NULL);
        test_daemon_crash(&kyron_iod);
        open_with(&options);
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_LOCALLY);
        ck_assert_uint_eq(kyron_io_driver_handle_session(handle), 0);
        start_pairs();
        run_trips(TRIPS_BETWEEN);
        /* And has a daemon once there is one. */
        test_daemon_start_again(&kyron_iod, NULL);
        ck_assert(PROCESS_UNTIL(handle, kyron_io_driver_handle_served_by(handle) ==
                                                KYRON_SERVED_BY_DAEMON));
        check_that_all_go_on();
        stop_pairs();
        test_daemon_stop(&kyron_iod);
}
END_TEST

START_TEST(the_environment_allows_it_to_every_program)
{
        const KyronOptions options = {.outage_ms = 0};

        test_daemon_start(&kyron_iod, NULL);
        test_daemon_crash(&kyron_iod);
        setenv("KYRON_LOCAL_FALLBACK", "1", 1);
        open_with(&options);
        start_pairs();
        run_trips(TRIPS_BETWEEN);
        stop_pairs();
        setenv("KYRON_LOCAL_FALLBACK", "0", 1);
        ck_assert_int_eq(kyron_io_driver_handle_open(&handle,
                                                     &(KyronOptions){
                                                             .socket_path = kyron_iod.socket_path,
                                                     }),
                         -ECONNREFUSED);
        remove_temp_dir(STEAL_PTR(kyron_iod.directory));
}
END_TEST

START_TEST(a_daemon_that_stops_is_waited_for_as_one_that_dies)
{
        const KyronOptions options = {.local_fallback = true};
        int status;

        test_daemon_start(&kyron_iod, NULL);
        open_with(&options);
        start_pairs();
        run_trips(TRIPS_BETWEEN);
        ck_assert_int_eq(kill(kyron_iod.pid, SIGTERM), 0);
        ck_assert(PROCESS_UNTIL(handle,
                                kyron_io_driver_handle_served_by(handle) == KYRON_SERVED_LOCALLY));
        ck_assert(wait_exit(kyron_iod.pid, DEADLINE_MS, &status));
        check_that_all_go_on();
        test_daemon_start_again(&kyron_iod, NULL);
        ck_assert(PROCESS_UNTIL(handle, kyron_io_driver_handle_served_by(handle) ==
                                                KYRON_SERVED_BY_DAEMON));
        check_that_all_go_on();
        stop_pairs();
        test_daemon_stop(&kyron_iod);
}
END_TEST

static void stop_daemon(void)
{
        ck_assert_int_eq(kill(kyron_iod.pid, SIGSTOP), 0);
}

static void let_daemon_go_on(void)
{
        ck_assert_int_eq(kill(kyron_iod.pid, SIGCONT), 0);
}

static bool is_served(KyronServedBy by)
{
        return kyron_io_driver_handle_served_by(handle) == by;
}

START_TEST(a_daemon_that_hangs_is_noticed_and_had_again)
{
        const KyronOptions options = {.local_fallback = true, .alive_ms = 100};

        test_daemon_start(&kyron_iod, NULL);
        open_with(&options);
        start_pairs();
        for (int i = 0; i < 3; i++) {
                run_trips(TRIPS_BETWEEN);
                stop_daemon();
                ck_assert(PROCESS_UNTIL(handle, is_served(KYRON_SERVED_LOCALLY)));
                run_trips(TRIPS_BETWEEN);
                check_that_all_go_on();
                let_daemon_go_on();
                ck_assert(PROCESS_UNTIL(handle, is_served(KYRON_SERVED_BY_DAEMON)));
                check_that_all_go_on();
        }
        stop_pairs();
        test_daemon_stop(&kyron_iod);
}
END_TEST

START_TEST(without_a_local_driver_a_daemon_that_hangs_is_waited_for)
{
        const KyronOptions options = {.alive_ms = 100};

        test_daemon_start(&kyron_iod, NULL);
        open_with(&options);
        start_pairs();
        run_trips(TRIPS_BETWEEN);
        stop_daemon();
        ck_assert(PROCESS_UNTIL(handle, is_served(KYRON_SERVED_LATER)));
        let_daemon_go_on();
        ck_assert(PROCESS_UNTIL(handle, is_served(KYRON_SERVED_BY_DAEMON)));
        check_that_all_go_on();
        stop_pairs();
        test_daemon_stop(&kyron_iod);
}
END_TEST

TEST_SUITE(test_outage_live)
{
        TCase *tcase = tcase_create("outage");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, round_trips_go_on_without_a_daemon_and_with_the_next);
        tcase_add_test(tcase, round_trips_wait_for_the_next_daemon_and_go_on);
        tcase_add_test(tcase, a_daemon_that_hangs_is_noticed_and_had_again);
        tcase_add_test(tcase, without_a_local_driver_a_daemon_that_hangs_is_waited_for);
        tcase_add_test(tcase, a_program_runs_where_there_is_no_daemon);
        tcase_add_test(tcase, the_environment_allows_it_to_every_program);
        tcase_add_test(tcase, a_daemon_that_stops_is_waited_for_as_one_that_dies);
        suite_add_tcase(suite, tcase);
}
