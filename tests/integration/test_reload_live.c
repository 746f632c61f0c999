/*
 * A configuration that changes under a daemon at work: what is good is put in force and told, what
 * is not changes nothing, and who is being served notices neither.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/support/client.h"
#include "tests/support/config_file.h"
#include "tests/support/daemon.h"
#include "tests/support/echo_worker.h"
#include "tests/support/short_connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ConfigFile config;
static TestDaemon kyron_iod;
static KyronctlSetup ctl;
static EchoWorker worker;

static void write_config(const char *balance, const char *more)
{
        config_file_write(&config,
                          "listener \"web\" {\n"
                          "        address = \"tcp:127.0.0.1:0\"\n"
                          "        mode = shared\n"
                          "        balance = %s\n"
                          "}\n"
                          "policy \"user:%u\" {\n"
                          "        serve = {\"*\"}\n"
                          "}\n"
                          "%s",
                          balance, (unsigned)geteuid(), more);
}

static void set_up(void)
{
        config_file_make(&config);
        write_config("round-robin", "");
        /* Whose user steers it, root or not. */
        test_daemon_start(&kyron_iod,
                          (const char *const[]){"--user", "--config", config.path, NULL});
        ctl = (KyronctlSetup){.socket_path = kyron_iod.socket_path};
        const EchoWorkerOptions options = {.socket_path = kyron_iod.socket_path, .name = "web"};
        echo_worker_start(&worker, &options);
}

static void tear_down(void)
{
        echo_worker_clean_up(&worker);
        test_daemon_stop(&kyron_iod);
        config_file_remove(&config);
}

static ShortConnections *start_load(uint64_t count, unsigned at_once)
{
        struct sockaddr_in address = echo_worker_address(&worker);
        ShortConnections *load = short_connections_start(
                (struct sockaddr *)&address, sizeof(address), count, at_once, DEADLINE_MS);

        ck_assert_ptr_nonnull(load);
        return load;
}

static void end_load(ShortConnections *load)
{
        ShortConnectionsResult result;

        short_connections_end(load, &result);
        ck_assert_msg(
                result.refused + result.reset + result.lost + result.mixed_up + result.failed == 0,
                "%s", result.first_failure);
        ck_assert_uint_gt(result.served, 0);
}

static bool listeners_say(const char *text)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&ctl, "listeners", "--json");

        kyronctl_run_succeeded(&run);
        return strstr(run.out, text) != NULL;
}

START_TEST(a_change_is_told_and_in_force_and_who_is_served_goes_on)
{
        ShortConnections *load = start_load(0, 4);
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};

        write_config("least-loaded", "listener \"api\" { address = \"tcp:127.0.0.1:0\" }\n");
        run = RUN(&ctl, "reload");
        kyronctl_run_succeeded(&run);
        ck_assert_ptr_nonnull(
                strstr(run.out, "listener web: balance least-loaded, was round-robin"));
        ck_assert_ptr_nonnull(strstr(run.out, "listener api"));
        ck_assert(listeners_say("\"api\""));
        ck_assert(listeners_say("\"least_loaded\": true"));
        end_load(load);
        /* The listener kept its socket: its worker serves on. */
        end_load(start_load(100, 4));
}
END_TEST

START_TEST(a_mistake_is_named_with_its_place_and_changes_nothing)
{
        ShortConnections *load = start_load(0, 4);
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};

        write_config("least-loaded", "listner \"api\" {}\n");
        run = RUN(&ctl, "reload");
        kyronctl_run_failed(&run, 1,
                            "kyron-iod.conf:9: unknown setting \"listner\": is it \"listener\"?");
        ck_assert(!listeners_say("\"api\""));
        ck_assert(!listeners_say("\"least_loaded\": true"));
        end_load(load);
}
END_TEST

START_TEST(a_listener_that_cannot_be_opened_refuses_it_all)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        struct sockaddr_in taken = echo_worker_address(&worker);
        char more[256];

        snprintf(more, sizeof(more),
                 "listener \"api\" { address = \"tcp:127.0.0.1:0\" }\n"
                 "listener \"twice\" { address = \"tcp:127.0.0.1:%u\" }\n",
                 ntohs(taken.sin_port));
        write_config("least-loaded", more);
        run = RUN(&ctl, "reload");
        snprintf(more, sizeof(more), "address in use: tcp:127.0.0.1:%u", ntohs(taken.sin_port));
        kyronctl_run_failed(&run, 1, more);
        ck_assert(!listeners_say("\"api\""));
        ck_assert(!listeners_say("\"least_loaded\": true"));
        end_load(start_load(100, 4));
}
END_TEST

START_TEST(sighup_reloads_too_and_a_listener_that_is_gone_is_closed)
{
        write_config("round-robin", "listener \"api\" { address = \"tcp:127.0.0.1:0\" }\n");
        ck_assert_int_eq(kill(kyron_iod.pid, SIGHUP), 0);
        ck_assert(WAIT_UNTIL(listeners_say("\"api\""), DEADLINE_MS));
        /* The load's connections are as many turns of the loop after the signal. */
        write_config("round-robin", "oops");
        ck_assert_int_eq(kill(kyron_iod.pid, SIGHUP), 0);
        end_load(start_load(100, 4));
        ck_assert(listeners_say("\"api\""));
        write_config("round-robin", "");
        ck_assert_int_eq(kill(kyron_iod.pid, SIGHUP), 0);
        ck_assert(WAIT_UNTIL(!listeners_say("\"api\""), DEADLINE_MS));
}
END_TEST

START_TEST(a_group_that_nobody_joined_is_waited_for)
{
        const EchoWorkerOptions options = {.socket_path = kyron_iod.socket_path, .name = "web"};
        ShortConnections *load;

        echo_worker_stop(&worker);
        load = start_load(20, 4);
        /* They are in the kernel's backlog, and nobody refused them. */
        ck_assert(!WAIT_UNTIL(short_connections_ended(load) > 0, 200));
        echo_worker_start(&worker, &options);
        end_load(load);
}
END_TEST

/* Whether that worker has a connection that it has not taken. */
static bool has_not_taken(const EchoWorker *of)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&ctl, "groups", "--json");
        char pid[32];
        const char *found;

        kyronctl_run_succeeded(&run);
        snprintf(pid, sizeof(pid), "\"pid\": %d,", (int)of->pid);
        found = strstr(run.out, pid);
        found = found ? strstr(found, "\"not_taken\": ") : NULL;
        return found && atoi(found + strlen("\"not_taken\": ")) > 0;
}

START_TEST(a_worker_that_never_reads_holds_up_none_but_its_first_and_loses_none)
{
        EchoWorker stopped = {.pid = 0};
        const EchoWorkerOptions options = {.socket_path = kyron_iod.socket_path, .name = "web"};
        ShortConnections *first, *load;

        echo_worker_start(&stopped, &options);
        ck_assert_int_eq(kill(stopped.pid, SIGSTOP), 0);
        /* One after the other, and one of two is its. */
        first = start_load(2, 1);
        ck_assert(WAIT_UNTIL(has_not_taken(&stopped), DEADLINE_MS));
        /* It is sent no more: the other worker gets all the others. */
        load = start_load(400, 4);
        ck_assert(WAIT_UNTIL(short_connections_ended(load) == 400, DEADLINE_MS));
        ck_assert_uint_lt(short_connections_ended(first), 2);
        echo_worker_kill(&stopped);
        end_load(first);
        end_load(load);
        echo_worker_clean_up(&stopped);
}
END_TEST

TEST_SUITE(test_reload_live)
{
        TCase *all = tcase_create("all");

        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_set_timeout(all, 60);
        tcase_add_test(all, a_change_is_told_and_in_force_and_who_is_served_goes_on);
        tcase_add_test(all, a_mistake_is_named_with_its_place_and_changes_nothing);
        tcase_add_test(all, a_listener_that_cannot_be_opened_refuses_it_all);
        tcase_add_test(all, sighup_reloads_too_and_a_listener_that_is_gone_is_closed);
        tcase_add_test(all, a_group_that_nobody_joined_is_waited_for);
        tcase_add_test(all, a_worker_that_never_reads_holds_up_none_but_its_first_and_loses_none);
        suite_add_tcase(suite, all);
}
