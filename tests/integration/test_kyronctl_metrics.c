/*
 * kyronctl metrics: the text is whole and says what is so, with a daemon, without one, and of a
 * process whose name is anybody's words.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/lying_daemon.h"
#include "tests/integration/raw_session.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static TestDaemon daemon_process;
static KyronctlSetup setup;

static void start_daemon(void)
{
        test_daemon_start(&daemon_process, NULL);
        setup = (KyronctlSetup){.socket_path = daemon_process.socket_path};
}

static void stop_daemon(void)
{
        test_daemon_stop(&daemon_process);
}

/* Whether the text has this line. */
static bool has_line(const char *text, const char *line)
{
        size_t length = strlen(line);

        for (const char *at = strstr(text, line); at; at = strstr(at + 1, line)) {
                if ((at == text || at[-1] == '\n') && at[length] == '\n')
                        return true;
        }
        return false;
}

static void expect_line(const KyronctlRun *run, const char *line)
{
        ck_assert_msg(has_line(run->out, line), "no line \"%s\" in:\n%s", line, run->out);
}

static void expect_end(const KyronctlRun *run)
{
        static const char end[] = "\n# EOF\n";

        ck_assert_uint_gt(strlen(run->out), strlen(end));
        ck_assert_str_eq(run->out + strlen(run->out) - strlen(end), end);
}

START_TEST(the_daemon_is_told_as_it_is)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        DaemonConnection connection = raw_session_open(&daemon_process, "a \"b\\");
        int pipe[2];

        pipe_pair(pipe);
        put_byte(pipe[1]);
        raw_session_add_source(&connection, 0, pipe[0], READINESS_READABLE);
        raw_session_settle(&connection);
        run = RUN(&setup, "metrics");
        ck_assert_int_eq(run.exit_status, 0);
        expect_line(&run, "kyron_iod_up 1");
        expect_line(&run, "kyron_iod_build_info{release=\"" PACKAGE_VERSION "\"} 1");
        expect_line(&run, "# TYPE kyron_iod_events_total counter");
        expect_line(&run, "kyron_iod_events_total 1");
        expect_line(&run, "kyron_iod_registrations 1");
        if (geteuid() == 0) {
                expect_line(&run, "kyron_iod_program_registrations{program=\"a \\\"b\\\\\"} 1");
                expect_line(&run, "kyron_iod_program_sessions{program=\"a \\\"b\\\\\","
                                  "delivery=\"relayed\"} 1");
        }
        expect_line(&run, "# TYPE kyron_iod_turn_seconds histogram");
        expect_line(&run, "kyron_iod_take_seconds_bucket{le=\"+Inf\"} 0");
        expect_line(&run, "kyron_iod_log_lines_left_out_total 0");
        expect_end(&run);
        close(connection.fd);
        close(pipe[0]);
        close(pipe[1]);
}
END_TEST

START_TEST(without_a_daemon_it_says_so_and_succeeds)
{
        const KyronctlSetup nowhere = {.socket_path = "/nowhere/socket"};
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&nowhere, "metrics");

        ck_assert_int_eq(run.exit_status, 0);
        expect_line(&run, "kyron_iod_up 0");
        ck_assert_ptr_null(strstr(run.out, "kyron_iod_sessions"));
        ck_assert_ptr_nonnull(strstr(run.out, "\nkyron_iod_wait_processes "));
        ck_assert_ptr_nonnull(strstr(run.err, "/nowhere/socket"));
        expect_end(&run);
}
END_TEST

static bool refuse(int fd, const Iod__Frame *request)
{
        return lying_daemon_refuse(fd, request, EOPNOTSUPP, "frame 47 is unknown");
}

static bool answer_with_nothing(int fd, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Metrics metrics = IOD__METRICS__INIT;

        frame.body_case = IOD__FRAME__BODY_METRICS;
        frame.metrics = &metrics;
        return lying_daemon_answer(fd, request, &frame);
}

/* A half text would be taken for a daemon that has nothing to do. */
START_TEST(what_is_not_whole_is_no_answer)
{
        static bool (*const replies[])(int fd, const Iod__Frame *request) = {refuse,
                                                                             answer_with_nothing};
        const Lie lie = {.reply = replies[_i]};
        LyingDaemon lying;
        KyronctlRun run;

        lying_daemon_start(&lying, &lie);
        setup = (KyronctlSetup){.socket_path = lying.socket_path};
        run = RUN(&setup, "metrics");
        kyronctl_run_failed(&run, 1, _i == 0 ? "frame 47 is unknown" : "lack something");
        kyronctl_run_release(&run);
        lying_daemon_stop(&lying);
}
END_TEST

START_TEST(a_stopped_process_is_counted_by_its_name)
{
        const KyronctlSetup nowhere = {.socket_path = "/nowhere/socket"};
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        pid_t pid = fork();
        int status;

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                prctl(PR_SET_NAME, "met\"\nrics");
                raise(SIGSTOP);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
        ck_assert(WIFSTOPPED(status));
        run = RUN(&nowhere, "metrics");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        ck_assert_int_eq(run.exit_status, 0);
        expect_line(&run,
                    "kyron_iod_wait_diagnoses{kind=\"stopped\",program=\"met\\\"\\nrics\"} 1");
        expect_end(&run);
}
END_TEST

TEST_SUITE(test_kyronctl_metrics)
{
        TCase *served = tcase_create("served"), *alone = tcase_create("alone");

        tcase_set_timeout(served, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(served, start_daemon, stop_daemon);
        tcase_add_test(served, the_daemon_is_told_as_it_is);
        suite_add_tcase(suite, served);
        tcase_set_timeout(alone, TEST_TIMEOUT_SECONDS);
        tcase_add_test(alone, without_a_daemon_it_says_so_and_succeeds);
        tcase_add_loop_test(alone, what_is_not_whole_is_no_answer, 0, 2);
        tcase_add_test(alone, a_stopped_process_is_counted_by_its_name);
        suite_add_tcase(suite, alone);
}
