/*
 * core/selector: one epoll set whose every entry is edge-triggered and reports exact bits under
 * its id, with the errors that the header lists.
 */
#include "core/selector.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static Selector selector = SELECTOR_INIT;
static const IoId id = 0x0000abcdef123456;

static void set_up(void)
{
        ck_assert_int_eq(selector_open(&selector), 0);
}

static void tear_down(void)
{
        selector_close(&selector);
}

/* What the set reports now for our one id. */
static Readiness take(void)
{
        SelectorEvent events[2];
        int n = selector_wait(&selector, events, 2, 0);

        ck_assert_int_ge(n, 0);
        ck_assert_int_le(n, 1);
        if (n == 0)
                return 0;
        ck_assert_uint_eq(selector_event_id(&events[0]), id);
        return selector_event_readiness(&events[0]);
}

START_TEST(a_set_is_close_on_exec_and_closes_once)
{
        Selector other = SELECTOR_INIT;
        int fd;

        ck_assert_int_eq(selector_open(&other), 0);
        fd = other.epoll_fd;
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        selector_close(&other);
        ck_assert_int_eq(other.epoll_fd, -1);
        ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
        selector_close(&other);
}
END_TEST

START_TEST(readiness_is_told_once_until_it_begins_anew)
{
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(selector_add(&selector, pipe[0], id, READINESS_READABLE), 0);
        ck_assert_uint_eq(take(), 0);
        put_byte(pipe[1]);
        ck_assert_uint_eq(take(), READINESS_READABLE);
        ck_assert_uint_eq(take(), 0);
        drain(pipe[0]);
        put_byte(pipe[1]);
        ck_assert_uint_eq(take(), READINESS_READABLE);
}
END_TEST

START_TEST(what_is_ready_already_is_told_when_added)
{
        int pair[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
        put_byte(pair[1]);
        ck_assert_int_eq(
                selector_add(&selector, pair[0], id, READINESS_READABLE | READINESS_WRITABLE), 0);
        ck_assert_uint_eq(take(), READINESS_READABLE | READINESS_WRITABLE);
}
END_TEST

START_TEST(only_what_was_asked_for_comes_beside_closed_and_error)
{
        int pair[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
        put_byte(pair[1]);
        ck_assert_int_eq(selector_add(&selector, pair[0], id, READINESS_WRITABLE), 0);
        ck_assert_uint_eq(take(), READINESS_WRITABLE);
        close(pair[1]);
        ck_assert(take() & READINESS_WRITE_CLOSED);
}
END_TEST

START_TEST(the_other_sides_shutdown_closes_reading_alone)
{
        int pair[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
        ck_assert_int_eq(
                selector_add(&selector, pair[0], id, READINESS_READABLE | READINESS_WRITABLE), 0);
        ck_assert_uint_eq(take(), READINESS_WRITABLE);
        shutdown(pair[1], SHUT_WR);
        ck_assert_uint_eq(take(), READINESS_READABLE | READINESS_READ_CLOSED | READINESS_WRITABLE);
}
END_TEST

START_TEST(a_new_interest_reports_what_is_ready_now)
{
        int pair[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
        ck_assert_int_eq(selector_add(&selector, pair[0], id, READINESS_READABLE), 0);
        ck_assert_uint_eq(take(), 0);
        ck_assert_int_eq(
                selector_modify(&selector, pair[0], id, READINESS_READABLE | READINESS_WRITABLE),
                0);
        ck_assert_uint_eq(take(), READINESS_WRITABLE);
        ck_assert_uint_eq(take(), 0);
}
END_TEST

START_TEST(what_was_removed_is_silent)
{
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(selector_add(&selector, pipe[0], id, READINESS_READABLE), 0);
        put_byte(pipe[1]);
        ck_assert_int_eq(selector_remove(&selector, pipe[0]), 0);
        ck_assert_uint_eq(take(), 0);
        ck_assert_int_eq(selector_remove(&selector, pipe[0]), -ENOENT);
}
END_TEST

START_TEST(a_level_entry_is_told_again_and_again)
{
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(selector_add_level(&selector, pipe[0], id, READINESS_READABLE), 0);
        put_byte(pipe[1]);
        ck_assert_uint_eq(take(), READINESS_READABLE);
        ck_assert_uint_eq(take(), READINESS_READABLE);
        ck_assert_int_eq(selector_modify_level(&selector, pipe[0], id, READINESS_WRITABLE), 0);
        ck_assert_uint_eq(take(), 0);
        ck_assert_int_eq(selector_modify_level(&selector, pipe[0], id, READINESS_READABLE), 0);
        ck_assert_uint_eq(take(), READINESS_READABLE);
        ck_assert_uint_eq(take(), READINESS_READABLE);
}
END_TEST

START_TEST(each_error_is_the_one_of_the_header)
{
        Selector full = SELECTOR_INIT;
        int pipe[2];
        int file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        int path = open("/etc/passwd", O_PATH | O_CLOEXEC);

        pipe_pair(pipe);
        ck_assert_int_eq(selector_modify(&selector, pipe[0], id, READINESS_READABLE), -ENOENT);
        ck_assert_int_eq(selector_add(&selector, pipe[0], id, READINESS_READABLE), 0);
        ck_assert_int_eq(selector_add(&selector, pipe[0], id, READINESS_READABLE), -EEXIST);
        ck_assert_int_eq(selector_add(&selector, file, id, READINESS_READABLE), -EPERM);
        ck_assert_int_eq(selector_add(&selector, path, id, READINESS_READABLE), -EBADF);
        ck_assert_int_eq(selector_open(&full), 0);
        ck_assert_int_eq(selector_add(&selector, full.epoll_fd, id, READINESS_READABLE), 0);
        ck_assert_int_eq(selector_add(&full, selector.epoll_fd, id, READINESS_READABLE), -ELOOP);
}
END_TEST

START_TEST(at_the_descriptor_limit_there_is_no_set)
{
        Selector other = SELECTOR_INIT;

        if (!limit_descriptors(selector.epoll_fd + 1))
                SKIP_TEST("the limit of open files is not the kernel's here");
        ck_assert_int_eq(selector_open(&other), -EMFILE);
        ck_assert_int_eq(other.epoll_fd, -1);
        unlimit_descriptors();
}
END_TEST

/* ---- waiting ---- */

START_TEST(no_more_come_than_were_asked_for_and_none_is_lost)
{
        enum { COUNT = 300 };
        SelectorEvent events[COUNT];
        bool seen[COUNT] = {false};
        int total = 0;
        int n;

        for (uint32_t i = 0; i < COUNT; i++) {
                int pipe[2];

                pipe_pair(pipe);
                ck_assert_int_eq(
                        selector_add(&selector, pipe[1], io_id_make(i, 1), READINESS_WRITABLE), 0);
        }
        ck_assert_int_eq(selector_wait(&selector, events, 3, 0), 3);
        for (int i = 0; i < 3; i++)
                seen[io_id_slot(selector_event_id(&events[i]))] = true;
        while ((n = selector_wait(&selector, events, COUNT / 2, 0)) > 0) {
                ck_assert_int_le(n, COUNT / 2);
                for (int i = 0; i < n; i++) {
                        ck_assert(!seen[io_id_slot(selector_event_id(&events[i]))]);
                        seen[io_id_slot(selector_event_id(&events[i]))] = true;
                }
                total += n;
        }
        ck_assert_int_eq(n, 0);
        ck_assert_int_eq(total, COUNT - 3);
}
END_TEST

static void ignore(int signal_number)
{
        (void)signal_number;
}

START_TEST(a_signal_ends_a_wait)
{
        const struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
        /* Again and again, in case the first comes before the wait. */
        const struct itimerval soon = {
                .it_value.tv_usec = 1000,
                .it_interval.tv_usec = 1000,
        };
        SelectorEvent event;

        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &soon, NULL);
        ck_assert_int_eq(selector_wait(&selector, &event, 1, DEADLINE_MS), -EINTR);
}
END_TEST

START_TEST(a_wait_ends_when_its_time_has_passed)
{
        SelectorEvent event;
        Deadline end = deadline_in(20);

        ck_assert_int_eq(selector_wait(&selector, &event, 1, 20), 0);
        /* A millisecond is lost to rounding. */
        ck_assert_int_le(deadline_left(end), 1);
}
END_TEST

TEST_SUITE(test_selector)
{
        TCase *entries = tcase_create("entries");
        TCase *waiting = tcase_create("waiting");

        tcase_add_checked_fixture(entries, set_up, tear_down);
        tcase_add_test(entries, a_set_is_close_on_exec_and_closes_once);
        tcase_add_test(entries, readiness_is_told_once_until_it_begins_anew);
        tcase_add_test(entries, what_is_ready_already_is_told_when_added);
        tcase_add_test(entries, only_what_was_asked_for_comes_beside_closed_and_error);
        tcase_add_test(entries, the_other_sides_shutdown_closes_reading_alone);
        tcase_add_test(entries, a_new_interest_reports_what_is_ready_now);
        tcase_add_test(entries, what_was_removed_is_silent);
        tcase_add_test(entries, a_level_entry_is_told_again_and_again);
        tcase_add_test(entries, each_error_is_the_one_of_the_header);
        tcase_add_test(entries, at_the_descriptor_limit_there_is_no_set);
        tcase_set_timeout(entries, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, entries);

        tcase_add_checked_fixture(waiting, set_up, tear_down);
        tcase_add_test(waiting, no_more_come_than_were_asked_for_and_none_is_lost);
        tcase_add_test(waiting, a_signal_ends_a_wait);
        tcase_add_test(waiting, a_wait_ends_when_its_time_has_passed);
        tcase_set_timeout(waiting, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, waiting);
}
