/*
 * What a shared listener promises: connections are spread as the group is set up, go on when their
 * worker dies, and are never refused while the server restarts.
 *
 * KYRON_TEST_SCALE=full: 20,000 connections, 1,000 kills, 100 restarts.
 */
#include "tests/support/daemon.h"
#include "tests/support/deadline.h"
#include "tests/support/echo_worker.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"
#include "tests/support/scale.h"
#include "tests/support/service_frames.h"
#include "tests/support/short_connections.h"

#include <stdio.h>
#include <string.h>

enum {
        WORKERS = 4,
        AT_ONCE = 16,
        WAIT_MS = 20000,
};

static TestDaemon kyron_iod;
static EchoWorker workers[WORKERS];
static EchoWorkerOptions options;
static RawClient client;

static void set_up(void)
{
        /* In a private instance its user may do everything. */
        test_daemon_start(&kyron_iod, (const char *const[]){"--user", NULL});
        options = (EchoWorkerOptions){
                .socket_path = kyron_iod.socket_path,
                .name = "web",
                .address = "tcp:127.0.0.1:0",
        };
}

static void tear_down(void)
{
        for (int i = 0; i < WORKERS; i++)
                echo_worker_clean_up(&workers[i]);
        test_daemon_stop(&kyron_iod);
}

static void start_workers(int n)
{
        for (int i = 0; i < n; i++)
                echo_worker_start(&workers[i], &options);
}

static ShortConnections *start_load_of(uint64_t count, unsigned at_once)
{
        struct sockaddr_in address = echo_worker_address(&workers[0]);
        ShortConnections *load = short_connections_start((struct sockaddr *)&address,
                                                         sizeof(address), count, at_once, WAIT_MS);

        ck_assert_ptr_nonnull(load);
        return load;
}

static ShortConnections *start_load(uint64_t count)
{
        return start_load_of(count, AT_ONCE);
}

/* Waits for the load: every connection has to have been served. */
static void await_load(ShortConnections *load, const char *what, ShortConnectionsResult *result)
{
        short_connections_end(load, result);
        ck_assert_msg(result->refused + result->reset + result->lost + result->mixed_up +
                                      result->failed ==
                              0,
                      "%s: %ju refused, %ju reset, %ju lost, %ju mixed up, %ju failed; first: %s",
                      what, (uintmax_t)result->refused, (uintmax_t)result->reset,
                      (uintmax_t)result->lost, (uintmax_t)result->mixed_up,
                      (uintmax_t)result->failed, result->first_failure);
}

static void end_load(ShortConnections *load, const char *what)
{
        ShortConnectionsResult result;

        await_load(load, what, &result);
        printf("%s: %ju served, the slowest in %ju ms\n", what, (uintmax_t)result.served,
               (uintmax_t)result.slowest_ms);
}

static uint64_t connections(void)
{
        return (uint64_t)scaled(2000, 20000, 20000);
}

static bool all_are_idle(void)
{
        for (int i = 0; i < WORKERS; i++) {
                if (service_count_in_hand(&client, workers[i].pid) > 0)
                        return false;
        }
        return true;
}

/* Whoever is not ready when its turn comes is owed it, but only so many. So all are idle when a
 * round begins; what a machine that is busy with others lets them miss all the same is within a
 * twentieth. */
START_TEST(in_turn_every_worker_gets_its_share)
{
        const uint64_t share = connections() / WORKERS;
        ShortConnectionsResult result;

        start_workers(WORKERS);
        raw_client_open(&client, kyron_iod.socket_path);
        for (uint64_t i = 0; i < share; i++) {
                await_load(start_load_of(WORKERS, WORKERS), "in turn", &result);
                ck_assert(WAIT_UNTIL(all_are_idle(), DEADLINE_MS));
        }
        raw_client_close(&client);
        for (int i = 0; i < WORKERS; i++) {
                printf("  worker %d: %ju\n", i, (uintmax_t)workers[i].state->accepted);
                ck_assert_uint_ge(workers[i].state->accepted, share - share / 20);
                ck_assert_uint_le(workers[i].state->accepted, share + share / 20);
        }
}
END_TEST

static uint64_t accepted_by(int n)
{
        uint64_t sum = 0;

        for (int i = 0; i < n; i++)
                sum += workers[i].state->accepted;
        return sum;
}

/* The last worker's: it takes as long as ten connections of each of the others do, but for the last
 * connections, behind which come no others. */
static void work_slowly(void)
{
        const uint64_t until = accepted_by(WORKERS - 1) + UINT64_C(10) * (WORKERS - 1);

        WAIT_UNTIL(accepted_by(WORKERS - 1) >= until ||
                           accepted_by(WORKERS) + AT_ONCE >= connections(),
                   WAIT_MS);
}

START_TEST(a_slow_worker_gets_little_of_the_load)
{
        options.least_loaded = true;
        options.work_us = 200;
        start_workers(WORKERS - 1);
        options.work = work_slowly;
        echo_worker_start(&workers[WORKERS - 1], &options);
        end_load(start_load(connections()), "least loaded");
        printf("  the slow worker: %ju of %ju\n", (uintmax_t)workers[WORKERS - 1].state->accepted,
               (uintmax_t)connections());
        ck_assert_uint_lt(workers[WORKERS - 1].state->accepted, connections() / 10);
        ck_assert_uint_gt(workers[WORKERS - 1].state->accepted, 0);
}
END_TEST

START_TEST(a_worker_out_of_credit_gets_none)
{
        enum { ITS_CREDIT = 8, ITS_SHARE = 10 };

        start_workers(WORKERS - 1);
        options.credits = ITS_CREDIT;
        options.stop_after = ITS_SHARE;
        echo_worker_start(&workers[WORKERS - 1], &options);
        /* It accepts ten and no more, and eight more are on their way to it: those are served when
         * it stops, by another. */
        ShortConnections *load = start_load(connections());
        ck_assert(WAIT_UNTIL(short_connections_ended(load) + ITS_CREDIT >= connections(), WAIT_MS));
        ck_assert_uint_eq(workers[WORKERS - 1].state->accepted, ITS_SHARE);
        echo_worker_stop(&workers[WORKERS - 1]);
        end_load(load, "out of credit");
        ck_assert_uint_eq(workers[WORKERS - 1].state->accepted, ITS_SHARE);
}
END_TEST

static void kill_workers(int kills)
{
        uint64_t again = 0;
        ShortConnections *load;

        options.keep_on_death = true;
        start_workers(WORKERS);
        load = start_load(0);
        for (int i = 0; i < kills; i++) {
                EchoWorker *worker = &workers[i % WORKERS];
                uint64_t ended = short_connections_ended(load);

                /* In the middle of its work, wherever that is. */
                ck_assert(WAIT_UNTIL(short_connections_ended(load) > ended, WAIT_MS));
                echo_worker_kill(worker);
                echo_worker_start(worker, &options);
        }
        end_load(load, "killed workers");
        for (int i = 0; i < WORKERS; i++)
                again += workers[i].state->served_again;
        printf("  %d kills, %ju connections served by a second worker\n", kills, (uintmax_t)again);
        ck_assert_uint_gt(again, 0);
}

START_TEST(what_a_killed_worker_had_is_served_by_another)
{
        kill_workers(scaled(20, 200, 1000));
}
END_TEST

START_TEST(workers_that_move_lose_no_connection)
{
        options.moves = true;
        kill_workers(scaled(20, 100, 1000));
        for (int i = 0; i < WORKERS; i++)
                echo_worker_stop(&workers[i]);
        start_workers(WORKERS);
        end_load(start_load(connections()), "moving workers");
}
END_TEST

START_TEST(a_server_restarts_and_no_connection_is_refused)
{
        int restarts = scaled(10, 100, 100);
        ShortConnections *load;

        start_workers(1);
        load = start_load(0);
        for (int i = 0; i < restarts; i++) {
                uint64_t ended = short_connections_ended(load);

                ck_assert(WAIT_UNTIL(short_connections_ended(load) > ended, WAIT_MS));
                echo_worker_stop(&workers[0]);
                echo_worker_start(&workers[0], &options);
        }
        end_load(load, "restarts");
}
END_TEST

TEST_SUITE(test_shared_listener)
{
        TCase *sharing = tcase_create("sharing");

        tcase_add_checked_fixture(sharing, set_up, tear_down);
        tcase_set_timeout(sharing, 300);
        tcase_add_test(sharing, in_turn_every_worker_gets_its_share);
        tcase_add_test(sharing, a_slow_worker_gets_little_of_the_load);
        tcase_add_test(sharing, a_worker_out_of_credit_gets_none);
        tcase_add_test(sharing, what_a_killed_worker_had_is_served_by_another);
        tcase_add_test(sharing, workers_that_move_lose_no_connection);
        tcase_add_test(sharing, a_server_restarts_and_no_connection_is_refused);
        suite_add_tcase(suite, sharing);
}
