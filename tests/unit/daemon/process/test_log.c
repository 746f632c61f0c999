/*
 * daemon/log: each line says how urgent and about whom, a flood is cut and counted, and errno
 * survives.
 */
#include "daemon/process/log.h"
#include "tests/support/capture.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char output[65536];
static time_t coarse_second = 1000;

/* The log's clock, in this program: coarse time is the test's. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
        if (clock != CLOCK_MONOTONIC_COARSE)
                return (int)syscall(SYS_clock_gettime, clock, now);
        *now = (struct timespec){.tv_sec = coarse_second};
        return 0;
}

static const Peer peer = {.session = 7, .program = "echo_server", .pid = 312, .uid = 1000};

static void set_up(void)
{
        unsetenv("JOURNAL_STREAM");
        log_open(LOG_INFO);
        capture_start(STDERR_FILENO);
}

static const char *captured(void)
{
        return capture_end(output, sizeof(output));
}

static unsigned count_lines(const char *text)
{
        unsigned count = 0;

        for (; *text; text++)
                count += *text == '\n';
        return count;
}

START_TEST(a_refusal_for_want_of_what_everybody_needs_is_a_warning)
{
        ck_assert_int_eq(log_refusal_level(ENOMEM), LOG_WARNING);
        ck_assert_int_eq(log_refusal_level(EMFILE), LOG_WARNING);
        ck_assert_int_eq(log_refusal_level(EACCES), LOG_DEBUG);
        ck_assert_int_eq(log_refusal_level(EDQUOT), LOG_DEBUG);
}
END_TEST

START_TEST(a_line_says_who_speaks_and_how_urgent_it_is)
{
        log_daemon(LOG_ERR, "no %s, %d times", "luck", 3);
        log_daemon(LOG_INFO, "second");
        ck_assert_str_eq(captured(),
                         "kyron-iod: error: no luck, 3 times\nkyron-iod: info: second\n");
}
END_TEST

START_TEST(a_line_about_a_session_names_it)
{
        log_session(LOG_NOTICE, &peer, "ends: %s", "why");
        ck_assert_str_eq(captured(), "kyron-iod: notice: session 7 (echo_server, pid 312, "
                                     "uid 1000): ends: why\n");
}
END_TEST

START_TEST(the_longest_name_and_numbers_fit)
{
        Peer other = {.session = UINT64_MAX, .pid = INT32_MIN, .uid = UINT32_MAX};

        memset(other.program, 'p', FRAME_PROGRAM_MAX);
        log_session(LOG_NOTICE, &other, "x");
        ck_assert_str_eq(captured(), "kyron-iod: notice: session 18446744073709551615 "
                                     "(pppppppppppppppppppppppppppppppp, pid -2147483648, uid "
                                     "4294967295): x\n");
}
END_TEST

START_TEST(what_is_less_urgent_than_asked_for_is_left_out)
{
        log_daemon(LOG_DEBUG, "not this");
        log_session(LOG_DEBUG, &peer, "nor this");
        log_open(LOG_DEBUG);
        log_daemon(LOG_DEBUG, "this");
        log_open(LOG_ERR);
        log_daemon(LOG_WARNING, "not this again");
        log_daemon(LOG_ERR, "and this");
        ck_assert_str_eq(captured(), "kyron-iod: debug: this\nkyron-iod: error: and this\n");
}
END_TEST

START_TEST(a_line_too_long_is_cut_and_still_a_line)
{
        char text[2048];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        log_daemon(LOG_INFO, "%s", text);
        log_daemon(LOG_INFO, "next");
        captured();
        ck_assert_uint_eq(count_lines(output), 2);
        ck_assert_ptr_nonnull(strstr(output, "x\nkyron-iod: info: next\n"));
        ck_assert_uint_lt(strlen(output), 1024);
}
END_TEST

START_TEST(a_flood_is_cut_and_counted)
{
        for (int i = 0; i < LOG_LINES_PER_SECOND + 23; i++)
                log_daemon(LOG_INFO, "line %d", i);
        captured();
        ck_assert_uint_eq(count_lines(output), LOG_LINES_PER_SECOND);
        ck_assert_ptr_nonnull(strstr(output, "line 99\n"));

        capture_start(STDERR_FILENO);
        coarse_second++;
        log_daemon(LOG_INFO, "next");
        log_daemon(LOG_INFO, "after");
        ck_assert_str_eq(captured(), "kyron-iod: warning: 23 lines were left out of the log\n"
                                     "kyron-iod: info: next\nkyron-iod: info: after\n");

        capture_start(STDERR_FILENO);
        coarse_second++;
        for (int i = 0; i < LOG_LINES_PER_SECOND; i++)
                log_daemon(LOG_INFO, "line %d", i);
        captured();
        ck_assert_uint_eq(count_lines(output), LOG_LINES_PER_SECOND);
        ck_assert_ptr_null(strstr(output, "left out"));
}
END_TEST

START_TEST(what_is_not_written_anyway_is_no_flood)
{
        for (int i = 0; i < 2 * LOG_LINES_PER_SECOND; i++)
                log_daemon(LOG_DEBUG, "not this");
        log_daemon(LOG_INFO, "this");
        ck_assert_str_eq(captured(), "kyron-iod: info: this\n");
}
END_TEST

START_TEST(errno_survives)
{
        /* Also when the line cannot be written. */
        close(STDERR_FILENO);
        for (int i = 0; i < 2 * LOG_LINES_PER_SECOND; i++) {
                coarse_second += i % 60 == 0;
                errno = ENOSPC;
                log_daemon(LOG_INFO, "line");
                ck_assert_int_eq(errno, ENOSPC);
                log_session(LOG_INFO, &peer, "line");
                ck_assert_int_eq(errno, ENOSPC);
                log_daemon(LOG_DEBUG, "line");
                ck_assert_int_eq(errno, ENOSPC);
        }
        captured();
}
END_TEST

START_TEST(a_stream_that_is_not_the_journals_gets_lines)
{
        /* As when systemd started a shell, and the shell us with stderr elsewhere. */
        setenv("JOURNAL_STREAM", "1:1", 1);
        log_open(LOG_INFO);
        log_daemon(LOG_INFO, "one");
        setenv("JOURNAL_STREAM", "nonsense", 1);
        log_open(LOG_INFO);
        log_daemon(LOG_INFO, "two");
        ck_assert_str_eq(captured(), "kyron-iod: info: one\nkyron-iod: info: two\n");
}
END_TEST

START_TEST(the_journals_stream_gets_none_but_the_journal_does)
{
        char stream[64];
        struct stat status;

        if (access("/run/systemd/journal/socket", F_OK) == 0) {
                captured();
                SKIP_TEST("it would write to this machine's journal");
        }
        ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
        snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
                 (unsigned long long)status.st_ino);
        setenv("JOURNAL_STREAM", stream, 1);
        log_open(LOG_INFO);
        log_daemon(LOG_INFO, "one");
        log_session(LOG_INFO, &peer, "two");
        captured();
        if (HAVE_SYSTEMD)
                ck_assert_str_eq(output, "");
        else
                ck_assert_uint_eq(count_lines(output), 2);
}
END_TEST

START_TEST(in_the_background_nothing_goes_to_standard_error)
{
        if (access("/dev/log", F_OK) == 0) {
                captured();
                SKIP_TEST("it would write to this machine's log");
        }
        log_to_syslog();
        log_daemon(LOG_INFO, "one");
        log_session(LOG_INFO, &peer, "two");
        ck_assert_str_eq(captured(), "");
}
END_TEST

TEST_SUITE(test_log)
{
        TCase *lines = tcase_create("lines");

        tcase_add_checked_fixture(lines, set_up, NULL);
        tcase_add_test(lines, a_line_says_who_speaks_and_how_urgent_it_is);
        tcase_add_test(lines, a_refusal_for_want_of_what_everybody_needs_is_a_warning);
        tcase_add_test(lines, a_line_about_a_session_names_it);
        tcase_add_test(lines, the_longest_name_and_numbers_fit);
        tcase_add_test(lines, what_is_less_urgent_than_asked_for_is_left_out);
        tcase_add_test(lines, a_line_too_long_is_cut_and_still_a_line);
        tcase_add_test(lines, a_flood_is_cut_and_counted);
        tcase_add_test(lines, what_is_not_written_anyway_is_no_flood);
        tcase_add_test(lines, errno_survives);
        tcase_add_test(lines, a_stream_that_is_not_the_journals_gets_lines);
        tcase_add_test(lines, the_journals_stream_gets_none_but_the_journal_does);
        tcase_add_test(lines, in_the_background_nothing_goes_to_standard_error);
        tcase_set_timeout(lines, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, lines);
}
