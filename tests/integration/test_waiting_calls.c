/*
 * Nothing on the loop's thread waits for anything but its own wait. Whatever the daemon calls that
 * may wait for somebody else (waiting_call.h) is made to last for a second, one kind of call after
 * another, while a client or an operator has the daemon make it: a neighbour's round trips do not
 * notice. And when everything the daemon does was done, its loop's thread has made no such call.
 */
#include "tests/integration/waiting_scene.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/scale.h"

#include <stdio.h>
#include <unistd.h>

enum {
        NEIGHBOUR_MS = 10, /* 99 of 100 round trips end within it */
        TRIES = 10,        /* where others compute, a neighbour may notice them */
};

typedef struct Row {
        const char *name;
        int call;
        void (*begin)(void);
        const char *step;
} Row;

#define ROW(call, begin, step)                                                                     \
        {                                                                                          \
#call, SLOW_CALL_##call, begin, step                                               \
        }

static const Row rows[] = {
        ROW(bind, NULL, "take-listeners"),
        ROW(chmod, NULL, "operate"),
        ROW(close, NULL, "hold-lingering"),
        ROW(connect, waiting_scene_remake_manager, NULL),
        ROW(getaddrinfo, NULL, "connect-to-names"),
        ROW(getdents, NULL, "operate"),
        ROW(getgrnam, NULL, "operate"),
        ROW(open, NULL, "operate"),
        ROW(open, NULL, "take-listeners"),
        ROW(posix_spawn, waiting_scene_hand_over, NULL),
        ROW(read, NULL, "operate"),
        ROW(stat, NULL, "operate"),
        ROW(stat, NULL, "take-listeners"),
        ROW(unlink, NULL, "share-local"),
        ROW(write, NULL, "crowd"),
};

/* Where nothing else listens there: no machine's log gets a test's lines. */
static const Row journal_row = ROW(send, NULL, "crowd");
static const Row syslog_row = ROW(connect, NULL, "crowd");

static const char *const steps[] = {
        "register",
        "register-file",
        "bind",
        "connect-to-number",
        "connect-to-names",
        "share-own",
        "share-configured",
        "lose-worker",
        "hold",
        "hold-lingering",
        "take-listeners",
        "share-local",
        "crowd",
        "operate",
};

static void set_up(void)
{
        waiting_scene_open(WAITING_LOG_FILE);
}

static void expect_no_delay(const Row *row)
{
        double ms = 0;

        for (int i = 0; i < TRIES; i++) {
                waiting_scene_arm(row->call);
                if (row->begin)
                        row->begin();
                ms = waiting_scene_measure(row->step ? waiting_scene_start_step(row->step) : 0,
                                           row->call);
                if (ms < NEIGHBOUR_MS)
                        break;
        }
        if (geteuid() != 0 && atomic_load(&waiting_calls->counts[row->call]) == 0)
                SKIP_TEST("what brings the daemon to %s takes root", row->name);
        ck_assert_msg(atomic_load(&waiting_calls->counts[row->call]) > 0, "%s was not called",
                      row->name);
        ck_assert_msg(ms < NEIGHBOUR_MS,
                      "%s lasts, and of a neighbour's round trips 99 of 100 up to %.1f ms",
                      row->name, ms);
}

START_TEST(a_call_that_lasts_delays_no_neighbour)
{
        if (!waiting_scene_works())
                SKIP_TEST("no system calls can be looked at here");
        expect_no_delay(&rows[_i]);
}
END_TEST

START_TEST(nor_does_a_journal_or_a_syslog_that_lasts)
{
        static const char *const paths[] = {"/run/systemd/journal/socket", "/dev/log"};

        if (_i == 0 && !HAVE_SYSTEMD)
                SKIP_TEST("built without systemd");
        if (access(paths[_i], F_OK) == 0)
                SKIP_TEST("it would write to this machine's log");
        waiting_scene_open(_i == 0 ? WAITING_LOG_JOURNAL : WAITING_LOG_SYSLOG);
        if (waiting_scene_works())
                expect_no_delay(_i == 0 ? &journal_row : &syslog_row);
        waiting_scene_close();
}
END_TEST

START_TEST(the_loops_thread_makes_no_call_that_may_wait)
{
        if (!waiting_scene_works())
                SKIP_TEST("no system calls can be looked at here");
        waiting_scene_arm(SLOW_CALL_none);
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
                ck_assert(wait_exit(waiting_scene_start_step(steps[i]), DEADLINE_MS, NULL));
        waiting_scene_measure(0, SLOW_CALL_unlink);
        waiting_scene_remake_manager();
        waiting_scene_measure(0, SLOW_CALL_connect);
        waiting_scene_hand_over();
        waiting_scene_measure(0, SLOW_CALL_posix_spawn);
        for (unsigned i = 0; i < waiting_calls->n_findings && i < SLOW_FINDINGS_MAX; i++)
                fprintf(stderr, "on the loop's thread: %s\n", waiting_calls->findings[i]);
        ck_assert_uint_eq(waiting_calls->n_findings, 0);
}
END_TEST

START_TEST(nothing_is_looked_at)
{
        SKIP_TEST("a sanitizer has to be the first library");
}
END_TEST

TEST_SUITE(test_waiting_calls)
{
        TCase *tcase = tcase_create("waiting calls");
        TCase *logs = tcase_create("logs");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(logs, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
        suite_add_tcase(suite, logs);
        if (BUILT_WITH_SANITIZER) {
                tcase_add_test(tcase, nothing_is_looked_at);
                return;
        }
        tcase_add_checked_fixture(tcase, set_up, waiting_scene_close);
        tcase_add_loop_test(tcase, a_call_that_lasts_delays_no_neighbour, 0,
                            (int)(sizeof(rows) / sizeof(rows[0])));
        tcase_add_test(tcase, the_loops_thread_makes_no_call_that_may_wait);
        tcase_add_loop_test(logs, nor_does_a_journal_or_a_syslog_that_lasts, 0, 2);
}
