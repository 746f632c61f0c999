/*
 * The program that SIGUSR2 is to put in the daemon's place: which one that is, and that nothing is
 * lost by one that is another program, does not understand the state, or cannot serve.
 */
#include "tests/integration/handover_scene.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Programs that do not take it ---- */

/* $REAL is a kyron-iod. */
static void make_script(const char *does)
{
        FILE *file;

        unlink(handover.program);
        file = fopen(handover.program, "we");
        ck_assert_ptr_nonnull(file);
        fprintf(file, "#!/bin/sh\nREAL=%s\necho x >%s\n%s\n", handover.real_program, handover.asked,
                does);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(chmod(handover.program, 0755), 0);
}

static void make_refusing(void)
{
        make_script("exit 1");
}

static void make_crashing(void)
{
        make_script("kill -SEGV $$");
}

static void make_missing(void)
{
        ck_assert_int_eq(unlink(handover.program), 0);
}

static void make_no_program(void)
{
        make_script("exit 0");
        ck_assert_int_eq(chmod(handover.program, 0644), 0);
}

static void make_directory(void)
{
        ck_assert_int_eq(unlink(handover.program), 0);
        ck_assert_int_eq(mkdir(handover.program, 0755), 0);
}

static void make_fifo(void)
{
        ck_assert_int_eq(unlink(handover.program), 0);
        ck_assert_int_eq(mkfifo(handover.program, 0755), 0);
}

static void make_text(void)
{
        FILE *file;

        ck_assert_int_eq(unlink(handover.program), 0);
        file = fopen(handover.program, "we");
        ck_assert_int_gt(fputs("hello\n", file), 0);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(chmod(handover.program, 0755), 0);
}

/* As an installation that did not come to its end leaves it. */
static void make_truncated(void)
{
        FILE *from = fopen(handover.real_program, "re"), *to;
        static char bytes[300000];

        ck_assert_int_eq(unlink(handover.program), 0);
        to = fopen(handover.program, "we");
        ck_assert_uint_eq(fread(bytes, 1, sizeof(bytes), from), sizeof(bytes));
        ck_assert_uint_eq(fwrite(bytes, 1, sizeof(bytes), to), sizeof(bytes));
        fclose(from);
        fclose(to);
        ck_assert_int_eq(chmod(handover.program, 0755), 0);
}

static void make_another(void)
{
        handover_use_program("/bin/true");
}

/* One that says yes, as it says to everything. */
static void make_saying_yes(void)
{
        make_script("cat <&3 >&4; exit 0");
}

static void make_dying_afterwards(void)
{
        make_script("\"$REAL\" \"$@\"; kill -SEGV $$");
}

static void make_failing_afterwards(void)
{
        make_script("\"$REAL\" \"$@\"; exit 3");
}

static void make_without_answer(void)
{
        make_script("exec \"$REAL\" \"$@\" 4>/dev/null");
}

static void make_with_broken_configuration(void)
{
        make_script("exec \"$REAL\" \"$@\" --config /nonexistent");
}

static void make_vanishing(void)
{
        make_script("\"$REAL\" \"$@\"; rm \"$0\"; exit 0");
}

static void make_replaced(void)
{
        make_script("\"$REAL\" \"$@\"; cp /bin/true \"$0.new\"; mv \"$0.new\" \"$0\"; exit 0");
}

static void make_changed(void)
{
        make_script("\"$REAL\" \"$@\"; echo exit 0 >>\"$0\"; exit 0");
}

static const struct Bad {
        void (*make)(void);
        const char *why; /* after the program's path */
        bool is_asked;
} bad[] = {
        {make_refusing, " ended with status 1 when it was asked", true},
        {make_crashing, " was ended by signal 11 when it was asked", true},
        {make_missing, ": No such file or directory", false},
        {make_no_program, ": Permission denied", false},
        {make_directory, " is not a program", false},
        {make_fifo, " is not a program", false},
        {make_text, ": Exec format error", false},
        {make_truncated, "", false},
        {make_another, " does not answer whether it takes over", false},
        {make_saying_yes, " does not answer whether it takes over", true},
        {make_dying_afterwards, " was ended by signal 11 when it was asked", true},
        {make_failing_afterwards, " ended with status 3 when it was asked", true},
        {make_without_answer, " does not answer whether it takes over", true},
        {make_with_broken_configuration, " does not take over: /nonexistent: No such file", true},
        {make_vanishing, ": No such file or directory", true},
        {make_replaced, " is another file than the one that was asked", true},
        {make_changed, " is another file than the one that was asked", true},
};

enum { BAD = sizeof(bad) / sizeof(bad[0]) };

/* The daemon's log, which is this process's standard error. */
static bool has_logged(const char *path, const char *text)
{
        char log[16384], expected[512];
        ssize_t n = pread(handover.log_fd, log, sizeof(log) - 1, 0);

        ck_assert_int_ge(n, 0);
        log[n] = '\0';
        snprintf(expected, sizeof(expected), "not handed over, this program goes on: %s%s", path,
                 text);
        return strstr(log, expected) != NULL;
}

START_TEST(a_program_that_does_not_take_it_changes_nothing)
{
        ShortConnections *load;

        handover_start_workers();
        load = handover_start_load();
        bad[_i].make();
        for (int i = 0; i < 5; i++) {
                ck_assert(handover_has_served(load, 20));
                ck_assert_int_eq(kill(handover.daemon.pid, SIGUSR2), 0);
        }
        ck_assert_msg(WAIT_UNTIL(has_logged(handover.program, bad[_i].why), DEADLINE_MS), "%s",
                      bad[_i].why);
        if (bad[_i].is_asked)
                ck_assert_int_eq(access(handover.asked, F_OK), 0);
        ck_assert(handover_has_served(load, 50));
        ck_assert(!handover_is_another());
        /* The session is the same, too. */
        raw_client_status(&handover.client);
        handover_end_load(load, "refused");
        /* And a good one is taken after it. */
        if (bad[_i].make == make_directory)
                ck_assert_int_eq(rmdir(handover.program), 0);
        else
                unlink(handover.program);
        ck_assert_int_eq(symlink(handover.real_program, handover.program), 0);
        handover_do();
}
END_TEST

START_TEST(a_program_that_hangs_when_it_is_asked_does_not_keep_it_from_stopping)
{
        make_script("exec sleep 60");
        ck_assert_int_eq(kill(handover.daemon.pid, SIGUSR2), 0);
        ck_assert(WAIT_UNTIL(access(handover.asked, F_OK) == 0, DEADLINE_MS));
        raw_client_status(&handover.client);
        raw_client_close(&handover.client);
        test_daemon_stop(&handover.daemon);
        handover_use_program(handover.real_program);
        test_daemon_start(&handover.daemon, (const char *const[]){"--user", NULL});
        handover_open_client();
}
END_TEST

/* ---- By which path it is found ---- */

START_TEST(a_script_that_executes_it_is_taken)
{
        struct sockaddr_in address = handover_join("tcp:127.0.0.1:0"), again;

        make_script("exec \"$REAL\" \"$@\"");
        handover_do();
        again = handover_join("");
        ck_assert_int_eq(again.sin_port, address.sin_port);
        /* What it executed is what hands over next. */
        make_script("exit 1");
        handover_do();
}
END_TEST

/* A copy of the program that is a file of its own. */
static void copy_program(const char *path)
{
        static char bytes[1 << 16];
        FILE *from = fopen(handover.real_program, "re"), *to = fopen(path, "we");
        size_t n;

        ck_assert(from && to);
        while ((n = fread(bytes, 1, sizeof(bytes), from)) > 0)
                ck_assert_uint_eq(fwrite(bytes, 1, n, to), n);
        fclose(from);
        ck_assert_int_eq(fclose(to), 0);
        ck_assert_int_eq(chmod(path, 0755), 0);
}

static const char *const names[] = {"kyron-iod", "another-name", "/nonexistent/kyron-iod"};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

/* Started as a shell does that has found it: by a path, under any name. */
static pid_t start_as(const char *path, const char *name)
{
        pid_t pid = fork();

        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (chdir(handover.directory) == 0)
                        execl(path, name, "--foreground", "--log-level", "warning", "--config",
                              "/dev/null", "--socket", handover.daemon.socket_path, NULL);
                _exit(126);
        }
        return pid;
}

START_TEST(the_release_that_a_link_leads_to_by_then_is_executed)
{
        char releases[2][256], exe[64], executed[256];
        ssize_t n;

        raw_client_close(&handover.client);
        test_daemon_crash(&handover.daemon);
        for (int i = 0; i < 2; i++) {
                snprintf(releases[i], sizeof(releases[i]), "%s/release%d", handover.directory, i);
                copy_program(releases[i]);
        }
        handover_use_program(releases[0]);
        /* By its absolute path, and by one that is relative to a handover.directory. */
        handover.daemon.pid =
                start_as(_i % 2 == 0 ? handover.program : "./kyron-iod", names[_i / 2]);
        ck_assert(WAIT_UNTIL(handover_is_another(), DEADLINE_MS));
        handover_open_client();
        handover_use_program(releases[1]);
        ck_assert_int_eq(unlink(releases[0]), 0);
        handover_do();
        snprintf(exe, sizeof(exe), "/proc/%d/exe", (int)handover.daemon.pid);
        n = readlink(exe, executed, sizeof(executed) - 1);
        ck_assert_int_gt(n, 0);
        executed[n] = '\0';
        ck_assert_str_eq(executed, releases[1]);
        handover_do();
}
END_TEST

/* ---- One that says yes, and cannot ---- */

static const char *const mistakes[] = {
        "--max-sessions none",
        "--config /nonexistent",
        "--config /dev/zero",
};

enum { MISTAKES = sizeof(mistakes) / sizeof(mistakes[0]) };

START_TEST(one_that_cannot_serve_after_all_executes_the_one_before)
{
        struct sockaddr_in address = handover_join("tcp:127.0.0.1:0"), again;
        char script[512];

        snprintf(script, sizeof(script),
                 "case \"$*\" in *--check-state*) exec \"$REAL\" \"$@\";; esac\n"
                 "exec \"$REAL\" \"$@\" %s",
                 mistakes[_i]);
        make_script(script);
        for (int i = 0; i < 3; i++)
                handover_do();
        again = handover_join("");
        ck_assert_int_eq(again.sin_port, address.sin_port);
}
END_TEST

TEST_SUITE(test_handover_programs)
{
        TCase *refused = tcase_create("refused");
        TCase *found = tcase_create("found");
        TCase *unable = tcase_create("unable");

        tcase_add_checked_fixture(refused, handover_set_up, handover_tear_down);
        tcase_add_loop_test(refused, a_program_that_does_not_take_it_changes_nothing, 0, BAD);
        tcase_add_test(refused,
                       a_program_that_hangs_when_it_is_asked_does_not_keep_it_from_stopping);
        tcase_add_checked_fixture(found, handover_set_up, handover_tear_down);
        tcase_add_test(found, a_script_that_executes_it_is_taken);
        tcase_add_loop_test(found, the_release_that_a_link_leads_to_by_then_is_executed, 0,
                            2 * NAMES);
        tcase_add_checked_fixture(unable, handover_set_up, handover_tear_down);
        tcase_add_loop_test(unable, one_that_cannot_serve_after_all_executes_the_one_before, 0,
                            MISTAKES);
        tcase_set_timeout(refused, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(found, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(unable, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, refused);
        suite_add_tcase(suite, found);
        suite_add_tcase(suite, unable);
}
