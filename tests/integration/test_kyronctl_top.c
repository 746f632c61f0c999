/*
 * kyronctl top in a terminal of its own: what it shows, its keys, other sizes, and that the
 * terminal is as it was however it ends; and in a pipe.
 */
#include "core/cleanup.h"
#include "ctl/shown_text.h"
#include "tests/integration/job_terminal.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/raw_session.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static JobTerminal terminal;
static pid_t stopped; /* somebody with something to worry about */
static char stopped_text[16];

static void start_stopped(void)
{
        int status;

        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        stopped = fork();
        ck_assert_int_ge(stopped, 0);
        if (stopped == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                prctl(PR_SET_NAME, "a\033[31m\nprogram");
                raise(SIGSTOP);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(stopped, &status, WUNTRACED), stopped);
        snprintf(stopped_text, sizeof(stopped_text), "%d", (int)stopped);
}

static void end_stopped(void)
{
        kill(stopped, SIGKILL);
        waitpid(stopped, NULL, 0);
}

/* A top of this one process, which it has found. */
static void open_top(int rows, int columns)
{
        const char *const words[] = {
                "top", "--pid", stopped_text, "--socket", "/nonexistent/socket", NULL};

        job_terminal_open(&terminal, rows, columns, words);
        ck_assert(job_terminal_shows(&terminal, " stopped"));
}

static void quit(void)
{
        job_terminal_type(&terminal, "q");
        ck_assert_int_eq(job_terminal_wait(&terminal), 0);
        ck_assert(job_terminal_is_as_before(&terminal));
        job_terminal_close(&terminal);
}

static void type_and_see(const char *keys, const char *expected)
{
        job_terminal_forget(&terminal);
        job_terminal_type(&terminal, keys);
        ck_assert_msg(job_terminal_shows(&terminal, expected), "no \"%s\" after \"%s\"", expected,
                      keys);
}

/* ---- On the screen --------------------------------------------------------------------------- */

START_TEST(it_shows_who_waits_until_it_is_told_to_quit)
{
        open_top(24, 80);
        job_terminal_forget(&terminal);
        job_terminal_type(&terminal, "ooo");
        {
                CLEANUP(cleanup_free) char *picture = job_terminal_picture(&terminal);

                ck_assert_ptr_nonnull(strstr(picture, "kyronctl top "));
                ck_assert_ptr_nonnull(strstr(picture, "no daemon"));
                ck_assert_ptr_nonnull(strstr(picture, stopped_text));
                ck_assert_ptr_nonnull(strstr(picture, " a?[31m?p"));
        }
        quit();
}
END_TEST

START_TEST(each_key_does_what_it_says)
{
        char selected[32];

        open_top(24, 80);
        type_and_see("e", "by events");
        type_and_see("c", "by processor");
        type_and_see("o", "by oldest");
        type_and_see(" ", "  paused  ");
        type_and_see("h", "events a second that a session was told");
        type_and_see("x", " enter why ");
        type_and_see("\r", "why ");
        ck_assert(job_terminal_shows(&terminal, "stopped by a signal"));
        type_and_see("\033", " enter why ");
        snprintf(selected, sizeof(selected), "\033[7m%s ", stopped_text);
        type_and_see("\033[B", selected);
        type_and_see("\033OA", selected);
        type_and_see("j", selected);
        type_and_see("k", selected);
        type_and_see("\033[6~", selected);
        type_and_see("\033[5~", selected);
        type_and_see("z\033[Z", " enter why ");
        quit();
}
END_TEST

START_TEST(while_it_is_paused_it_does_not_look)
{
        open_top(24, 80);
        type_and_see(" ", "  paused  ");
        ck_assert_int_eq(kill(stopped, SIGKILL), 0);
        waitpid(stopped, NULL, 0);
        type_and_see("e", " stopped");
        type_and_see(" ", "to worry about: 0");
        quit();
        start_stopped();
}
END_TEST

/* Whether nothing that is shown is wider than the terminal, or lower than its last line. */
static bool picture_fits(size_t rows, size_t columns)
{
        CLEANUP(cleanup_free) char *picture = NULL;
        char *rest, *line;
        size_t lines = 0;
        bool fits = true;

        job_terminal_forget(&terminal);
        job_terminal_type(&terminal, "ooo");
        picture = job_terminal_picture(&terminal);
        rest = picture;
        while ((line = strsep(&rest, "\n"))) {
                fits = fits && shown_text_width(line) <= columns;
                lines++;
        }
        return fits && lines <= rows;
}

START_TEST(another_size_is_filled_at_once)
{
        static const int sizes[][2] = {{24, 80}, {10, 40}, {60, 200}, {5, 20}, {1, 1}, {24, 80}};

        open_top(24, 80);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                job_terminal_resize(&terminal, sizes[i][0], sizes[i][1]);
                ck_assert(WAIT_UNTIL(picture_fits((size_t)sizes[i][0], (size_t)sizes[i][1]),
                                     DEADLINE_MS));
        }
        quit();
}
END_TEST

/* ---- The terminal is given back -------------------------------------------------------------- */

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGABRT};

START_TEST(a_signal_ends_it_and_leaves_the_terminal_as_it_was)
{
        int status;

        open_top(24, 80);
        ck_assert_int_eq(kill(terminal.job, ends[_i]), 0);
        status = job_terminal_wait(&terminal);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == ends[_i], "status %#x", status);
        ck_assert(job_terminal_is_as_before(&terminal));
        job_terminal_close(&terminal);
}
END_TEST

static const char *const interrupting_keys[] = {"\003", "\034"};
static const int interrupts[] = {SIGINT, SIGQUIT};

START_TEST(the_keys_that_are_signals_stay_so)
{
        int status;

        open_top(24, 80);
        job_terminal_type(&terminal, interrupting_keys[_i]);
        status = job_terminal_wait(&terminal);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == interrupts[_i], "status %#x",
                      status);
        ck_assert(job_terminal_is_as_before(&terminal));
        job_terminal_close(&terminal);
}
END_TEST

START_TEST(while_it_is_stopped_the_terminal_is_as_it_was)
{
        int status;

        open_top(24, 80);
        for (int i = 0; i < 2; i++) {
                job_terminal_type(&terminal, "\032");
                status = job_terminal_wait(&terminal);
                ck_assert_msg(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP, "status %#x",
                              status);
                ck_assert(job_terminal_is_as_before(&terminal));
                job_terminal_forget(&terminal);
                ck_assert_int_eq(kill(terminal.job, SIGCONT), 0);
                ck_assert(job_terminal_shows(&terminal, "\033[?1049h"));
                ck_assert(job_terminal_shows(&terminal, " enter why "));
        }
        quit();
}
END_TEST

START_TEST(a_terminal_that_hangs_up_ends_it)
{
        int status;

        open_top(24, 80);
        close(terminal.master);
        ck_assert(wait_readable(terminal.reports, DEADLINE_MS));
        ck_assert_int_eq(read(terminal.reports, &status, sizeof(status)), sizeof(status));
        ck_assert_msg(WIFSIGNALED(status) || WIFEXITED(status), "status %#x", status);
        terminal.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        job_terminal_close(&terminal);
}
END_TEST

/* ---- Without a screen ------------------------------------------------------------------------ */

START_TEST(without_a_terminal_it_says_what_to_do)
{
        const KyronctlSetup setup = {.socket_path = "/nonexistent/socket"};
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&setup, "top");
        CLEANUP(kyronctl_run_release)
        KyronctlRun order = RUN(&setup, "top", "-b", "--sort", "oldst");
        CLEANUP(kyronctl_run_release) KyronctlRun delay = RUN(&setup, "top", "-d", "0");
        CLEANUP(kyronctl_run_release) KyronctlRun count = RUN(&setup, "top", "-n", "many");

        kyronctl_run_failed(&run, 2, "no terminal: --batch prints instead");
        kyronctl_run_failed(&order, 2, "top is not sorted by \"oldst\"; is it oldest?");
        kyronctl_run_failed(&delay, 2, "--delay takes seconds, 1 to 3600, not \"0\"");
        kyronctl_run_failed(&count, 2, "--count takes a number from 1 on, not \"many\"");
}
END_TEST

START_TEST(in_a_pipe_it_prints_a_table_for_each_look)
{
        const KyronctlSetup setup = {.socket_path = "/nonexistent/socket"};
        CLEANUP(kyronctl_run_release)
        KyronctlRun run = RUN(&setup, "top", "-b", "-n", "2", "--pid", stopped_text);
        const char *second = strstr(run.out, "\n\n");

        kyronctl_run_succeeded(&run);
        ck_assert_uint_eq(kyronctl_count_lines(run.out), 5);
        ck_assert_ptr_nonnull(second);
        ck_assert_ptr_nonnull(strstr(run.out, "STATE\n"));
        ck_assert_ptr_nonnull(strstr(second, " stopped\n"));
        ck_assert_ptr_null(strchr(run.out, '\033'));
}
END_TEST

START_TEST(what_was_wrong_at_each_look_has_lasted_since_the_first)
{
        const KyronctlSetup setup = {.socket_path = "/nonexistent/socket"};
        CLEANUP(kyronctl_run_release)
        KyronctlRun run =
                RUN(&setup, "top", "--json", "-n", "3", "--pid", stopped_text, "--user", "root");
        uint64_t oldest[3] = {0};
        char *rest = run.out, *line;

        if (geteuid() != 0)
                SKIP_TEST("the process that is looked at is not root's");
        kyronctl_run_succeeded(&run);
        ck_assert_uint_eq(kyronctl_count_lines(run.out), 3);
        for (size_t i = 0; i < 3 && (line = strsep(&rest, "\n")); i++) {
                CLEANUP(cleanup_json) json_t *look = json_loads(line, 0, NULL);
                const json_t *row = json_array_get(json_object_get(look, "rows"), 0);

                ck_assert_ptr_nonnull(look);
                kyronctl_json_check_number(row, "pid", (uint64_t)stopped);
                kyronctl_json_check_text(row, "state", "stopped");
                oldest[i] = (uint64_t)json_integer_value(json_object_get(row, "oldest_ms"));
        }
        ck_assert_uint_gt(oldest[1], oldest[0]);
        ck_assert_uint_gt(oldest[2], oldest[1]);
}
END_TEST

START_TEST(a_sessions_events_are_told_a_second)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        CLEANUP(cleanup_json) json_t *look = NULL;
        TestDaemon daemon;
        KyronctlSetup setup;
        DaemonConnection connection;
        const json_t *row;
        char pid[16];

        test_daemon_start(&daemon, NULL);
        setup = (KyronctlSetup){.socket_path = daemon.socket_path};
        connection = raw_session_open(&daemon, "told");
        raw_session_settle(&connection);
        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        run = RUN(&setup, "top", "--json", "-n", "2", "--pid", pid);
        kyronctl_run_succeeded(&run);
        look = json_loads(strchr(run.out, '\n') + 1, 0, NULL);
        ck_assert_ptr_nonnull(look);
        ck_assert(json_is_true(json_object_get(look, "served")));
        row = json_array_get(json_object_get(look, "rows"), 0);
        kyronctl_json_check_text(row, "delivery", "relayed");
        kyronctl_json_check_number(row, "events_per_second", 0);
        close(connection.fd);
        test_daemon_stop(&daemon);
}
END_TEST

START_TEST(a_full_disk_ends_it)
{
        const KyronctlSetup setup = {.socket_path = "/nonexistent/socket",
                                     .output_path = "/dev/full"};
        CLEANUP(kyronctl_run_release)
        KyronctlRun run = RUN(&setup, "top", "--json", "--pid", stopped_text);

        kyronctl_run_failed(&run, 1, "standard output: ");
}
END_TEST

TEST_SUITE(test_kyronctl_top)
{
        TCase *screen = tcase_create("screen"), *end = tcase_create("end");
        TCase *pipe = tcase_create("pipe");

        tcase_set_timeout(screen, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(screen, start_stopped, end_stopped);
        tcase_add_test(screen, it_shows_who_waits_until_it_is_told_to_quit);
        tcase_add_test(screen, each_key_does_what_it_says);
        tcase_add_test(screen, while_it_is_paused_it_does_not_look);
        tcase_add_test(screen, another_size_is_filled_at_once);
        suite_add_tcase(suite, screen);

        tcase_set_timeout(end, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(end, start_stopped, end_stopped);
        tcase_add_loop_test(end, a_signal_ends_it_and_leaves_the_terminal_as_it_was, 0,
                            sizeof(ends) / sizeof(ends[0]));
        tcase_add_loop_test(end, the_keys_that_are_signals_stay_so, 0, 2);
        tcase_add_test(end, while_it_is_stopped_the_terminal_is_as_it_was);
        tcase_add_test(end, a_terminal_that_hangs_up_ends_it);
        suite_add_tcase(suite, end);

        tcase_set_timeout(pipe, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(pipe, start_stopped, end_stopped);
        tcase_add_test(pipe, without_a_terminal_it_says_what_to_do);
        tcase_add_test(pipe, in_a_pipe_it_prints_a_table_for_each_look);
        tcase_add_test(pipe, what_was_wrong_at_each_look_has_lasted_since_the_first);
        tcase_add_test(pipe, a_sessions_events_are_told_a_second);
        tcase_add_test(pipe, a_full_disk_ends_it);
        suite_add_tcase(suite, pipe);
}
