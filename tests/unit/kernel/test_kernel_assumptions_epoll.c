/*
 * What the code relies on about epoll sets, proven against the kernel it runs on: what an entry is
 * and how long it lives, which files are taken, sets in sets. When one of these fails, the design
 * is wrong on that kernel, not the code.
 *
 * Each test runs in its own process (check's default), so none closes what only its end needs
 * closed.
 */
#include "tests/support/deadline.h"
#include "tests/support/epoll_set.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- an entry is (open file, number), for as long as the file lives ---- */

START_TEST(an_entry_survives_close_while_another_descriptor_holds_the_file)
{
        int set = epoll_set_open();
        int pipe[2];
        uint64_t data;
        int copy;

        pipe_pair(pipe);
        copy = dup(pipe[0]);
        ck_assert_int_eq(epoll_set_add(set, pipe[0], EPOLLIN | EPOLLET, 7), 0);
        close(pipe[0]);
        put_byte(pipe[1]);
        ck_assert_uint_eq(epoll_set_next(set, 0, &data), EPOLLIN);
        ck_assert_uint_eq(data, 7);
        /* Nor does it move to the copy's number. */
        ck_assert_int_eq(epoll_set_control(set, EPOLL_CTL_DEL, copy, 0, 0), -ENOENT);
        ck_assert_int_eq(epoll_set_control(set, EPOLL_CTL_DEL, pipe[0], 0, 0), -EBADF);
        ck_assert_uint_eq(epoll_set_list(set, &data, 1), 1);
}
END_TEST

START_TEST(an_entry_vanishes_with_the_last_reference)
{
        int set = epoll_set_open();
        int pipe[2];
        uint64_t data;
        int copy;

        pipe_pair(pipe);
        copy = dup(pipe[0]);
        ck_assert_int_eq(epoll_set_add_by_scratch(set, pipe[0], EPOLLIN, 1), 0);
        close(pipe[0]);
        ck_assert_uint_eq(epoll_set_list(set, &data, 1), 1);
        close(copy);
        ck_assert_uint_eq(epoll_set_list(set, &data, 1), 0);
}
END_TEST

START_TEST(the_same_file_twice_under_one_number_is_eexist)
{
        int set = epoll_set_open();
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(epoll_set_add_by_scratch(set, pipe[0], EPOLLIN, 1), 0);
        ck_assert_int_eq(epoll_set_add_by_scratch(set, pipe[0], EPOLLIN, 2), -EEXIST);
        ck_assert_int_eq(epoll_set_add_by_scratch(set, dup(pipe[0]), EPOLLIN, 2), -EEXIST);
}
END_TEST

START_TEST(the_same_file_under_two_numbers_is_two_entries)
{
        int set = epoll_set_open();
        int pipe[2];
        uint64_t data[2];

        pipe_pair(pipe);
        ck_assert_int_eq(epoll_set_add(set, pipe[0], EPOLLIN, 1), 0);
        ck_assert_int_eq(epoll_set_add(set, dup(pipe[0]), EPOLLIN, 2), 0);
        ck_assert_uint_eq(epoll_set_list(set, data, 2), 2);
}
END_TEST

START_TEST(the_same_file_in_two_sets_is_reported_by_both)
{
        int sets[2] = {epoll_set_open(), epoll_set_open()};
        int pipe[2];

        pipe_pair(pipe);
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(epoll_set_add_by_scratch(sets[i], pipe[0], EPOLLIN | EPOLLET, 1),
                                 0);
        put_byte(pipe[1]);
        for (int i = 0; i < 2; i++)
                ck_assert_uint_eq(epoll_set_next(sets[i], 0, NULL), EPOLLIN);
}
END_TEST

START_TEST(many_files_share_the_scratch_number_and_keep_their_data)
{
        int set = epoll_set_open();
        int pipes[50][2];
        uint64_t data;

        for (uint64_t i = 0; i < 50; i++) {
                pipe_pair(pipes[i]);
                /* All 64 bits come back. */
                ck_assert_int_eq(epoll_set_add_by_scratch(set, pipes[i][0], EPOLLIN | EPOLLET,
                                                          i << 56 | (i + 1)),
                                 0);
        }
        for (uint64_t i = 50; i-- > 0;) {
                put_byte(pipes[i][1]);
                ck_assert_uint_eq(epoll_set_next(set, 0, &data), EPOLLIN);
                ck_assert_uint_eq(data, i << 56 | (i + 1));
        }
}
END_TEST

START_TEST(a_scratch_entry_delivers_after_its_number_is_reused)
{
        int set = epoll_set_open();
        int pipe[2];
        int other[2];
        uint64_t data;

        pipe_pair(pipe);
        pipe_pair(other);
        ck_assert_int_eq(epoll_set_add_by_scratch(set, pipe[0], EPOLLIN | EPOLLET, 1), 0);
        ck_assert_int_eq(dup3(other[0], EPOLL_SET_SCRATCH, O_CLOEXEC), EPOLL_SET_SCRATCH);
        put_byte(pipe[1]);
        ck_assert_uint_eq(epoll_set_next(set, 0, &data), EPOLLIN);
        ck_assert_uint_eq(data, 1);
}
END_TEST

START_TEST(a_scratch_entry_is_modified_by_sending_the_file_again)
{
        int set = epoll_set_open();
        int ends[2];
        uint64_t data;

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        ck_assert_int_eq(epoll_set_add_by_scratch(set, ends[0], EPOLLIN | EPOLLET, 1), 0);
        ck_assert_int_eq(epoll_set_control_by_scratch(set, EPOLL_CTL_MOD, ends[0],
                                                      EPOLLIN | EPOLLOUT | EPOLLET, 2),
                         0);
        ck_assert_uint_eq(epoll_set_next(set, 0, &data), EPOLLOUT);
        ck_assert_uint_eq(data, 2);
}
END_TEST

START_TEST(a_scratch_entry_is_removed_by_sending_the_file_again)
{
        int set = epoll_set_open();
        int pipe[2];
        int other[2];
        uint64_t data;

        pipe_pair(pipe);
        pipe_pair(other);
        ck_assert_int_eq(epoll_set_add_by_scratch(set, pipe[0], EPOLLIN, 1), 0);
        ck_assert_int_eq(epoll_set_control_by_scratch(set, EPOLL_CTL_DEL, other[0], 0, 0), -ENOENT);
        ck_assert_int_eq(epoll_set_control_by_scratch(set, EPOLL_CTL_DEL, pipe[0], 0, 0), 0);
        ck_assert_uint_eq(epoll_set_list(set, &data, 1), 0);
        put_byte(pipe[1]);
        ck_assert_uint_eq(epoll_set_next(set, 0, NULL), EPOLL_SET_NO_EVENT);
        ck_assert_int_eq(epoll_set_add_by_scratch(set, pipe[0], EPOLLIN, 2), 0);
}
END_TEST

START_TEST(an_entry_alone_does_not_keep_a_socket_from_its_peers_end_of_file)
{
        int set = epoll_set_open();
        int ends[2];
        uint64_t data;
        char byte;

        if (_i == 0)
                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        else
                tcp_pair(ends);
        ck_assert_int_eq(epoll_set_add_by_scratch(set, ends[0], EPOLLIN | EPOLLET, 1), 0);
        close(ends[0]);
        ck_assert(wait_readable(ends[1], DEADLINE_MS));
        ck_assert_int_eq(read(ends[1], &byte, 1), 0);
        ck_assert_uint_eq(epoll_set_list(set, &data, 1), 0);
}
END_TEST

START_TEST(fdinfo_lists_the_live_entries_with_their_64_bits)
{
        int set = epoll_set_open();
        int first[2];
        int second[2];
        uint64_t data[2];

        pipe_pair(first);
        pipe_pair(second);
        ck_assert_int_eq(
                epoll_set_add_by_scratch(set, first[0], EPOLLIN, UINT64_C(0xfedcba9876543210)), 0);
        ck_assert_int_eq(epoll_set_add_by_scratch(set, second[0], EPOLLIN, 2), 0);
        ck_assert_uint_eq(epoll_set_list(set, data, 2), 2);
        close(second[0]);
        ck_assert_uint_eq(epoll_set_list(set, data, 2), 1);
        ck_assert_uint_eq(data[0], UINT64_C(0xfedcba9876543210));
}
END_TEST

/* ---- what epoll takes ---- */

static const struct Unwatchable {
        const char *path;
        int flags;
        int error;
} unwatchable[] = {
        {"/etc/passwd", O_RDONLY, EPERM}, {"/", O_RDONLY | O_DIRECTORY, EPERM},
        {"/dev/null", O_RDWR, EPERM},     {"/etc/passwd", O_PATH, EBADF},
        {"/dev/null", O_PATH, EBADF},
};

START_TEST(a_file_without_poll_is_refused)
{
        int fd = open(unwatchable[_i].path, unwatchable[_i].flags | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(epoll_set_add(epoll_set_open(), fd, EPOLLIN, 1), -unwatchable[_i].error);
}
END_TEST

START_TEST(a_number_that_is_not_open_is_ebadf)
{
        ck_assert_int_eq(epoll_set_add(epoll_set_open(), EPOLL_SET_SCRATCH, EPOLLIN, 1), -EBADF);
}
END_TEST

START_TEST(some_regular_files_are_taken)
{
        /* So "regular file" is for the classification to refuse, not for epoll. */
        int fd = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
        struct stat status;

        ck_assert_int_eq(fstat(fd, &status), 0);
        ck_assert(S_ISREG(status.st_mode));
        ck_assert_int_eq(epoll_set_add(epoll_set_open(), fd, EPOLLIN, 1), 0);
}
END_TEST

/* ---- sets in sets ---- */

START_TEST(a_nested_set_is_readable_only_while_something_in_it_is_ready)
{
        int inner = epoll_set_open();
        int outer = epoll_set_open();
        int pipe[2];
        uint64_t data;

        pipe_pair(pipe);
        ck_assert_int_eq(epoll_set_add(outer, inner, EPOLLIN, 5), 0);
        ck_assert_int_eq(epoll_set_add_by_scratch(inner, pipe[0], EPOLLIN | EPOLLET, 1), 0);
        ck_assert_uint_eq(epoll_set_next(outer, 0, NULL), EPOLL_SET_NO_EVENT);
        for (int i = 0; i < 3; i++) {
                put_byte(pipe[1]);
                /* Level-triggered: asking the outer set takes nothing from the inner one. */
                ck_assert_uint_eq(epoll_set_next(outer, 0, &data), EPOLLIN);
                ck_assert_uint_eq(data, 5);
                ck_assert_uint_eq(epoll_set_next(outer, 0, NULL), EPOLLIN);
                ck_assert_uint_eq(epoll_set_next(inner, 0, &data), EPOLLIN);
                ck_assert_uint_eq(data, 1);
                ck_assert_uint_eq(epoll_set_next(outer, 0, NULL), EPOLL_SET_NO_EVENT);
        }
}
END_TEST

START_TEST(a_nested_set_stops_being_readable_when_its_ready_file_is_gone)
{
        int inner = epoll_set_open();
        int outer = epoll_set_open();
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(epoll_set_add(outer, inner, EPOLLIN, 5), 0);
        ck_assert_int_eq(epoll_set_add_by_scratch(inner, pipe[0], EPOLLIN | EPOLLET, 1), 0);
        put_byte(pipe[1]);
        close(pipe[0]);
        ck_assert_uint_eq(epoll_set_next(outer, 0, NULL), EPOLL_SET_NO_EVENT);
}
END_TEST

START_TEST(a_set_may_lie_four_deep_and_not_five)
{
        int set = epoll_set_open();

        for (int depth = 1; depth <= 4; depth++) {
                int outer = epoll_set_open();

                ck_assert_int_eq(epoll_set_add(outer, set, EPOLLIN, 1), 0);
                set = outer;
        }
        ck_assert_int_eq(epoll_set_add(epoll_set_open(), set, EPOLLIN, 1), -ELOOP);
}
END_TEST

START_TEST(a_cycle_of_sets_is_refused)
{
        int first = epoll_set_open();
        int second = epoll_set_open();

        ck_assert_int_eq(epoll_set_add(first, second, EPOLLIN, 1), 0);
        ck_assert_int_eq(epoll_set_add(second, first, EPOLLIN, 1), -ELOOP);
        ck_assert_int_lt(epoll_set_add(first, first, EPOLLIN, 1), 0);
}
END_TEST

START_TEST(a_file_may_be_in_500_nested_sets_and_not_in_more)
{
        /* One listener shared by many processes: the 501st session's registration is EINVAL. */
        enum { PATHS_MAX = 500 };
        int outer = epoll_set_open();
        int pipe[2];

        pipe_pair(pipe);
        for (int i = 0; i <= PATHS_MAX; i++) {
                int inner = epoll_set_open();

                ck_assert_int_eq(epoll_set_add(outer, inner, EPOLLIN, 1), 0);
                ck_assert_int_eq(epoll_set_add_by_scratch(inner, pipe[0], EPOLLIN | EPOLLET, 1),
                                 i < PATHS_MAX ? 0 : -EINVAL);
        }
}
END_TEST

TEST_SUITE(test_kernel_assumptions_epoll)
{
        TCase *entries = tcase_create("entries");
        TCase *files = tcase_create("files");
        TCase *nested = tcase_create("nested");

        tcase_add_test(entries, an_entry_survives_close_while_another_descriptor_holds_the_file);
        tcase_add_test(entries, an_entry_vanishes_with_the_last_reference);
        tcase_add_test(entries, the_same_file_twice_under_one_number_is_eexist);
        tcase_add_test(entries, the_same_file_under_two_numbers_is_two_entries);
        tcase_add_test(entries, the_same_file_in_two_sets_is_reported_by_both);
        tcase_add_test(entries, many_files_share_the_scratch_number_and_keep_their_data);
        tcase_add_test(entries, a_scratch_entry_delivers_after_its_number_is_reused);
        tcase_add_test(entries, a_scratch_entry_is_modified_by_sending_the_file_again);
        tcase_add_test(entries, a_scratch_entry_is_removed_by_sending_the_file_again);
        tcase_add_loop_test(entries,
                            an_entry_alone_does_not_keep_a_socket_from_its_peers_end_of_file, 0, 2);
        tcase_add_test(entries, fdinfo_lists_the_live_entries_with_their_64_bits);
        tcase_set_timeout(entries, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, entries);

        tcase_add_loop_test(files, a_file_without_poll_is_refused, 0,
                            (int)(sizeof(unwatchable) / sizeof(unwatchable[0])));
        tcase_add_test(files, a_number_that_is_not_open_is_ebadf);
        tcase_add_test(files, some_regular_files_are_taken);
        tcase_set_timeout(files, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, files);

        tcase_add_test(nested, a_nested_set_is_readable_only_while_something_in_it_is_ready);
        tcase_add_test(nested, a_nested_set_stops_being_readable_when_its_ready_file_is_gone);
        tcase_add_test(nested, a_set_may_lie_four_deep_and_not_five);
        tcase_add_test(nested, a_cycle_of_sets_is_refused);
        tcase_add_test(nested, a_file_may_be_in_500_nested_sets_and_not_in_more);
        tcase_set_timeout(nested, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, nested);
}
