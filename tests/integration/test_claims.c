/*
 * Connections kept on death outlive the daemon and then their worker: a real daemon ends and begins
 * anew, the worker that has them in hand tells it so, dies, and another serves them on.
 */
#include "client/handle/daemon_connection.h"
#include "tests/support/config_file.h"
#include "tests/support/deadline.h"
#include "tests/support/echo_worker.h"
#include "tests/support/fake_manager.h"
#include "tests/support/fixture.h"
#include "tests/support/scale.h"
#include "tests/support/service_frames.h"
#include "tests/support/short_connections.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_HAND = 200 };

static FakeManager manager;
static ConfigFile config;
static EchoWorker workers[2];
static EchoWorkerOptions options;
static RawClient client;
static int peers[IN_HAND];

static void set_up(void)
{
        static const char *daemon_options[] = {"--user", "--config", NULL, NULL};

        /* In a private instance its user may do everything. */
        config_file_make(&config);
        config_file_write(&config, "\n");
        daemon_options[2] = config.path;
        fake_manager_open(&manager, daemon_options);
        fake_manager_start(&manager);
        options = (EchoWorkerOptions){
                .socket_path = manager.daemon.socket_path,
                .name = "web",
                .address = "tcp:127.0.0.1:0",
                .keep_on_death = true,
                .credits = 2 * IN_HAND,
        };
}

static void tear_down(void)
{
        for (int i = 0; i < 2; i++)
                echo_worker_clean_up(&workers[i]);
        fake_manager_close(&manager);
        config_file_remove(&config);
}

static uint64_t epoch(void)
{
        DaemonConnection connection;

        if (daemon_connection_open(&connection, manager.daemon.socket_path, "test", false) < 0)
                return 0;
        close(connection.fd);
        return connection.epoch;
}

/* Ends the daemon in one of the ways there are, and another serves. */
static void begin_anew(int signal_number)
{
        uint64_t before = epoch(), now;

        if (signal_number == SIGUSR2)
                ck_assert_int_eq(kill(manager.daemon.pid, SIGUSR2), 0);
        else
                fake_manager_restart(&manager, signal_number);
        ck_assert(WAIT_UNTIL((now = epoch()) != 0 && now != before, DEADLINE_MS));
}

/* What the daemon counts in the hands of a worker. */
static uint32_t count_in_hand(const EchoWorker *worker)
{
        uint32_t count;

        raw_client_open(&client, manager.daemon.socket_path);
        count = service_count_in_hand(&client, worker->pid);
        raw_client_close(&client);
        return count;
}

static void expect_in_hand(const EchoWorker *worker, uint32_t expected)
{
        uint32_t count = 0;

        ck_assert_msg(WAIT_UNTIL((count = count_in_hand(worker)) == expected, DEADLINE_MS),
                      "%u connections in hand, not %u", count, expected);
}

static void dial_all(void)
{
        const struct sockaddr_in address = echo_worker_address(&workers[0]);

        for (int i = 0; i < IN_HAND; i++) {
                peers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                ck_assert_int_eq(
                        connect(peers[i], (const struct sockaddr *)&address, sizeof(address)), 0);
        }
        ck_assert(WAIT_UNTIL(workers[0].state->accepted == IN_HAND, DEADLINE_MS));
}

static void expect_all_served(void)
{
        for (int i = 0; i < IN_HAND; i++) {
                char bytes[SHORT_CONNECTION_BYTES], answer[SHORT_CONNECTION_BYTES];

                memset(bytes, 'a' + i % 26, sizeof(bytes));
                ck_assert_int_eq(send(peers[i], bytes, sizeof(bytes), MSG_NOSIGNAL), sizeof(bytes));
                ck_assert_msg(wait_readable(peers[i], DEADLINE_MS), "nobody serves %d", i);
                ck_assert_int_eq(recv(peers[i], answer, sizeof(answer), MSG_WAITALL),
                                 sizeof(answer));
                ck_assert(memcmp(bytes, answer, sizeof(bytes)) == 0);
                close(peers[i]);
        }
}

static const int signals[] = {SIGKILL, SIGTERM, SIGUSR2};

START_TEST(a_worker_that_dies_after_the_daemon_has_its_connections_served_on)
{
        echo_worker_start(&workers[0], &options);
        dial_all();
        begin_anew(signals[_i]);
        expect_in_hand(&workers[0], IN_HAND);
        echo_worker_start(&workers[1], &options);
        echo_worker_kill(&workers[0]);
        expect_all_served();
        ck_assert(WAIT_UNTIL(workers[1].state->served_again == IN_HAND, DEADLINE_MS));
        /* And now they are gone. */
        expect_in_hand(&workers[1], 0);
}
END_TEST

START_TEST(so_it_is_after_many_daemons_and_as_many_workers)
{
        echo_worker_start(&workers[0], &options);
        dial_all();
        for (int i = 0; i < scaled(6, 20, 100); i++) {
                EchoWorker *has = &workers[i % 2], *next = &workers[(i + 1) % 2];

                begin_anew(signals[i % 3]);
                expect_in_hand(has, IN_HAND);
                echo_worker_start(next, &options);
                echo_worker_kill(has);
                expect_in_hand(next, IN_HAND);
                /* A manager that reads late has them in store for longer, and whoever kills the
                 * daemon in that time finds them in two hands. */
                ck_assert(WAIT_UNTIL(fake_manager_count(&manager, "owned-connection-") == 0,
                                     DEADLINE_MS));
        }
        expect_all_served();
}
END_TEST

START_TEST(what_is_not_kept_is_counted_all_the_same)
{
        options.keep_on_death = false;
        echo_worker_start(&workers[0], &options);
        dial_all();
        begin_anew(SIGKILL);
        expect_in_hand(&workers[0], IN_HAND);
        expect_all_served();
        expect_in_hand(&workers[0], 0);
}
END_TEST

TEST_SUITE(test_claims)
{
        TCase *tcase = tcase_create("claims");

        tcase_set_timeout(tcase, scaled(TEST_TIMEOUT_SECONDS, 120, 600));
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase,
                            a_worker_that_dies_after_the_daemon_has_its_connections_served_on, 0,
                            sizeof(signals) / sizeof(signals[0]));
        tcase_add_test(tcase, so_it_is_after_many_daemons_and_as_many_workers);
        tcase_add_test(tcase, what_is_not_kept_is_counted_all_the_same);
        suite_add_tcase(suite, tcase);
}
