/*
 * kyron-iod and its configuration: --check-config, and what a daemon makes of the file it is
 * started with.
 */
#include "tests/integration/kyronctl_run.h"
#include "tests/support/daemon.h"
#include "tests/support/fixture.h"
#include "tests/support/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static Program program;
static char *directory;
static char path[256];

static void set_up(void)
{
        directory = make_temp_dir();
        ck_assert_int_eq(chmod(directory, 0755), 0);
        snprintf(path, sizeof(path), "%s/k.conf", directory);
}

static void tear_down(void)
{
        remove_temp_dir(directory);
}

static void put(const char *text)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
}

static void expect(int exit_status, const char *format, void (*prepare)(void))
{
        char text[1024];

        snprintf(text, sizeof(text), format, path);
        ck_assert_int_eq(PROGRAM_RUN(&program, prepare, "--check-config", "--config", path),
                         exit_status);
        ck_assert_str_eq(program.out, exit_status == 0 ? text : "");
        ck_assert_str_eq(program.err, exit_status == 0 ? "" : text);
}

START_TEST(a_check_says_what_is_there_or_what_is_wrong)
{
        put("listener a { address = \"tcp:*:80\" }\nlistener b { address = \"tcp:*:81\" }\n"
            "policy \"user:*\" { serve = \"*\" }\n");
        expect(0, "%s: fine: 2 listeners, 1 policies\n", NULL);
        /* Nothing is opened for it, and no daemon is asked: anyone may. */
        expect(0, "%s: fine: 2 listeners, 1 policies\n", become_nobody);
        put("\nmax-sesions = 4\n");
        expect(1, "%s:2: unknown setting \"max-sesions\": is it \"max-sessions\"?\n", NULL);
        ck_assert_int_eq(unlink(path), 0);
        expect(1, "%s: No such file or directory\n", NULL);
}
END_TEST

START_TEST(a_check_warns_of_what_cannot_be_in_force_now)
{
        char warnings[1024];

        put("policy \"user:no-such-user\" { serve = \"*\" }\n"
            "listener here { address = \"tcp:127.0.0.1:0\" }\n"
            "listener late { address = \"tcp:192.0.2.1:80\" }\n"
            "listener late6 { address = \"tcp:[2001:db8::1]:80\" }\n");
        ck_assert_int_eq(PROGRAM_RUN(&program, NULL, "--check-config", "--config", path), 0);
        snprintf(warnings, sizeof(warnings),
                 "warning: %s:1: there is no user \"no-such-user\": the policy is for nobody now\n"
                 "warning: listener late would wait: not an address of this machine: "
                 "tcp:192.0.2.1:80\n"
                 "warning: listener late6 would wait: not an address of this machine: "
                 "tcp:[2001:db8::1]:80\n",
                 path);
        ck_assert_str_eq(program.err, warnings);
        ck_assert_ptr_nonnull(strstr(program.out, ": fine: 3 listeners, 1 policies\n"));
}
END_TEST

START_TEST(a_daemon_starts_without_what_is_not_there_and_says_so)
{
        char expected[512];
        TestDaemon kyron_iod;
        KyronctlSetup setup = {.socket_path = kyron_iod.socket_path};
        KyronctlRun run;

        put("policy \"user:no-such-user\" { serve = \"*\" }\n"
            "policy \"group:no-such-group\" { serve = \"*\" }\n"
            "listener here { address = \"tcp:127.0.0.1:0\" }\n"
            "listener late { address = \"tcp:192.0.2.1:80\" }\n"
            "listener nowhere { address = \"unix:/nonexistent/directory/socket\" }\n");
        test_daemon_start(&kyron_iod, (const char *const[]){"--config", path, NULL});
        run = RUN(&setup, "status");
        kyronctl_run_succeeded(&run);
        ck_assert_ptr_nonnull(
                strstr(run.out, "listeners      3, with 0 workers; 2 waiting for an address\n"));
        ck_assert_ptr_nonnull(
                strstr(run.out, "policies       2 for users or groups that nobody knows\n"));
        kyronctl_run_release(&run);
        if (geteuid() != 0) {
                test_daemon_stop(&kyron_iod);
                SKIP_TEST("only an operator sees the configuration's listeners");
        }
        run = RUN(&setup, "listeners");
        kyronctl_run_succeeded(&run);
        ck_assert_ptr_nonnull(
                strstr(run.out, "waiting: not an address of this machine: tcp:192.0.2.1:80\n"));
        ck_assert_ptr_nonnull(strstr(run.out, "waiting: No such file or directory"));
        ck_assert_ptr_nonnull(strstr(run.out, " accepting\n"));
        kyronctl_run_release(&run);

        /* A reload of the same takes it as well, and one with another such listener. */
        put("policy \"user:no-such-user\" { serve = \"*\" }\n"
            "listener here { address = \"tcp:127.0.0.1:0\" }\n"
            "listener late { address = \"tcp:192.0.2.1:80\" }\n"
            "listener later { address = \"tcp:192.0.2.1:81\" }\n");
        run = RUN(&setup, "reload");
        kyronctl_run_succeeded(&run);
        ck_assert_ptr_nonnull(strstr(run.out, "listener later: added\n"));
        ck_assert_ptr_nonnull(
                strstr(run.out, "listener later: waits for its address: not an address of this "
                                "machine: tcp:192.0.2.1:81\n"));
        snprintf(expected, sizeof(expected),
                 "%s:1: there is no user \"no-such-user\": the policy is for nobody now\n", path);
        ck_assert_ptr_nonnull(strstr(run.out, expected));
        kyronctl_run_release(&run);
        test_daemon_stop(&kyron_iod);
}
END_TEST

START_TEST(a_daemon_does_not_start_with_a_mistake_in_it)
{
        char socket_path[300], expected[1024];

        snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
        put("log-level = loud\n");
        ck_assert_int_eq(PROGRAM_RUN(&program, NULL, "--foreground", "--socket", socket_path,
                                     "--config", path),
                         1);
        snprintf(expected, sizeof(expected),
                 "kyron-iod: error: %s:1: log-level is error, warning, notice, info or debug, not "
                 "\"loud\"\n",
                 path);
        ck_assert_str_eq(program.err, expected);
        ck_assert_int_eq(access(socket_path, F_OK), -1);
        /* Nor in the background, where it is said before the start has succeeded. */
        ck_assert_int_eq(PROGRAM_RUN(&program, NULL, "--socket", socket_path, "--config", path), 1);
        ck_assert_str_eq(program.err, expected);
}
END_TEST

START_TEST(the_limits_are_the_configurations_and_the_command_line_wins)
{
        const char *options[] = {"--config", path, "--max-registrations-per-user", "99", NULL};
        TestDaemon kyron_iod;
        KyronctlSetup setup = {.socket_path = kyron_iod.socket_path};
        KyronctlRun run;
        json_t *status;

        put("max-sessions-per-user = 77\nmax-registrations-per-user = 88\n");
        test_daemon_start(&kyron_iod, options);
        run = RUN(&setup, "status", "--json");
        kyronctl_run_succeeded(&run);
        status = kyronctl_run_json(&run);
        kyronctl_json_check_number(status, "sessions_per_user_max", 77);
        kyronctl_json_check_number(status, "registrations_per_user_max", 99);
        json_decref(status);
        kyronctl_run_release(&run);
        test_daemon_stop(&kyron_iod);
}
END_TEST

TEST_SUITE(test_daemon_config)
{
        TCase *files = tcase_create("files");

        tcase_add_checked_fixture(files, set_up, tear_down);
        tcase_add_test(files, a_check_says_what_is_there_or_what_is_wrong);
        tcase_add_test(files, a_check_warns_of_what_cannot_be_in_force_now);
        tcase_add_test(files, a_daemon_starts_without_what_is_not_there_and_says_so);
        tcase_add_test(files, a_daemon_does_not_start_with_a_mistake_in_it);
        tcase_add_test(files, the_limits_are_the_configurations_and_the_command_line_wins);
        tcase_set_timeout(files, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, files);
}
