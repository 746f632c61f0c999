/*
 * daemon/log: each line says how urgent and about whom, whatever others brought into it; a flood is
 * cut and counted, and takes nobody else's room; nobody who logs waits for a reader; and errno
 * survives.
 */
#include "daemon/process/log.h"
#include "daemon/process/log_queue.h"
#include "daemon/process/log_shares.h"
#include "tests/support/capture.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/silent_fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char output[65536];
static _Atomic time_t coarse_second = 1000;

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
        for (int i = 0; i < LOG_DAEMON_LINES_MAX + 23; i++)
                log_daemon(LOG_INFO, "line %d", i);
        captured();
        ck_assert_uint_eq(count_lines(output), LOG_DAEMON_LINES_MAX);
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

static const Peer forger = {
        .session = 9, .program = "cron, pid 1, uid 0): ends: x (", .pid = 313, .uid = 61001};

START_TEST(a_programs_name_cannot_look_like_more_than_a_name)
{
        log_session(LOG_NOTICE, &forger, "ends: why");
        ck_assert_str_eq(captured(),
                         "kyron-iod: notice: session 9 (cron\\x2c pid 1\\x2c uid 0\\x29: ends: x "
                         "\\x28, pid 313, uid 61001): ends: why\n");
}
END_TEST

START_TEST(what_others_brought_stays_in_its_line_and_names_no_session)
{
        log_session(LOG_NOTICE, &peer, "refused: \"unix:/a\nkyron-iod: error: \x1b[2J\xff\"");
        log_daemon(LOG_NOTICE, "at unix:/x session 7 (cron, pid 1, uid 0): ends (x)");
        ck_assert_str_eq(
                captured(),
                "kyron-iod: notice: session 7 (echo_server, pid 312, uid 1000): refused: "
                "\"unix:/a\\x0akyron-iod: error: \\x1b[2J\\xff\"\n"
                "kyron-iod: notice: at unix:/x session 7 ?cron, pid 1, uid 0): ends (x)\n");
}
END_TEST

START_TEST(one_users_flood_hides_neither_others_nor_the_daemons_lines)
{
        for (int i = 0; i < 5000; i++)
                log_session(LOG_NOTICE, &forger, "noise");
        for (int i = 0; i < 20; i++) {
                log_session(LOG_NOTICE, &peer, "refused %d", i);
                log_user(LOG_NOTICE, 1001, "turned away %d", i);
                log_daemon(LOG_WARNING, "warning %d", i);
        }
        captured();
        ck_assert_uint_eq(count_lines(output), LOG_USERS_LINES_MAX / 2 + 3 * 20);
        ck_assert_ptr_nonnull(strstr(output, "refused 19\n"));
        ck_assert_ptr_nonnull(strstr(output, "turned away 19\n"));
        ck_assert_ptr_nonnull(strstr(output, "warning 19\n"));

        capture_start(STDERR_FILENO);
        coarse_second++;
        log_daemon(LOG_INFO, "next");
        captured();
        ck_assert_ptr_nonnull(
                strstr(output, " lines were left out of the log: 4800 of user 61001\n"));
}
END_TEST

/* ---- With the thread ----------------------------------------------------------------------- */

static int stderr_before, pipe_read;

/* Standard error is a pipe from now on, which blocks, and which nobody reads yet. */
static void set_up_pipe(void)
{
        int ends[2];

        unsetenv("JOURNAL_STREAM");
        fflush(NULL);
        stderr_before = dup(STDERR_FILENO);
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
        close(ends[1]);
        pipe_read = ends[0];
        log_open(LOG_INFO);
        ck_assert_int_eq(log_start(), 0);
}

/* Nobody has the pipe any more, so that what failed can be said. */
static void restore_stderr(void)
{
        dup2(stderr_before, STDERR_FILENO);
        close(stderr_before);
}

/* Appends what comes, up to a line with this in it. */
static void read_until(const char *last)
{
        size_t length = strlen(output);

        while (!strstr(output, last)) {
                ssize_t n;

                if (!wait_readable(pipe_read, DEADLINE_MS))
                        break;
                n = read(pipe_read, output + length, sizeof(output) - 1 - length);
                if (n <= 0)
                        break;
                length += (size_t)n;
                output[length] = '\0';
        }
}

static void fill_pipe(void)
{
        int size = fcntl(pipe_read, F_GETPIPE_SZ);
        char *bytes = calloc(1, (size_t)size);

        ck_assert_int_eq(write(STDERR_FILENO, bytes, (size_t)size), size);
        free(bytes);
}

/* Reads what fill_pipe() wrote. */
static void empty_pipe(void)
{
        int size = fcntl(pipe_read, F_GETPIPE_SZ);
        char *bytes = malloc((size_t)size);

        for (int got = 0; got < size;) {
                ssize_t n = read(pipe_read, bytes, (size_t)(size - got));

                ck_assert_int_gt(n, 0);
                got += (int)n;
        }
        free(bytes);
}

START_TEST(nobody_who_logs_waits_for_a_reader)
{
        unsigned lines = 0;
        const char *line;

        fill_pipe();
        for (int i = 0; i < 1000; i++) {
                log_session(LOG_NOTICE, &forger, "noise %d.", i);
                log_daemon(LOG_NOTICE, "daemon %d.", i);
                if (i % 50 == 0)
                        log_session(LOG_NOTICE, &peer, "quiet %d.", i);
        }
        ck_assert(!log_queue_flush());
        coarse_second++;
        empty_pipe();
        /* That is said though nobody logs any more. */
        read_until("left out of the log");
        restore_stderr();
        for (line = output; (line = strstr(line, "quiet ")); line++)
                ck_assert_int_eq(atoi(line + strlen("quiet ")), 50 * (int)lines++);
        ck_assert_uint_eq(lines, 20);
        for (line = output, lines = 0; (line = strstr(line, "noise ")); line++)
                ck_assert_int_eq(atoi(line + strlen("noise ")), (int)lines++);
        ck_assert_uint_le(lines, LOG_USERS_LINES_MAX / 2);
        ck_assert_uint_ge(lines, LOG_USERS_LINES_MAX / 2 - 10);
        for (line = output, lines = 0; (line = strstr(line, "daemon ")); line++)
                ck_assert_int_eq(atoi(line + strlen("daemon ")), (int)lines++);
        ck_assert_uint_eq(lines, LOG_DAEMON_LINES_MAX);
}
END_TEST

START_TEST(the_end_does_not_wait_for_a_reader)
{
        fill_pipe();
        log_daemon(LOG_NOTICE, "never read");
        log_stop();
        restore_stderr();
}
END_TEST

START_TEST(a_program_is_replaced_though_nobody_reads)
{
        fill_pipe();
        log_daemon(LOG_NOTICE, "never read");
        ck_assert(log_flush());
        restore_stderr();
}
END_TEST

START_TEST(a_file_that_does_not_answer_keeps_this_program)
{
        int silent = silent_fuse_open(S_IFREG);
        bool flushed;

        if (silent < 0) {
                restore_stderr();
                SKIP_TEST("no FUSE file system: %s", strerror(errno));
        }
        /* It was asked what it is while it answered. */
        dup2(memfd_create("log", MFD_CLOEXEC), STDERR_FILENO);
        log_open(LOG_INFO);
        dup2(silent, STDERR_FILENO);
        log_daemon(LOG_NOTICE, "not written");
        flushed = log_flush();
        /* Closing it would wait, too. */
        silent_fuse_end();
        restore_stderr();
        ck_assert(!flushed);
        ck_assert(log_flush());
}
END_TEST

START_TEST(everything_is_written_at_the_end)
{
        for (int i = 0; i < LOG_DAEMON_LINES_MAX + 3; i++)
                log_daemon(LOG_NOTICE, "line %d", i);
        log_stop();
        log_daemon(LOG_NOTICE, "afterwards");
        restore_stderr();
        read_until("afterwards");
        ck_assert_ptr_nonnull(strstr(output, "line 99\nkyron-iod: warning: 3 lines were left out"));
}
END_TEST

START_TEST(what_does_not_block_is_waited_for)
{
        /* As whoever shares it may have made it. */
        ck_assert_int_eq(fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK), 0);
        fill_pipe();
        log_daemon(LOG_NOTICE, "later");
        ck_assert(!log_queue_flush());
        empty_pipe();
        read_until("later\n");
        restore_stderr();
        ck_assert_str_eq(output, "kyron-iod: notice: later\n");
}
END_TEST

START_TEST(an_abort_loses_nothing_that_is_read)
{
        int status;
        pid_t child;

        /* The thread is not the child's. */
        log_stop();
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                fill_pipe();
                if (log_start() < 0)
                        _exit(1);
                for (int i = 0; i < 50; i++)
                        log_daemon(LOG_NOTICE, "line %d.", i);
                abort();
        }
        restore_stderr();
        empty_pipe();
        read_until("line 49.\n");
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        ck_assert_uint_eq(count_lines(output), 50);
}
END_TEST

TEST_SUITE(test_log)
{
        TCase *lines = tcase_create("lines");
        TCase *thread = tcase_create("thread");

        tcase_add_checked_fixture(lines, set_up, NULL);
        tcase_add_test(lines, a_line_says_who_speaks_and_how_urgent_it_is);
        tcase_add_test(lines, a_refusal_for_want_of_what_everybody_needs_is_a_warning);
        tcase_add_test(lines, a_line_about_a_session_names_it);
        tcase_add_test(lines, the_longest_name_and_numbers_fit);
        tcase_add_test(lines, a_programs_name_cannot_look_like_more_than_a_name);
        tcase_add_test(lines, what_others_brought_stays_in_its_line_and_names_no_session);
        tcase_add_test(lines, what_is_less_urgent_than_asked_for_is_left_out);
        tcase_add_test(lines, a_line_too_long_is_cut_and_still_a_line);
        tcase_add_test(lines, a_flood_is_cut_and_counted);
        tcase_add_test(lines, one_users_flood_hides_neither_others_nor_the_daemons_lines);
        tcase_add_test(lines, what_is_not_written_anyway_is_no_flood);
        tcase_add_test(lines, errno_survives);
        tcase_add_test(lines, a_stream_that_is_not_the_journals_gets_lines);
        tcase_add_test(lines, the_journals_stream_gets_none_but_the_journal_does);
        tcase_add_test(lines, in_the_background_nothing_goes_to_standard_error);
        tcase_set_timeout(lines, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, lines);

        tcase_add_checked_fixture(thread, set_up_pipe, NULL);
        tcase_add_test(thread, nobody_who_logs_waits_for_a_reader);
        tcase_add_test(thread, the_end_does_not_wait_for_a_reader);
        tcase_add_test(thread, a_program_is_replaced_though_nobody_reads);
        tcase_add_test(thread, a_file_that_does_not_answer_keeps_this_program);
        tcase_add_test(thread, everything_is_written_at_the_end);
        tcase_add_test(thread, what_does_not_block_is_waited_for);
        tcase_add_test(thread, an_abort_loses_nothing_that_is_read);
        tcase_set_timeout(thread, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, thread);
}
