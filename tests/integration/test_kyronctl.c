/*
 * kyronctl against a daemon with sessions made here: what it shows is true, complete, and fits
 * where it is shown. Registrations have test_kyronctl_registrations.c.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/raw_session.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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

START_TEST(status_is_what_runs_without_a_verb)
{
        CLEANUP(kyronctl_run_release) KyronctlRun without = RUN(&setup, NULL);
        CLEANUP(kyronctl_run_release) KyronctlRun with = RUN(&setup, "status");
        size_t path_end = strlen("socket         ") + strlen(daemon_process.socket_path);

        kyronctl_run_succeeded(&without);
        kyronctl_run_succeeded(&with);
        ck_assert_msg(strncmp(with.out, "state          running since 20", 31) == 0, "%s",
                      with.out);
        ck_assert_ptr_nonnull(strstr(without.out, "\nrelease        " PACKAGE_VERSION "\n"));
        ck_assert_ptr_nonnull(strstr(without.out, daemon_process.socket_path));
        ck_assert_uint_le(kyronctl_text_width(with.out), path_end > 80 ? path_end : 80);
}
END_TEST

START_TEST(status_counts_what_there_is)
{
        CLEANUP(cleanup_json) json_t *status = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        DaemonConnection connection = raw_session_open(&daemon_process, "test");
        int pipe[2];

        pipe_pair(pipe);
        put_byte(pipe[1]);
        raw_session_add_source(&connection, 0, pipe[0], READINESS_READABLE);
        raw_session_settle(&connection);
        run = RUN(&setup, "--json");
        kyronctl_run_succeeded(&run);
        status = kyronctl_run_json(&run);
        kyronctl_json_check_text(status, "state", "running");
        kyronctl_json_check_text(status, "release", PACKAGE_VERSION);
        kyronctl_json_check_text(status, "socket", daemon_process.socket_path);
        kyronctl_json_check_number(status, "pid", (uint64_t)daemon_process.pid);
        /* kyronctl's connection more; and those that are being closed. */
        ck_assert_uint_ge((size_t)json_integer_value(json_object_get(status, "descriptors")),
                          test_daemon_count_descriptors(&daemon_process));
        kyronctl_json_check_number(status, "sessions", 1);
        kyronctl_json_check_number(status, "sessions_waiting", 0);
        kyronctl_json_check_number(status, "registrations", 1);
        kyronctl_json_check_number(status, "registrations_total", 1);
        kyronctl_json_check_number(status, "registrations_per_session_max",
                                   connection.registrations_max);
        kyronctl_json_check_number(status, "events", 1);
        kyronctl_json_check_number(status, "frames", 1);
        kyronctl_json_check_number(status, "refusals", 0);
        ck_assert_int_gt(json_integer_value(json_object_get(status, "turns")), 0);
        ck_assert_int_gt(json_integer_value(json_object_get(status, "longest_turn_us")), 0);
        close(connection.fd);
        close(pipe[0]);
        close(pipe[1]);
}
END_TEST

START_TEST(sessions_are_those_that_are_connected_without_kyronctl_itself)
{
        CLEANUP(cleanup_json) json_t *sessions = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun json = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun table = {.exit_status = -1};
        DaemonConnection first = raw_session_open(&daemon_process, "first"),
                         second = raw_session_open(&daemon_process, "second");
        json_t *session;

        raw_session_become_direct(&second);
        raw_session_settle(&second);
        json = RUN(&setup, "sessions", "--json");
        kyronctl_run_succeeded(&json);
        sessions = kyronctl_run_json(&json);
        ck_assert_uint_eq(json_array_size(sessions), 2);
        kyronctl_json_check_text(kyronctl_json_find(sessions, "session", second.session),
                                 "delivery", "direct");
        session = kyronctl_json_find(sessions, "session", first.session);
        kyronctl_json_check_text(session, "delivery", "relayed");
        kyronctl_json_check_text(session, "program", "first");
        kyronctl_json_check_text(session, "state", "serving");
        kyronctl_json_check_number(session, "pid", (uint64_t)getpid());
        kyronctl_json_check_number(session, "uid", geteuid());
        kyronctl_json_check_number(session, "registrations", 0);
        kyronctl_json_check_number(session, "events", 0);
        ck_assert_uint_eq(strlen(json_string_value(json_object_get(session, "since"))), 20);

        table = RUN(&setup, "sessions");
        kyronctl_run_succeeded(&table);
        ck_assert_uint_eq(kyronctl_count_lines(table.out), 3);
        ck_assert_ptr_null(strstr(table.out, "kyronctl"));
        ck_assert_ptr_nonnull(strstr(table.out, " relayed "));
        ck_assert_ptr_nonnull(strstr(table.out, " direct "));
        close(first.fd);
        close(second.fd);
}
END_TEST

START_TEST(a_session_that_does_not_read_is_shown_waiting)
{
        CLEANUP(cleanup_json) json_t *sessions = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        DaemonConnection deaf = raw_session_open(&daemon_process, "deaf");

        /* The daemon stops reading it once its answers find no room; then it cannot send. */
        ck_assert(
                WAIT_UNTIL(raw_session_get_status(&deaf) == -EAGAIN && !wait_writable(deaf.fd, 100),
                           DEADLINE_MS));
        run = RUN(&setup, "sessions", "--json");
        kyronctl_run_succeeded(&run);
        sessions = kyronctl_run_json(&run);
        kyronctl_json_check_text(kyronctl_json_find(sessions, "session", deaf.session), "state",
                                 "waiting");
        close(deaf.fd);
}
END_TEST

START_TEST(options_come_before_or_after_the_verb)
{
        CLEANUP(kyronctl_run_release) KyronctlRun before = RUN(&setup, "--json", "sessions");
        CLEANUP(kyronctl_run_release) KyronctlRun after = RUN(&setup, "sessions", "--json");

        kyronctl_run_succeeded(&before);
        kyronctl_run_succeeded(&after);
        ck_assert_str_eq(before.out, "[]\n");
        ck_assert_str_eq(after.out, "[]\n");
}
END_TEST

START_TEST(nothing_to_show_is_said_beside_the_output)
{
        CLEANUP(kyronctl_run_release) KyronctlRun sessions = RUN(&setup, "sessions");
        CLEANUP(kyronctl_run_release) KyronctlRun registrations = RUN(&setup, "registrations");
        CLEANUP(kyronctl_run_release) KyronctlRun quiet = RUN(&setup, "sessions", "--no-legend");

        ck_assert_int_eq(sessions.exit_status, 0);
        ck_assert_str_eq(sessions.out, "");
        ck_assert_str_eq(sessions.err, "no sessions\n");
        ck_assert_str_eq(registrations.err, "no registrations\n");
        kyronctl_run_succeeded(&quiet);
        ck_assert_str_eq(quiet.out, "");
}
END_TEST

START_TEST(no_legend_leaves_the_rows)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        DaemonConnection connection = raw_session_open(&daemon_process, "rows");

        run = RUN(&setup, "sessions", "--no-legend");
        kyronctl_run_succeeded(&run);
        ck_assert_uint_eq(kyronctl_count_lines(run.out), 1);
        ck_assert_uint_eq(strtoull(run.out, NULL, 10), connection.session);
        close(connection.fd);
}
END_TEST

START_TEST(all_sessions_are_shown_when_they_fill_more_than_a_page)
{
        CLEANUP(cleanup_json) json_t *sessions = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        DaemonConnection connections[300];

        for (size_t i = 0; i < 300; i++)
                connections[i] = raw_session_open(&daemon_process, "one of many");
        run = RUN(&setup, "sessions", "--json");
        kyronctl_run_succeeded(&run);
        sessions = kyronctl_run_json(&run);
        ck_assert_uint_eq(json_array_size(sessions), 300);
        for (size_t i = 0; i < 300; i++) {
                ck_assert_ptr_nonnull(
                        kyronctl_json_find(sessions, "session", connections[i].session));
                close(connections[i].fd);
        }
}
END_TEST

START_TEST(version_names_both_releases)
{
        CLEANUP(cleanup_json) json_t *version = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun text = RUN(&setup, "version");
        CLEANUP(kyronctl_run_release) KyronctlRun json = RUN(&setup, "version", "--json");
        CLEANUP(kyronctl_run_release) KyronctlRun own = RUN(&setup, "--version");

        kyronctl_run_succeeded(&text);
        ck_assert_str_eq(text.out, "kyronctl   " PACKAGE_VERSION ", protocol version 1\n"
                                   "kyron-iod  " PACKAGE_VERSION ", protocol version 1\n");
        version = kyronctl_run_json(&json);
        kyronctl_json_check_text(json_object_get(version, "kyron_iod"), "release", PACKAGE_VERSION);
        kyronctl_json_check_number(json_object_get(version, "kyronctl"), "protocol_version", 1);
        kyronctl_run_succeeded(&own);
        ck_assert_str_eq(own.out, "kyronctl " PACKAGE_VERSION "\n");
}
END_TEST

START_TEST(the_socket_is_found_by_option_environment_and_for_oneself)
{
        CLEANUP(kyronctl_run_release) KyronctlRun by_environment = {.exit_status = -1};
        const char *const words[][2] = {
                {"--private", "status"},
                {"--user", "status"},
                {"status", "--user"},
        };
        KyronctlRun for_oneself;
        const KyronctlSetup without = {.socket_path = NULL};
        char directory[256], link[512];

        setenv("KYRON_SOCKET", daemon_process.socket_path, 1);
        by_environment = RUN(&without, NULL);
        kyronctl_run_succeeded(&by_environment);

        setenv("KYRON_SOCKET", "/nonexistent", 1);
        setenv("XDG_RUNTIME_DIR", daemon_process.directory, 1);
        snprintf(directory, sizeof(directory), "%s/kyron-iod", daemon_process.directory);
        snprintf(link, sizeof(link), "%s/socket", directory);
        ck_assert_int_eq(mkdir(directory, 0700), 0);
        ck_assert_int_eq(symlink(daemon_process.socket_path, link), 0);
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                for_oneself = RUN(&without, words[i][0], words[i][1]);
                kyronctl_run_succeeded(&for_oneself);
                ck_assert_ptr_nonnull(strstr(for_oneself.out, link));
                kyronctl_run_release(&for_oneself);
        }
        unlink(link);
        rmdir(directory);
}
END_TEST

TEST_SUITE(test_kyronctl)
{
        TCase *served = tcase_create("a daemon");

        tcase_set_timeout(served, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(served, start_daemon, stop_daemon);
        tcase_add_test(served, status_is_what_runs_without_a_verb);
        tcase_add_test(served, status_counts_what_there_is);
        tcase_add_test(served, sessions_are_those_that_are_connected_without_kyronctl_itself);
        tcase_add_test(served, a_session_that_does_not_read_is_shown_waiting);
        tcase_add_test(served, options_come_before_or_after_the_verb);
        tcase_add_test(served, nothing_to_show_is_said_beside_the_output);
        tcase_add_test(served, no_legend_leaves_the_rows);
        tcase_add_test(served, all_sessions_are_shown_when_they_fill_more_than_a_page);
        tcase_add_test(served, version_names_both_releases);
        tcase_add_test(served, the_socket_is_found_by_option_environment_and_for_oneself);
        suite_add_tcase(suite, served);
}
